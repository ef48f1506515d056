//! How often services are called, and what is kept.

use regcred_core::{CredentialRequest, Provider as _};
use regcred_tests::FakeOci;

use super::{ask, owner, provider, request};

#[tokio::test]
async fn one_federation_serves_every_registry_until_it_is_refused() {
    let oci = FakeOci::start();
    let provider = provider(oci.env());
    for host in [
        "phx.ocir.io",
        "iad.ocir.io",
        "ocir.eu-frankfurt-2.oci.oraclecloud.eu",
    ] {
        let asked = CredentialRequest::new(&format!("{host}/ns/app")).expect("a request");
        let issued = provider.credentials(&asked).await.expect(host);
        assert_eq!(issued.auth[0].0, host);
    }
    assert_eq!(oci.services().count("/v1/x509"), 1);
    assert_eq!(oci.registry().count("/20180419"), 3);

    // A session that ended early is replaced, once.
    oci.end_sessions();
    let issued = provider
        .credentials(&request())
        .await
        .expect("a new session");
    assert_eq!(owner(&oci, &issued), "instance");
    assert_eq!(oci.services().count("/v1/x509"), 2);
    assert_eq!(
        oci.registry().count("/20180419"),
        5,
        "one refused, one answered"
    );
}

#[tokio::test]
async fn a_token_that_opens_nothing_is_handed_on_and_not_kept() {
    let oci = FakeOci::start();
    oci.set_authorised(false);
    let issued = ask(&oci, &[]).await.expect("a token all the same");
    assert_eq!(issued.auth.len(), 1);
    assert_eq!((issued.expires_at, issued.cache_for), (None, None));
    let tried: Vec<String> = oci.registry().seen().into_iter().map(|r| r.path).collect();
    assert_eq!(tried[1], "/v2/axnamespace/team/app/manifests/latest");

    // Not tried: without a repository, and when the operator says so.
    let provider = provider(oci.env());
    let host = CredentialRequest::new("phx.ocir.io").expect("a request");
    assert!(
        provider
            .credentials(&host)
            .await
            .expect("a token")
            .expires_at
            .is_some()
    );
    let issued = ask(&oci, &[("TOKEN_VALIDATION", "disabled")])
        .await
        .expect("a token");
    assert!(issued.expires_at.is_some());
    assert_eq!(oci.registry().count("/v2/"), 1);

    oci.set_authorised(true);
    assert!(ask(&oci, &[]).await.expect("a token").expires_at.is_some());
}

#[tokio::test]
async fn the_tag_or_digest_that_was_asked_for_is_tried() {
    let oci = FakeOci::start();
    let provider = provider(oci.env());
    let digest = format!("sha256:{}", "ab".repeat(32));
    for (image, tried) in [
        (
            "phx.ocir.io/ns/app:v1",
            "/v2/ns/app/manifests/v1".to_owned(),
        ),
        (
            &format!("phx.ocir.io/ns/app:v1@{digest}"),
            format!("/v2/ns/app/manifests/{digest}"),
        ),
    ] {
        let asked = CredentialRequest::new(image).expect("a request");
        provider.credentials(&asked).await.expect("a token");
        let seen = oci.registry().seen();
        assert_eq!(seen.last().expect("a call").path, tried);
    }
}

#[tokio::test]
async fn a_session_token_is_read_once_so_that_the_key_and_the_login_are_of_the_same_user() {
    let oci = FakeOci::start();
    let provider = provider(oci.env_with(&[("OCI_CLI_PROFILE", "session")]));
    let request = request();
    let plan = provider.plan(&request).expect("a plan");
    std::fs::write(oci.file("session.token"), "another user's").expect("a file");
    let issued = plan.fetch().await.expect("a token");
    assert_eq!(owner(&oci, &issued), "user by session");
}

#[test]
fn keys_of_the_shared_cache_tell_answers_apart_and_hold_no_secret() {
    let oci = FakeOci::start();
    let key = |image: &str, vars: &[(&str, &str)]| {
        let asked = CredentialRequest::new(image).expect("a request");
        let provider = provider(oci.env_with(vars));
        provider
            .plan(&asked)
            .ok()
            .and_then(|plan| plan.key().cloned())
            .expect("a key")
            .as_str()
            .to_owned()
    };
    let mut pod = request();
    pod.service_account_token = Some("canary.b.c".into());
    let workload = provider(oci.cluster_env())
        .plan(&pod)
        .ok()
        .and_then(|plan| plan.key().cloned())
        .expect("a key");
    let keys = [
        key("phx.ocir.io/ns/app", &[]),
        key("iad.ocir.io/ns/app", &[]),
        key("phx.ocir.io/ns/app", &[("OCI_CLI_AUTH", "api_key")]),
        key("phx.ocir.io/ns/app", &[("OCI_CLI_PROFILE", "session")]),
        key("phx.ocir.io/ns/app", &[("OCI_CLI_PROFILE", "behalf")]),
        workload.as_str().to_owned(),
    ];
    assert_eq!(
        key("phx.ocir.io/ns/other:v1", &[]),
        keys[0],
        "one for a registry"
    );
    let mut different = keys.to_vec();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), keys.len());
    for key in &keys {
        assert!(!key.contains("canary"), "{key}");
        assert!(
            oci.secrets().iter().all(|secret| !key.contains(secret)),
            "{key}"
        );
    }
    let missing = provider([("OCI_CLI_PROFILE".to_owned(), "missing".to_owned())]);
    assert_eq!(
        missing
            .plan(&request())
            .ok()
            .and_then(|plan| plan.key().cloned()),
        None
    );
}
