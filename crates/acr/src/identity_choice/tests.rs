use regcred_core::ErrorKind;

use super::*;
use crate::testing::{cloud, of_pod, request};

const IMAGE: &str = "contoso.azurecr.io/app";

fn chosen(
    vars: &[(&str, &str)],
    json: Option<&AzureJson>,
    request: &CredentialRequest,
    mirrored: bool,
) -> Result<Identity, ProviderError> {
    choose(&cloud(vars), json, request, mirrored)
}

#[test]
fn a_pod_is_never_the_node() {
    let node = [
        (vars::CLIENT_SECRET, "canary"),
        (vars::CLIENT_ID, "node"),
        (vars::TENANT_ID, "t"),
    ];
    let pod = of_pod(
        IMAGE,
        &[
            (CLIENT_ID_ANNOTATION, "pod"),
            (TENANT_ID_ANNOTATION, "pods"),
        ],
    );
    let identity = chosen(&node, None, &pod, false).expect("the pod");
    assert!(matches!(&identity, Identity::Pod(app, _)
        if app.client_id == "pod" && app.tenant == "pods"));
    for annotations in [
        &[][..],
        &[(TENANT_ID_ANNOTATION, "t")],
        &[(CLIENT_ID_ANNOTATION, "")],
    ] {
        let error = chosen(&node, None, &of_pod(IMAGE, annotations), false).expect_err("no client");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
        assert!(error.to_string().contains(CLIENT_ID_ANNOTATION), "{error}");
    }
    let mut empty = of_pod(IMAGE, &[(CLIENT_ID_ANNOTATION, "pod")]);
    empty.service_account_token = Some(" ".into());
    assert!(chosen(&node, None, &empty, false).is_err());
    // A mirrored image is left to the node, as upstream does.
    let identity = chosen(&node, None, &pod, true).expect("the node");
    assert!(matches!(identity, Identity::Secret(..)));
}

#[test]
fn the_nodes_tenant_stands_in_for_an_annotation() {
    let pod = of_pod(IMAGE, &[(CLIENT_ID_ANNOTATION, "pod")]);
    let tenant =
        |vars: &[(&str, &str)], json: Option<&AzureJson>| match chosen(vars, json, &pod, false) {
            Ok(Identity::Pod(app, _)) => Some(app.tenant),
            _ => None,
        };
    let json = AzureJson {
        tenant_id: Some("of-file".to_owned()),
        ..AzureJson::default()
    };
    assert_eq!(tenant(&[], Some(&json)).as_deref(), Some("of-file"));
    assert_eq!(
        tenant(&[(vars::TENANT_ID, "named")], Some(&json)).as_deref(),
        Some("named")
    );
    assert_eq!(tenant(&[], None), None);
}

#[test]
fn the_strict_switch_leaves_nothing_to_the_node() {
    let strict = [
        (vars::REQUIRE_POD_IDENTITY, "true"),
        (vars::CLIENT_ID, "node"),
    ];
    let error = chosen(&strict, None, &request(IMAGE), false).expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let pod = of_pod(
        IMAGE,
        &[(CLIENT_ID_ANNOTATION, "pod"), (TENANT_ID_ANNOTATION, "t")],
    );
    assert!(chosen(&strict, None, &pod, false).is_ok());
}
