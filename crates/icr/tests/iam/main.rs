//! Every identity, from its settings to the registry login, against strict fakes.

mod fake;

use fake::{API_KEY, NOW, sa_token, token_of};
use regcred_core::{
    CacheScope, Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError, report,
};
use regcred_icr::Icr;
use secrecy::ExposeSecret;

fn clock() -> Clock {
    Clock::fixed(chrono::DateTime::from_timestamp(NOW, 0).expect("time"))
}

fn request(image: &str) -> CredentialRequest {
    CredentialRequest::new(image).expect("request")
}

async fn ask(env: &Env, request: &CredentialRequest) -> Result<Issued, ProviderError> {
    Icr::new(env, &clock())?.credentials(request).await
}

fn login(issued: &Issued) -> (String, String, String) {
    let [(key, login)] = issued.auth.as_slice() else {
        panic!("one login, not {}", issued.auth.len());
    };
    let password = login.password.expose_secret().to_owned();
    (key.clone(), login.username.clone(), password)
}

async fn with_iam(vars: &[(&str, &str)]) -> (wiremock::MockServer, Env) {
    let server = fake::iam().await;
    let uri = server.uri();
    let all = vars
        .iter()
        .copied()
        .chain([("IBMCLOUD_IAM_URL", uri.as_str())]);
    let env = Env::map(all);
    (server, env)
}

#[tokio::test]
async fn each_secret_becomes_an_access_token() {
    for (vars, identity) in [
        (&[("IBMCLOUD_API_KEY", API_KEY)][..], "service-id"),
        (&[("IBMCLOUD_REFRESH_TOKEN", "refresh-1")], "person"),
        (
            &[
                ("IBMCLOUD_API_KEY", API_KEY),
                ("IBMCLOUD_CR_PROFILE", "Profile-other"),
            ],
            "other",
        ),
        (
            &[
                ("IBMCLOUD_CR_TOKEN", &sa_token()),
                ("IBMCLOUD_IAM_PROFILE_ID", "Profile-linked"),
            ],
            "pod",
        ),
    ] {
        let (_server, env) = with_iam(vars).await;
        let issued = ask(&env, &request("us.icr.io/ns/app"))
            .await
            .expect(identity);
        let expected = (
            "us.icr.io".to_owned(),
            "iambearer".to_owned(),
            token_of(identity),
        );
        assert_eq!(login(&issued), expected);
        assert_eq!(issued.scope, CacheScope::Registry);
        assert_eq!(issued.expires_at.expect("known").timestamp(), NOW + 3600);
    }
}

#[tokio::test]
async fn the_kubelets_token_is_used_with_the_annotated_profile_and_nothing_else() {
    let (_server, env) = with_iam(&[("IBMCLOUD_API_KEY", API_KEY)]).await;
    let mut asked = request("icr.io/ns/app");
    asked.service_account_token = Some(sa_token().into());
    let annotation = "regcred.dev/ibm-profile-id".to_owned();
    asked
        .service_account_annotations
        .insert(annotation.clone(), "Profile-linked".to_owned());
    let issued = ask(&env, &asked).await.expect("pod");
    assert_eq!(login(&issued).2, token_of("pod"));

    asked
        .service_account_annotations
        .insert(annotation, "Profile-foreign".to_owned());
    let error = ask(&env, &asked).await.expect_err("never the node's key");
    let text = report(&error);
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(
        text.contains("BXNIM0400E") && text.contains("not eligible"),
        "{text}"
    );
    assert!(
        text.contains("life 3600 s") && text.contains("Profile-foreign"),
        "{text}"
    );
    assert!(!text.contains(&sa_token()), "{text}");
}

#[tokio::test]
async fn a_refusal_has_iams_code_and_advice_and_no_secret() {
    let (server, env) = with_iam(&[("IBMCLOUD_API_KEY", "canary-key")]).await;
    let error = ask(&env, &request("us.icr.io/ns/app"))
        .await
        .expect_err("refused");
    let text = report(&error);
    assert!(
        text.contains("BXNIM0415E") && text.contains("make a new API key"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(server.received_requests().await.expect("recorded").len(), 1);
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let server = wiremock::MockServer::start().await;
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(wiremock::ResponseTemplate::new(429).insert_header("Retry-After", "0"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    let right = serde_json::json!({"access_token": "t", "expiration": NOW + 600});
    wiremock::Mock::given(wiremock::matchers::any())
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(right))
        .mount(&server)
        .await;
    let uri = server.uri();
    let env = Env::map([("IBMCLOUD_API_KEY", "k"), ("IBMCLOUD_IAM_URL", &uri)]);
    let issued = ask(&env, &request("us.icr.io/ns/app"))
        .await
        .expect("third time");
    assert_eq!(login(&issued).2, "t");
}

#[tokio::test]
async fn an_instance_gets_its_token_on_both_sets_of_paths() {
    for new_paths in [true, false] {
        let server = fake::vpc(new_paths).await;
        let uri = server.uri();
        let env = Env::map([("IBMCLOUD_CR_VPC_URL", uri.as_str())]);
        let issued = ask(&env, &request("de.icr.io/ns/app"))
            .await
            .expect("default profile");
        assert_eq!(
            login(&issued).2,
            token_of("instance"),
            "new paths: {new_paths}"
        );

        let linked = env.with([("IBMCLOUD_IAM_PROFILE_ID", "Profile-linked")]);
        let issued = ask(&linked, &request("de.icr.io/ns/app"))
            .await
            .expect("linked");
        assert_eq!(login(&issued).2, token_of("instance-profile"));

        let foreign = env.with([("IBMCLOUD_IAM_PROFILE_ID", "Profile-foreign")]);
        let error = ask(&foreign, &request("de.icr.io/ns/app"))
            .await
            .expect_err("not linked");
        assert!(
            error.to_string().contains("link the trusted profile"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_prescribed_version_is_not_departed_from() {
    let server = fake::vpc(false).await;
    let uri = server.uri();
    let env = Env::map([("IBMCLOUD_CR_VPC_URL", uri.as_str())]);
    let old = env.with([("IBMCLOUD_VPC_IMS_VERSION", "2022-03-01")]);
    assert!(ask(&old, &request("icr.io/ns/app")).await.is_ok());
    let new = env.with([("IBMCLOUD_VPC_IMS_VERSION", "2025-09-01")]);
    assert!(ask(&new, &request("icr.io/ns/app")).await.is_err());
}

#[tokio::test]
async fn long_lived_secrets_are_handed_on_only_when_asked_for() {
    let secret = ("REGCRED_ICR_LOGIN", "secret");
    for (vars, expected) in [
        (&[secret, ("IBMCLOUD_API_KEY", "k")][..], ("iamapikey", "k")),
        (
            &[secret, ("IBMCLOUD_REFRESH_TOKEN", "r")],
            ("iamrefresh", "r"),
        ),
        (
            &[
                secret,
                ("IBMCLOUD_API_KEY", "k"),
                ("IBMCLOUD_CR_PROFILE", "Profile-7"),
            ],
            ("Profile-7", "k"),
        ),
    ] {
        let issued = ask(&Env::map(vars.iter().copied()), &request("icr.io/ns/app"))
            .await
            .expect("no network");
        let (_, username, password) = login(&issued);
        assert_eq!((username.as_str(), password.as_str()), expected);
    }
    let error = ask(&Env::map([secret]), &request("icr.io/ns/app"))
        .await
        .expect_err("vpc");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn hosts_of_others_get_nothing_and_ask_nobody() {
    let (server, env) = with_iam(&[("IBMCLOUD_API_KEY", API_KEY)]).await;
    for image in [
        "cp.icr.io/cp/app",
        "evil-icr.io/a/b",
        "us.icr.io.evil.test/a/b",
    ] {
        let error = ask(&env, &request(image)).await.expect_err(image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    assert!(
        server
            .received_requests()
            .await
            .expect("recorded")
            .is_empty()
    );
}

#[tokio::test]
async fn a_secret_never_travels_over_plain_http() {
    let env = Env::map([
        ("IBMCLOUD_API_KEY", "k"),
        ("IBMCLOUD_IAM_URL", "http://iam.test"),
    ]);
    let error = ask(&env, &request("icr.io/ns/app"))
        .await
        .expect_err("clear text");
    assert!(report(&error).contains("plain http"), "{error}");
}
