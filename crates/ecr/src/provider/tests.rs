mod failures;
mod roles;

use regcred_core::{CacheKey, CacheScope, report};
use secrecy::ExposeSecret as _;
use wiremock::MockServer;
use wiremock::matchers::body_string_contains;

use super::*;
use crate::fake::*;

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAENV"),
    ("AWS_SECRET_ACCESS_KEY", CANARY),
];

fn with(more: &[(&str, &str)]) -> Env {
    Env::map(KEYS).with(more.iter().copied())
}

#[tokio::test]
async fn a_private_registry_gets_its_token_under_its_own_host() {
    let api = ecr_for("AKIAENV", false).await;
    let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.uri())]);
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
    let body = &api.received_requests().await.expect("recorded")[0].body;
    assert_eq!(body, b"{}", "no registry ids");
}

#[tokio::test]
async fn expiry_is_bounded_kept_when_past_and_may_be_missing() {
    let expiry = async |answer: &str| {
        let api = MockServer::start().await;
        ecr_call()
            .respond_with(ecr_answer(answer))
            .mount(&api)
            .await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.uri())]);
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
    let api = MockServer::start().await;
    public_call()
        .and(SignedBy {
            key: "AKIAENV",
            region: "us-east-1",
            service: "ecr-public",
            session: false,
        })
        .respond_with(public_answer(&in_hours(12)))
        .mount(&api)
        .await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.uri()),
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
    let vars = with(&[("AWS_ENDPOINT_URL", &api.uri())]);
    for image in [
        format!("{HOST}.evil.example/x"),
        format!("evil.example/{HOST}"),
        "registry.k8s.io/pause".to_owned(),
    ] {
        let error = ask(&image, &vars).await.expect_err(&image);
        assert_eq!(error.kind(), ErrorKind::NotServed);
    }
    assert_eq!(calls(&api).await, 0);
}

#[tokio::test]
async fn a_listed_host_takes_its_region_from_the_list_the_variable_or_the_instance() {
    let api = MockServer::start().await;
    ecr_call()
        .respond_with(ecr_answer(&in_hours(12)))
        .mount(&api)
        .await;
    let imds = metadata(true).await;
    let scope = async |vars: &[(&str, &str)]| {
        let vars = with(vars).with([("AWS_ENDPOINT_URL_ECR", api.uri())]);
        let issued = ask("mirror.corp:5000/a", &vars).await.expect("token");
        assert_eq!(issued.auth[0].0, "mirror.corp:5000");
        let requests = api.received_requests().await.expect("recorded");
        let last = requests.last().expect("one");
        let scope = last.headers["authorization"].to_str().expect("text");
        scope.split('/').nth(2).expect("region").to_owned()
    };
    let list = (vars::ALSO_SERVE, "mirror.corp");
    let listed = (vars::ALSO_SERVE, "mirror.corp=eu-north-1");
    let region = ("AWS_REGION", "ap-south-1");
    let instance = imds.uri();
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
}
