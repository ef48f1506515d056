//! Which registry gets which token, from which region.

use chrono::TimeDelta;
use regcred_core::{CacheScope, Clock, Env, ErrorKind, report};
use secrecy::ExposeSecret as _;

use crate::fake::*;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAENV"),
    ("AWS_SECRET_ACCESS_KEY", CANARY),
];

/// An environment with access keys.
pub(crate) fn with(more: &[(&str, &str)]) -> Env {
    Env::map(KEYS).with(more.iter().copied())
}

#[tokio::test]
async fn a_private_registry_gets_its_token_under_its_own_host() {
    let api = ecr_for("AKIAENV", false).await;
    let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))]);
    for host in [HOST.to_owned(), format!("{HOST}:443")] {
        let issued = ask(&format!("{host}/app:v1"), &vars).await.expect("token");
        let [(pattern, login)] = &issued.auth[..] else {
            panic!("one entry: {issued:?}");
        };
        assert_eq!(
            (pattern.as_str(), login.username.as_str()),
            (host.as_str(), "AWS")
        );
        assert_eq!(
            login.password.expose_secret(),
            format!("{CANARY}:with-colon")
        );
        assert_eq!(issued.scope, CacheScope::Registry);
        let left = issued.expires_at.expect("known") - Clock::system().now();
        assert!(
            left > TimeDelta::hours(11) && left <= TimeDelta::hours(12),
            "{left}"
        );
        assert!(!format!("{issued:?}").contains(CANARY));
    }
    assert_eq!(api.seen()[0].text(), "{}", "no registry ids");
}

#[tokio::test]
async fn expiry_is_bounded_kept_when_past_and_may_be_missing() {
    let expiry = async |expires: &'static str| {
        let api = private(move |_| ecr_token(expires)).await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))]);
        ask(HOST, &vars).await.expect("token").expires_at
    };
    let now = Clock::system().now();
    let far = expiry("4.1E9").await.expect("known");
    assert!(far <= now + TimeDelta::hours(12) + TimeDelta::minutes(1));
    assert_eq!(
        expiry("1420070400").await.expect("known").timestamp(),
        1_420_070_400
    );
    assert_eq!(
        expiry("1.4200704005E9").await.expect("known").timestamp(),
        1_420_070_400
    );
    assert_eq!(expiry("null").await, None);
}

#[tokio::test]
async fn the_public_registry_answers_with_an_object_signed_for_us_east_1() {
    let api = public(|seen| {
        assert!(is_signed(seen, "AKIAENV", "us-east-1/ecr-public", false));
        public_token(&in_hours(12))
    })
    .await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.url("")),
        ("AWS_REGION", "eu-west-1"),
    ]);
    for host in ["public.ecr.aws", "ecr-public.aws.com"] {
        let issued = ask(&format!("{host}/a/b"), &vars).await.expect("token");
        assert_eq!(issued.auth[0].0, host);
    }
}

#[tokio::test]
async fn a_look_alike_gets_nothing_and_nothing_is_asked() {
    let api = ecr_for("AKIAENV", false).await;
    let vars = with(&[("AWS_ENDPOINT_URL", &api.url(""))]);
    for image in [
        format!("{HOST}.evil.example/x"),
        format!("evil.example/{HOST}"),
        "registry.k8s.io/pause".to_owned(),
    ] {
        let error = ask(&image, &vars).await.expect_err(&image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    assert!(api.seen().is_empty());
}

#[tokio::test]
async fn a_listed_host_takes_its_region_from_the_list_the_variable_or_the_instance() {
    let api = private(|_| ecr_token(&in_hours(12))).await;
    let imds = metadata(true).await;
    let scope = async |vars: &[(&str, &str)]| {
        let vars = with(vars).with([("AWS_ENDPOINT_URL_ECR", api.url(""))]);
        let issued = ask("mirror.corp:5000/a", &vars).await.expect("token");
        assert_eq!(issued.auth[0].0, "mirror.corp:5000");
        let seen = api.seen();
        let scope = seen.last().and_then(|last| last.authorization());
        let region = scope.and_then(|scope| scope.split('/').nth(2));
        region.expect("region").to_owned()
    };
    let list = ("REGCRED_ECR_ALSO_SERVE", "mirror.corp");
    let listed = ("REGCRED_ECR_ALSO_SERVE", "mirror.corp=eu-north-1");
    let region = ("AWS_REGION", "ap-south-1");
    let instance = imds.url("");
    let instance = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", instance.as_str());
    assert_eq!(scope(&[listed, region]).await, "eu-north-1");
    assert_eq!(scope(&[list, region, instance]).await, "ap-south-1");
    assert_eq!(
        scope(&[list, ("AWS_DEFAULT_REGION", "ap-south-2")]).await,
        "ap-south-2"
    );
    assert_eq!(scope(&[list, instance]).await, "eu-central-1");
    let off = with(&[list, ("AWS_EC2_METADATA_DISABLED", "true")]);
    let error = ask("mirror.corp/a", &off).await.expect_err("no region");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    let text = report(&error);
    for part in [
        "no region for mirror.corp: ",
        "AWS_EC2_METADATA_DISABLED is set",
        "=REGION",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let silent = closed();
    let silent = with(&[list, ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &silent)]);
    let error = ask("mirror.corp/a", &silent).await.expect_err("no region");
    assert!(report(&error).contains("refused"), "{}", report(&error));
}
