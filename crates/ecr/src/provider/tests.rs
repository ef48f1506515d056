use regcred_core::report;
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
async fn the_public_registry_without_rights_is_pulled_without_credentials() {
    for code in ["AccessDeniedException", "UnrecognizedClientException"] {
        let api = MockServer::start().await;
        public_call()
            .respond_with(ecr_error(400, code, "no"))
            .mount(&api)
            .await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.uri())]);
        let issued = ask("public.ecr.aws/a/b", &vars).await.expect(code);
        assert!(issued.auth.is_empty());
        assert_eq!(issued.cache_for, Some(Duration::from_secs(300)));
        assert!(issued.expires_at.expect("known") > Clock::system().now());
    }
    let nobody = Env::map([("AWS_EC2_METADATA_DISABLED", "true")]);
    let issued = ask("public.ecr.aws/a/b", &nobody)
        .await
        .expect("no identity");
    assert!(issued.auth.is_empty());
}

#[tokio::test]
async fn a_failing_public_api_is_an_error() {
    let api = MockServer::start().await;
    public_call()
        .respond_with(ecr_error(400, "InvalidParameterException", "no"))
        .mount(&api)
        .await;
    let vars = with(&[("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.uri())]);
    let error = ask("public.ecr.aws/a/b", &vars).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn passing_failures_are_retried_also_throttling_with_http_400() {
    for (status, code) in [
        (400, "ThrottlingException"),
        (429, "Whatever"),
        (500, "ServerException"),
        (503, "Whatever"),
    ] {
        let api = MockServer::start().await;
        ecr_call()
            .respond_with(ecr_error(status, code, "Rate exceeded"))
            .up_to_n_times(2)
            .mount(&api)
            .await;
        ecr_call()
            .respond_with(ecr_answer(&in_hours(12)))
            .mount(&api)
            .await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.uri())]);
        ask(HOST, &vars).await.expect(code);
        assert_eq!(calls(&api).await, 3, "{code}");
    }
}

#[tokio::test]
async fn lasting_failures_have_their_class_their_words_and_no_secret() {
    for (status, code, kind, attempts, words) in [
        (
            400,
            "ThrottlingException",
            ErrorKind::Throttled,
            4,
            "throttles",
        ),
        (
            500,
            "ServerException",
            ErrorKind::Unreachable,
            4,
            "ServerException",
        ),
        (
            400,
            "AccessDeniedException",
            ErrorKind::Denied,
            1,
            "ecr:GetAuthorizationToken on Resource",
        ),
        (
            400,
            "UnrecognizedClientException",
            ErrorKind::Denied,
            1,
            "this partition",
        ),
        (
            400,
            "InvalidParameterException",
            ErrorKind::NotConfigured,
            1,
            "request-1",
        ),
        (
            400,
            "ExpiredTokenException",
            ErrorKind::Denied,
            2,
            "renew the session",
        ),
    ] {
        let api = MockServer::start().await;
        ecr_call()
            .respond_with(ecr_error(status, code, "said"))
            .mount(&api)
            .await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.uri())]);
        let error = ask(HOST, &vars).await.expect_err(code);
        let text = report(&error);
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains(words) && text.contains(&api.uri()), "{text}");
        assert!(
            text.contains("environment keys") || kind == ErrorKind::Throttled,
            "{text}"
        );
        assert!(!text.contains(CANARY) && !format!("{error:?}").contains(CANARY));
        assert_eq!(calls(&api).await, attempts, "{code}");
    }
}

#[tokio::test]
async fn answers_without_a_token_are_malformed_in_upstreams_words() {
    for (body, words) in [
        (
            r#"{"authorizationData":[]}"#,
            "authorization data was empty",
        ),
        ("{}", "authorization data was empty"),
        (
            r#"{"authorizationData":[{}]}"#,
            "authorization token in response was nil",
        ),
        (
            r#"{"authorizationData":[{"authorizationToken":"Y2FuYXJ5LXNlY3JldA=="}]}"#,
            "error parsing username and password",
        ),
        ("<canary-secret>", "cannot be read"),
    ] {
        let api = MockServer::start().await;
        let answer = wiremock::ResponseTemplate::new(200).set_body_string(body);
        ecr_call().respond_with(answer).mount(&api).await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.uri())]);
        let error = ask(HOST, &vars).await.expect_err(body);
        let text = report(&error);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{text}");
        assert!(text.contains(words), "{text}");
        assert!(!format!("{error:?} {text}").contains(CANARY));
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_api_ends_before_the_deadline() {
    let (_listener, url) = silent();
    let started = tokio::time::Instant::now();
    let error = ask(HOST, &with(&[("AWS_ENDPOINT_URL_ECR", &url)])).await;
    assert_eq!(error.expect_err("silent").kind(), ErrorKind::Unreachable);
    assert!(
        started.elapsed() < Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test]
async fn a_closed_api_is_unreachable() {
    let vars = with(&[("AWS_ENDPOINT_URL_ECR", &closed())]);
    let error = ask(HOST, &vars).await.expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", report(&error));
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

#[tokio::test]
async fn a_pod_is_its_role_at_sts_without_a_signature() {
    let api = ecr_for("ASIAPOD", true).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRoleWithWebIdentity")
        .and(Unsigned)
        .and(body_string_contains(
            "RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpuller",
        ))
        .and(body_string_contains(
            "RoleSessionName=ecr-credential-provider",
        ))
        .and(body_string_contains("WebIdentityToken=pod-token"))
        .respond_with(sts_answer("AssumeRoleWithWebIdentity", "ASIAPOD"))
        .mount(&sts)
        .await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
        // Neither the role map nor the node's profile stands for a pod that names its role.
        (vars::ROLES, "*=profile:nobody"),
        (vars::PROFILE, "nobody"),
    ]);
    let mut request = CredentialRequest::new(HOST).expect("host");
    request.service_account_token = Some("pod-token\n".to_owned().into());
    request
        .service_account_annotations
        .insert("eks.amazonaws.com/ecr-role-arn".to_owned(), ROLE.to_owned());
    ask_for(&request, &vars).await.expect("token");
}

#[tokio::test]
async fn a_pod_whose_role_fails_never_becomes_the_node() {
    let api = ecr_for("AKIAENV", false).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRoleWithWebIdentity")
        .respond_with(sts_error(403, "AccessDenied"))
        .mount(&sts)
        .await;
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
        ("AWS_ECR_ROLE_ARN", ROLE),
    ]);
    for image in [HOST, "public.ecr.aws/a/b"] {
        let mut request = CredentialRequest::new(image).expect("host");
        request.service_account_token = Some(CANARY.to_owned().into());
        let error = ask_for(&request, &vars).await.expect_err("fatal");
        let text = report(&error);
        assert_eq!(error.kind(), ErrorKind::Denied, "{text}");
        assert!(
            text.contains("failed to assume role") && text.contains("not for you"),
            "{text}"
        );
        assert!(!format!("{error:?} {text}").contains(CANARY));
    }
    assert_eq!(calls(&api).await, 0);
}

#[tokio::test]
async fn a_token_without_a_role_is_the_nodes_identity() {
    let api = ecr_for("AKIAENV", false).await;
    let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.uri())]);
    let mut request = CredentialRequest::new(HOST).expect("host");
    request.service_account_token = Some("t".to_owned().into());
    ask_for(&request, &vars).await.expect("token");
    let strict = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        (vars::REQUIRE_POD_ROLE, "true"),
    ]);
    ask_for(&request, &strict).await.expect_err("strict");
    assert_eq!(calls(&api).await, 1);
}

#[tokio::test]
async fn a_role_of_the_map_is_assumed_with_the_ambient_identity() {
    let api = ecr_for("ASIAMAP", true).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRole")
        .and(SignedBy {
            key: "AKIAENV",
            region: "eu-west-1",
            service: "sts",
            session: false,
        })
        .respond_with(sts_answer("AssumeRole", "ASIAMAP"))
        .mount(&sts)
        .await;
    let map = format!("123456789012={ROLE}");
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
        (vars::ROLES, &map),
    ]);
    ask(HOST, &vars).await.expect("token");
}

#[tokio::test]
async fn a_mapped_role_that_fails_is_an_error() {
    let api = ecr_for("AKIAENV", false).await;
    let sts = MockServer::start().await;
    sts_call("AssumeRole")
        .respond_with(sts_error(403, "AccessDenied"))
        .mount(&sts)
        .await;
    let map = format!("*={ROLE}");
    let vars = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.uri()),
        ("AWS_ENDPOINT_URL_STS", &sts.uri()),
        (vars::ROLES, &map),
    ]);
    let error = ask(HOST, &vars).await.expect_err("denied");
    assert!(report(&error).contains(ROLE), "{}", report(&error));
    assert_eq!(calls(&api).await, 0);
}

fn key(env: &Env, request: &CredentialRequest) -> Option<CacheKey> {
    Ecr::new(env, &Clock::system())
        .expect("sound")
        .cache_key(request)
}

#[test]
fn the_cache_key_is_the_identitys_and_holds_no_secret() {
    let none = Env::default();
    let image = |text: &str| CredentialRequest::new(text).expect(text);
    let node = key(&none, &image(HOST)).expect("key");
    assert_eq!(
        key(&none, &image(&format!("{HOST}/other:v2"))),
        Some(node.clone())
    );
    assert_ne!(key(&none, &image("public.ecr.aws/a")), Some(node.clone()));
    let session = |token| with(&[("AWS_SESSION_TOKEN", token)]);
    let keys = key(&session("one"), &image(HOST)).expect("key");
    assert_ne!(keys, node);
    assert_eq!(key(&session("two"), &image(HOST)), Some(keys.clone()));
    assert!(!keys.as_str().contains(CANARY), "{keys:?}");
    let moved = with(&[("AWS_ENDPOINT_URL_ECR", "https://vpce.example")]);
    assert_ne!(key(&moved, &image(HOST)), Some(keys.clone()));
    let map = format!("*={ROLE}");
    assert_ne!(key(&with(&[(vars::ROLES, &map)]), &image(HOST)), Some(keys));
    assert_eq!(key(&none, &image("registry.k8s.io/pause")), None);
}

#[test]
fn a_pods_cache_key_is_never_the_nodes() {
    let none = Env::default();
    let mut request = CredentialRequest::new(HOST).expect("host");
    let node = key(&none, &request);
    request.service_account_token = Some(CANARY.to_owned().into());
    assert_eq!(key(&none, &request), node, "no role: the node answers");
    let pod = key(&Env::map([("AWS_ECR_ROLE_ARN", ROLE)]), &request).expect("key");
    assert_ne!(Some(&pod), node.as_ref());
    assert!(!pod.as_str().contains(CANARY), "{pod:?}");
}
