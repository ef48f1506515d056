use super::*;
use crate::testing::{of_pod, reach, request};

const IMAGE: &str = "contoso.azurecr.io/app";

fn chosen(
    vars: &[(&str, &str)],
    json: Option<&AzureJson>,
    request: &CredentialRequest,
    mirrored: bool,
) -> Result<Identity, ProviderError> {
    Identity::choose(&reach(vars), json, request, mirrored)
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
    assert!(
        matches!(&identity, Identity::Workload(app, WorkloadToken::Pod(_))
        if app.client_id == "pod" && app.tenant == "pods")
    );
    for annotations in [
        &[][..],
        &[(TENANT_ID_ANNOTATION, "t")],
        &[(CLIENT_ID_ANNOTATION, "")],
    ] {
        let error = chosen(&node, None, &of_pod(IMAGE, annotations), false).expect_err("nobody");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
        assert!(error.to_string().contains(CLIENT_ID_ANNOTATION), "{error}");
    }
    let mut empty = of_pod(IMAGE, &[(CLIENT_ID_ANNOTATION, "pod")]);
    empty.service_account_token = Some(" ".into());
    assert!(chosen(&node, None, &empty, false).is_err());
    // A mirrored image is the node's affair, as upstream has it.
    let identity = chosen(&node, None, &pod, true).expect("the node");
    assert!(matches!(identity, Identity::Secret(..)));
}

#[test]
fn the_nodes_tenant_stands_in_for_an_annotation() {
    let pod = of_pod(IMAGE, &[(CLIENT_ID_ANNOTATION, "pod")]);
    let tenant =
        |vars: &[(&str, &str)], json: Option<&AzureJson>| match chosen(vars, json, &pod, false) {
            Ok(Identity::Workload(app, _)) => Some(app.tenant),
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

#[test]
fn names_tell_identities_apart_and_no_secrets() {
    let name = |secret: &str| {
        let application = Application::new("t", "c").expect("sound");
        Identity::Secret(application, secret.into()).stable_name()
    };
    assert_ne!(name("canary1"), name("canary2"));
    assert!(!name("canary1").contains("canary"));
}
