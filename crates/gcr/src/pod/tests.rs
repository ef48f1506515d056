use regcred_core::ErrorKind;

use super::*;
use crate::testing::{EMAIL, POOL, cloud, metadata};

fn request(token: Option<&str>, annotations: &[(&str, &str)]) -> CredentialRequest {
    let mut request = CredentialRequest::new("us-docker.pkg.dev/p/r/a").expect("image");
    request.service_account_token = token.map(SecretString::from);
    request.service_account_annotations = annotations
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    request
}

#[test]
fn the_pods_identity_is_used_when_it_is_asked_for() {
    let account = (SERVICE_ACCOUNT, EMAIL);
    for (mode, annotations, wanted) in [
        ("annotated", &[][..], false),
        ("annotated", &[(OPT_IN, "true")], true),
        ("annotated", &[(OPT_IN, "TRUE")], false),
        ("annotated", &[(OPT_IN, "false"), account], false),
        ("annotated", &[account], true),
        ("always", &[], true),
        ("always", &[(OPT_IN, "false")], true),
        ("never", &[(OPT_IN, "true"), account], false),
    ] {
        let cloud = cloud(&[("REGCRED_GCR_POD_IDENTITY", mode)]);
        let request = request(Some("x"), annotations);
        assert_eq!(
            is_asked_for(&cloud.settings, &request),
            wanted,
            "{mode} {annotations:?}"
        );
    }
}

#[test]
fn the_strict_switch_wins_over_every_word_and_needs_a_token() {
    for mode in ["annotated", "always", "never"] {
        let cloud = cloud(&[
            ("REGCRED_GCR_POD_IDENTITY", mode),
            ("REGCRED_GCR_REQUIRE_POD_IDENTITY", "true"),
        ]);
        let request = request(None, &[]);
        assert!(is_asked_for(&cloud.settings, &request), "{mode}");
        let error = Pod::of(&cloud.settings, &request).err().expect("no token");
        assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    }
}

#[test]
fn without_a_token_or_with_a_wrong_account_there_is_no_identity() {
    let cloud = cloud(&[("REGCRED_GCR_STS_AUDIENCE", POOL)]);
    let refused = |request| Pod::of(&cloud.settings, &request).err().expect("refused");
    let error = refused(request(None, &[(OPT_IN, "true")]));
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    assert!(error.to_string().contains("tokenAttributes"), "{error}");

    let wrong = [(SERVICE_ACCOUNT, "a/../b@p.iam.gserviceaccount.com")];
    let error = refused(request(Some("x"), &wrong));
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn without_a_pool_the_error_names_what_to_set() {
    let node = metadata(&[]).await;
    let cloud = cloud(&[("GCE_METADATA_HOST", &node.host())]);
    let error = Pod::of(&cloud.settings, &request(Some("x"), &[(OPT_IN, "true")]))
        .expect("pod")
        .token(&cloud)
        .await
        .expect_err("no pool");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(error.to_string().contains("--sts-audience"), "{error}");
}
