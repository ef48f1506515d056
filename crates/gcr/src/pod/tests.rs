use regcred_core::{ErrorKind, report};
use regcred_http::testing::{Fake, Reply};
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::testing::{EMAIL, POOL, SCOPE, cloud, fake, iam, metadata, now, pod_token, sts};

const GKE_POOL: &str = "identitynamespace:my-project.svc.id.goog:\
     https://container.googleapis.com/v1/projects/my-project/locations/europe-west1/clusters/c1";
const GKE_AUDIENCE: &str = "my-project.svc.id.goog";
const OTHER_AUDIENCE: &str = "https://iam.googleapis.com/projects/12/locations/global/\
     workloadIdentityPools/pool/providers/oidc";

fn request(token: Option<String>, annotations: &[(&str, &str)]) -> CredentialRequest {
    let mut request = CredentialRequest::new("us-docker.pkg.dev/p/r/a").expect("image");
    request.service_account_token = token.map(SecretString::from);
    request.service_account_annotations = annotations
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    request
}

fn good(audience: &str) -> Option<String> {
    Some(pod_token(audience, now() + chrono::TimeDelta::minutes(10)))
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
        let request = request(good("x"), annotations);
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

#[tokio::test]
async fn gkes_convention_is_upstreams_two_flags() {
    let sts = sts(GKE_POOL, GKE_AUDIENCE).await;
    let cloud = cloud(&[
        ("REGCRED_GCR_STS_URL", &sts.url("/v1/token")),
        ("REGCRED_GCR_PROJECT_ID", "my-project"),
        (
            "REGCRED_GCR_IDENTITY_PROVIDER",
            "https://container.googleapis.com/v1/projects/my-project/locations/europe-west1/clusters/c1",
        ),
    ]);
    let token = Pod::of(
        &cloud.settings,
        &request(good(GKE_AUDIENCE), &[(OPT_IN, "true")]),
    )
    .expect("pod")
    .token(&cloud)
    .await
    .expect("token");
    assert_eq!(token.secret.expose_secret(), "federated-token");
    assert_eq!(token.expires_at, now() + chrono::TimeDelta::seconds(3599));
}

#[tokio::test]
async fn gkes_cluster_is_found_in_the_metadata() {
    let sts = sts(GKE_POOL, GKE_AUDIENCE).await;
    let node = metadata(&[
        ("project/project-id", &[(200, "my-project")]),
        (
            "instance/attributes/cluster-location",
            &[(200, "europe-west1")],
        ),
        ("instance/attributes/cluster-name", &[(200, "c1")]),
    ])
    .await;
    let cloud = cloud(&[
        ("REGCRED_GCR_STS_URL", &sts.url("/v1/token")),
        ("GCE_METADATA_HOST", &node.host()),
    ]);
    let token = Pod::of(
        &cloud.settings,
        &request(good(GKE_AUDIENCE), &[(OPT_IN, "true")]),
    )
    .expect("pod")
    .token(&cloud)
    .await
    .expect("token");
    assert_eq!(token.secret.expose_secret(), "federated-token");
}

#[tokio::test]
async fn other_clusters_name_their_pool_and_may_act_as_a_service_account() {
    let sts = sts(POOL, OTHER_AUDIENCE).await;
    let iam = iam(
        "federated-token",
        json!({ "lifetime": "3600s", "scope": [SCOPE] }),
    )
    .await;
    let cloud = cloud(&[
        ("REGCRED_GCR_STS_URL", &sts.url("/v1/token")),
        ("REGCRED_GCR_IAM_CREDENTIALS_URL", &iam.url("")),
        ("REGCRED_GCR_STS_AUDIENCE", POOL),
    ]);
    let request = request(good(OTHER_AUDIENCE), &[(SERVICE_ACCOUNT, EMAIL)]);
    let token = Pod::of(&cloud.settings, &request)
        .expect("pod")
        .token(&cloud)
        .await
        .expect("token");
    assert_eq!(token.secret.expose_secret(), "impersonated-token");
    assert_eq!(token.expires_at, now() + chrono::TimeDelta::hours(1));
}

#[tokio::test]
async fn a_token_that_google_refuses_is_an_error_with_its_reason() {
    let sts = sts(POOL, OTHER_AUDIENCE).await;
    let cloud = cloud(&[
        ("REGCRED_GCR_STS_URL", &sts.url("/v1/token")),
        ("REGCRED_GCR_STS_AUDIENCE", POOL),
    ]);
    for (token, part) in [
        (pod_token(OTHER_AUDIENCE, now()), "has expired"),
        (
            pod_token("elsewhere", now() + chrono::TimeDelta::hours(1)),
            "elsewhere",
        ),
        ("canary".to_owned(), "not a JWT"),
    ] {
        let error = Pod::of(&cloud.settings, &request(Some(token), &[]))
            .expect("pod")
            .token(&cloud)
            .await
            .expect_err(part);
        assert_eq!(error.kind(), ErrorKind::Denied);
        let shown = report(&error);
        for part in [part, "400", POOL] {
            assert!(shown.contains(part), "{shown}");
        }
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_refused_impersonation_names_account_and_reason() {
    let sts = sts(POOL, OTHER_AUDIENCE).await;
    let denied = json!({
        "error": {
            "code": 403,
            "message": "Permission 'iam.serviceAccounts.getAccessToken' denied",
            "status": "PERMISSION_DENIED",
        }
    });
    let iam = Fake::start(move |_| Reply::json(403, &denied)).await;
    let cloud = cloud(&[
        ("REGCRED_GCR_STS_URL", &sts.url("/v1/token")),
        ("REGCRED_GCR_IAM_CREDENTIALS_URL", &iam.url("")),
        ("REGCRED_GCR_STS_AUDIENCE", POOL),
    ]);
    let request = request(good(OTHER_AUDIENCE), &[(SERVICE_ACCOUNT, EMAIL)]);
    let error = Pod::of(&cloud.settings, &request)
        .expect("pod")
        .token(&cloud)
        .await
        .expect_err("denied");
    let shown = report(&error);
    for part in [EMAIL, "403", "iam.serviceAccounts.getAccessToken"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(!shown.contains("federated-token"), "{shown}");
}

#[tokio::test]
async fn without_a_token_or_with_a_strange_account_nothing_is_sent() {
    let sts = fake(|_| Err("no request is due".to_owned())).await;
    let cloud = cloud(&[
        ("REGCRED_GCR_STS_URL", &sts.url("/v1/token")),
        ("REGCRED_GCR_STS_AUDIENCE", POOL),
    ]);
    let error = Pod::of(&cloud.settings, &request(None, &[(OPT_IN, "true")]))
        .err()
        .expect("no token");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    assert!(error.to_string().contains("tokenAttributes"), "{error}");

    let strange = [(SERVICE_ACCOUNT, "a/../b@p.iam.gserviceaccount.com")];
    let error = Pod::of(&cloud.settings, &request(good(OTHER_AUDIENCE), &strange))
        .err()
        .expect("no account");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(sts.seen().is_empty());
}

#[tokio::test]
async fn without_a_pool_the_error_names_what_to_set() {
    let node = metadata(&[]).await;
    let cloud = cloud(&[("GCE_METADATA_HOST", &node.host())]);
    let error = Pod::of(&cloud.settings, &request(good("x"), &[(OPT_IN, "true")]))
        .expect("pod")
        .token(&cloud)
        .await
        .expect_err("no pool");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(error.to_string().contains("--sts-audience"), "{error}");
}
