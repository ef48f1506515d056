//! Every identity, from its settings to the registry login, against strict fakes.

use regcred_core::{
    CacheScope, Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError, report,
};
use regcred_http_testing::{Fake, Reply};
use regcred_icr::Icr;
use regcred_tests::icr::{
    API_KEY, ASSUMED_PROFILE, FakeIam, FakeVpcMetadata, LINKED_PROFILE, REFRESH_TOKEN,
    service_account_token,
};
use regcred_tests::logins::only_login;

fn request(image: &str) -> CredentialRequest {
    CredentialRequest::new(image).expect("request")
}

async fn ask(env: &Env, request: &CredentialRequest) -> Result<Issued, ProviderError> {
    Icr::new(env, &Clock::system())?.credentials(request).await
}

fn with(iam: &FakeIam, vars: &[(&str, &str)]) -> Env {
    Env::map(iam.env()).with(vars.iter().copied())
}

#[tokio::test]
async fn each_secret_becomes_an_access_token() {
    let sa_token = service_account_token("iam", 3000);
    for (vars, owner) in [
        (&[("IBMCLOUD_API_KEY", API_KEY)][..], "service-id"),
        (
            &[
                ("IBMCLOUD_REFRESH_TOKEN", REFRESH_TOKEN),
                ("IBMCLOUD_CLIENT_ID", "bx"),
                ("IBMCLOUD_CLIENT_SECRET", "bx"),
            ],
            "person",
        ),
        (
            &[
                ("IBMCLOUD_API_KEY", API_KEY),
                ("IBMCLOUD_CR_PROFILE", ASSUMED_PROFILE),
            ],
            "assumed",
        ),
        (
            &[
                ("IBMCLOUD_CR_TOKEN", &sa_token),
                ("IBMCLOUD_IAM_PROFILE_ID", LINKED_PROFILE),
            ],
            "pod",
        ),
        (
            &[
                ("IBMCLOUD_CR_TOKEN", &sa_token),
                ("IBMCLOUD_CR_PROFILE", "puller"),
            ],
            "pod",
        ),
    ] {
        let iam = FakeIam::start();
        let issued = ask(&with(&iam, vars), &request("us.icr.io/ns/app"))
            .await
            .expect(owner);
        let (key, username, password) = only_login(&issued);
        assert_eq!(
            (key.as_str(), username.as_str()),
            ("us.icr.io", "iambearer")
        );
        assert_eq!(iam.owner(&password).as_deref(), Some(owner));
        assert_eq!(issued.scope, CacheScope::Registry);
        let left = issued.expires_at.expect("known") - Clock::system().now();
        assert!((3590..=3600).contains(&left.num_seconds()), "{left}");
    }
}

#[tokio::test]
async fn the_kubelets_token_is_used_with_the_annotated_profile_and_nothing_else() {
    let iam = FakeIam::start();
    let env = with(&iam, &[("IBMCLOUD_API_KEY", API_KEY)]);
    let sa_token = service_account_token("iam", 3000);
    let mut asked = request("icr.io/ns/app");
    asked.service_account_token = Some(sa_token.as_str().into());
    let annotation = "regcred.dev/ibm-profile-id".to_owned();
    asked
        .service_account_annotations
        .insert(annotation.clone(), LINKED_PROFILE.to_owned());
    let issued = ask(&env, &asked).await.expect("pod");
    assert_eq!(iam.owner(&only_login(&issued).2).as_deref(), Some("pod"));

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
        text.contains("lifetime 3600 s") && text.contains("Profile-foreign"),
        "{text}"
    );
    assert!(!text.contains(&sa_token), "{text}");
}

#[tokio::test]
async fn a_service_account_token_that_iam_does_not_accept_is_an_error() {
    let good = service_account_token("iam", 3000);
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let expired = service_account_token("iam", -10);
    for token in [service_account_token("api", 3000), expired, forged] {
        let iam = FakeIam::start();
        let vars = [
            ("IBMCLOUD_CR_TOKEN", token.as_str()),
            ("IBMCLOUD_IAM_PROFILE_ID", LINKED_PROFILE),
        ];
        let error = ask(&with(&iam, &vars), &request("icr.io/ns/app"))
            .await
            .expect_err("refused");
        let text = report(&error);
        assert!(
            text.contains("BXNIM0407E") && text.contains("audience must be iam"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_refusal_has_iams_code_and_advice_and_no_secret() {
    let iam = FakeIam::start();
    let env = with(&iam, &[("IBMCLOUD_API_KEY", "canary-key")]);
    let error = ask(&env, &request("us.icr.io/ns/app"))
        .await
        .expect_err("refused");
    let text = report(&error);
    let url = iam.server().url();
    in_order(
        &text,
        &["the API key", &url, "BXNIM0415E", "make a new API key"],
    );
    assert!(!text.contains("canary"), "{text}");
    assert_eq!(iam.calls(), 1, "a refusal is not repeated");
}

#[tokio::test]
async fn a_404_of_the_token_endpoint_is_a_wrong_address_and_not_a_refused_key() {
    let server = Fake::answering(vec![Reply::text(404, "<html>not here</html>")]).await;
    let url = server.url("");
    let env = Env::map([("IBMCLOUD_API_KEY", API_KEY), ("IBMCLOUD_IAM_URL", &url)]);
    let error = ask(&env, &request("us.icr.io/ns/app"))
        .await
        .expect_err("no endpoint");
    let text = report(&error);
    assert_eq!(error.kind(), ErrorKind::Malformed, "{text}");
    in_order(
        &text,
        &["the API key", &url, "answered 404", "IBMCLOUD_IAM_URL"],
    );
    assert!(
        !text.contains("refused") && !text.contains(API_KEY),
        "{text}"
    );
}

/// Identity, server, answer, next step.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let places: Vec<_> = parts.iter().map(|part| text.find(part)).collect();
    assert!(places.iter().all(Option::is_some), "{parts:?} in {text}");
    assert!(places.is_sorted(), "{parts:?} in {text}");
}

#[tokio::test]
async fn a_response_without_a_token_names_the_identity_and_the_server() {
    for body in ["<html>canary</html>", "[]", "{}", r#"{"access_token":""}"#] {
        let server = Fake::start(move |_| Reply::ok(body)).await;
        let url = server.url("");
        let vars = [("IBMCLOUD_API_KEY", API_KEY), ("IBMCLOUD_IAM_URL", &url)];
        let error = ask(&Env::map(vars), &request("us.icr.io/ns/app")).await;
        let error = error.expect_err(body);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
        let text = report(&error);
        in_order(&text, &["the API key", &url, "respon", "; check "]);
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let throttled = Reply::new(429).header("Retry-After", "0");
    let token = serde_json::json!({"access_token": "t", "expires_in": 600});
    let replies = vec![throttled.clone(), throttled, Reply::json(200, &token)];
    let server = Fake::answering(replies).await;
    let url = server.url("");
    let env = Env::map([("IBMCLOUD_API_KEY", "k"), ("IBMCLOUD_IAM_URL", &url)]);
    let issued = ask(&env, &request("us.icr.io/ns/app"))
        .await
        .expect("third time");
    assert_eq!(only_login(&issued).2, "t");
    assert_eq!(server.seen_at("/identity/token").len(), 3);
}

#[tokio::test]
async fn an_instance_gets_its_token_on_both_sets_of_paths() {
    let iam = FakeIam::start();
    for new_paths in [true, false] {
        let metadata = FakeVpcMetadata::start(&iam, new_paths);
        let env = Env::map(metadata.env());
        let issued = ask(&env, &request("de.icr.io/ns/app"))
            .await
            .expect("default profile");
        assert_eq!(
            iam.owner(&only_login(&issued).2).as_deref(),
            Some("instance")
        );

        let linked = env.with([("IBMCLOUD_IAM_PROFILE_ID", LINKED_PROFILE)]);
        let issued = ask(&linked, &request("de.icr.io/ns/app"))
            .await
            .expect("linked");
        assert_eq!(
            iam.owner(&only_login(&issued).2).as_deref(),
            Some("instance-profile")
        );

        let foreign = env.with([("IBMCLOUD_IAM_PROFILE_ID", "Profile-foreign")]);
        let error = ask(&foreign, &request("de.icr.io/ns/app"))
            .await
            .expect_err("not linked");
        let text = report(&error);
        assert!(
            text.ends_with("; link the trusted profile to this instance"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_prescribed_version_is_not_departed_from() {
    let metadata = FakeVpcMetadata::start(&FakeIam::start(), false);
    let env = Env::map(metadata.env());
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
        let (_, username, password) = only_login(&issued);
        assert_eq!((username.as_str(), password.as_str()), expected);
    }
    let error = ask(&Env::map([secret]), &request("icr.io/ns/app"))
        .await
        .expect_err("vpc");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn foreign_hosts_get_nothing_and_no_server_is_asked() {
    let iam = FakeIam::start();
    let env = with(&iam, &[("IBMCLOUD_API_KEY", API_KEY)]);
    for image in [
        "cp.icr.io/cp/app",
        "evil-icr.io/a/b",
        "us.icr.io.evil.test/a/b",
    ] {
        let error = ask(&env, &request(image)).await.expect_err(image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    assert!(iam.server().seen().is_empty());
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
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(report(&error).contains("not an https:// URL"), "{error}");
}
