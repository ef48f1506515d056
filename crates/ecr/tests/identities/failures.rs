//! What failing services come to.

use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::DEADLINE;
use regcred_core::{Clock, CredentialRequest, Env, ErrorKind, Provider as _, report};
use regcred_ecr::Ecr;
use regcred_http_testing::{Fake, Reply};
use tokio::time::Instant;

use crate::fake::*;
use crate::registries::with;

#[tokio::test]
async fn the_public_registry_without_rights_is_pulled_without_credentials() {
    for code in ["AccessDeniedException", "UnrecognizedClientException"] {
        let api = public(move |_| ecr_error(400, code, "no")).await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.url(""))]);
        let issued = ask("public.ecr.aws/a/b", &vars).await.expect(code);
        assert!(issued.auth.is_empty());
        assert_eq!(issued.cache_for, Some(Duration::from_secs(300)));
        assert!(issued.expires_at.expect("known") > Clock::system().now());
    }
    let off = Env::map([("AWS_EC2_METADATA_DISABLED", "true")]);
    let issued = ask("public.ecr.aws/a/b", &off).await.expect("no identity");
    assert!(issued.auth.is_empty());
}

#[tokio::test]
async fn a_failing_public_api_is_an_error() {
    let api = public(|_| ecr_error(400, "InvalidParameterException", "no")).await;
    let vars = with(&[("AWS_ENDPOINT_URL_ECR_PUBLIC", &api.url(""))]);
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
        let failure = ecr_error(status, code, "Rate exceeded");
        let api = private(turns(2, failure, ecr_token(&in_hours(12)))).await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))]);
        ask(HOST, &vars).await.expect(code);
        assert_eq!(api.seen().len(), 3, "{code}");
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
            "throttles this account: ThrottlingException: said (request request-1); let all",
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
            "refused the identity: AccessDeniedException: said (request request-1); allow \
             ecr:GetAuthorizationToken on Resource",
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
        let api = private(move |_| ecr_error(status, code, "said")).await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))]);
        let error = ask(HOST, &vars).await.expect_err(code);
        let text = report(&error);
        assert_eq!(error.kind(), kind, "{text}");
        assert!(
            text.contains(words) && text.contains(&api.url("")),
            "{text}"
        );
        let who = format!("no token for {HOST} with the identity from environment keys: ");
        assert!(text.contains(&who), "{text}");
        assert!(!text.contains(CANARY) && !format!("{error:?}").contains(CANARY));
        assert_eq!(api.seen().len(), attempts, "{code}");
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
        let api = private(move |_| Reply::ok(body)).await;
        let vars = with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))]);
        let error = ask(HOST, &vars).await.expect_err(body);
        let text = report(&error);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{text}");
        assert!(text.contains(words), "{text}");
        let place = format!(
            "no token for {HOST} with the identity from environment keys: the API at {}",
            api.url("")
        );
        assert!(text.contains(&place), "{text}");
        assert!(!format!("{error:?} {text}").contains(CANARY));
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_api_ends_before_the_deadline() {
    let api = silent().await;
    let started = Instant::now();
    let error = ask(HOST, &with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))])).await;
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
    let text = report(&error);
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{text}");
    let step = "; check host and port, and that a server runs there";
    assert!(text.ends_with(step), "{text}");
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_and_does_not_stretch_the_token() {
    let api = private(|seen| {
        let date = Clock::system().now().format("%a, %d %b %Y %H:%M:%S GMT");
        let reply = if is_signed_now(seen) {
            ecr_token(&in_hours(12))
        } else {
            ecr_error(400, "InvalidSignatureException", "Signature expired")
        };
        reply.header("date", date.to_string())
    })
    .await;
    let slow = Clock::system().now() - TimeDelta::hours(5);
    let env = with(&[("AWS_ENDPOINT_URL_ECR", &api.url(""))]);
    let provider = Ecr::new(&env, &Clock::fixed(slow)).expect("sound");
    let request = CredentialRequest::new(HOST).expect("host");
    let issued = provider.credentials(&request).await.expect("token");
    assert_eq!(issued.expires_at, Some(slow + TimeDelta::hours(12)));
    assert_eq!(api.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn everything_together_ends_at_the_deadline_and_names_the_last_identity_and_server() {
    let keys = format!(r#"{{"AccessKeyId":"AKIA","SecretAccessKey":"{CANARY}","Token":"t"}}"#);
    let failure = || late("500 Internal Server Error", "");
    let agent = Fake::start(turns(2, failure(), late("200 OK", &keys))).await;
    let issued = late("200 OK", &sts_body("AssumeRole", "ASIA"));
    let sts = Fake::start(turns(3, failure(), issued)).await;
    let api = Fake::start(move |_| failure()).await;
    let env = Env::map([
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url("")),
        ("AWS_ENDPOINT_URL_STS", sts.url("")),
        ("AWS_ENDPOINT_URL_ECR", api.url("")),
        ("REGCRED_ECR_ROLES", format!("*={ROLE}")),
    ]);
    let started = Instant::now();
    let error = ask(HOST, &env).await.expect_err("too slow");
    assert_eq!(started.elapsed().as_secs(), DEADLINE.as_secs());
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let text = report(&error);
    let line = format!(
        "ecr: the identity from the role {ROLE} by container credentials received no token from the API at \
         {}: not done within 45 s; check the route to it, or try again later",
        api.url("")
    );
    assert_eq!(text, line);
}

#[tokio::test]
async fn no_log_at_any_level_holds_a_secret_and_kubernetes_words_are_there() {
    // While there is one subscriber for one thread only, a place that logs for the first time on
    // another thread, such as another test's, is switched off for the whole process.
    let everywhere = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(std::io::sink)
        .finish();
    tracing::subscriber::set_global_default(everywhere).expect("the only one");
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let sts = sts(|action, _| sts_keys(action, "ASIAROLE")).await;
    let api = ecr_for("ASIAROLE", true).await;
    let env = with(&[
        ("AWS_ENDPOINT_URL_ECR", &api.url("")),
        ("AWS_ENDPOINT_URL_STS", &sts.url("")),
        ("REGCRED_ECR_ROLES", &format!("*={ROLE}")),
    ]);
    ask(HOST, &env).await.expect("by role");
    let mut request = CredentialRequest::new(HOST).expect("host");
    request.service_account_token = Some(CANARY.to_owned().into());
    ask_for(&request, &env.with([("AWS_ECR_ROLE_ARN", ROLE)]))
        .await
        .expect("by pod");
    let text = log.text();
    assert!(
        text.contains("unable to get ECR credentials from cache, checking ECR API\n"),
        "{text}"
    );
    assert!(
        text.contains(&format!("Got ECR credentials from ECR API for {HOST}\n")),
        "{text}"
    );
    assert!(!text.contains(CANARY) && !text.contains(&token()), "{text}");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("alive").clone()).expect("text")
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("alive").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
