//! The container's agent.

use regcred_core::{Env, ErrorKind, report};
use regcred_http_testing::{Fake, Reply};

use crate::fake::*;
use crate::home::Home;

#[tokio::test]
async fn an_agents_token_file_wins_and_is_trimmed() {
    let home = Home::new("", "");
    let agent = agent("from-file", "ASIAAGENT").await;
    let api = ecr_for("ASIAAGENT", true).await;
    let env = Env::map([
        ("AWS_ENDPOINT_URL_ECR", api.url("")),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            agent.url("/v1/credentials"),
        ),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            home.write("token", "from-file\n"),
        ),
        (
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "from-variable".to_owned(),
        ),
    ]);
    ask(HOST, &env).await.expect("token");
}

#[tokio::test]
async fn an_agent_that_refuses_is_final_and_one_that_starts_is_waited_for() {
    let body = r#"{"code":"AccessDenied","message":"no association","secret":"canary-secret"}"#;
    let server = Fake::answering(vec![Reply::new(503), Reply::new(403).body(body)]).await;
    let env = Env::map([(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        server.url("/v1/credentials?x=canary-secret"),
    )]);
    let error = ask(HOST, &env).await.expect_err("refused");
    let text = report(&error);
    assert_eq!(error.kind(), ErrorKind::Denied, "{text}");
    assert!(
        text.contains("answered 403 Forbidden: AccessDenied: no association"),
        "{text}"
    );
    assert!(!text.contains(CANARY), "{text}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn an_agents_answer_must_hold_keys() {
    for (body, words) in [
        ("<canary-secret>", "is not a JSON object"),
        ("{}", "no AccessKeyId"),
        (r#"{"AccessKeyId":"canary-secret"}"#, "no SecretAccessKey"),
    ] {
        let server = Fake::answering(vec![Reply::ok(body)]).await;
        let env = Env::map([("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url("/"))]);
        let error = ask(HOST, &env).await.expect_err(body);
        let text = report(&error);
        assert_eq!(error.kind(), ErrorKind::Malformed, "{text}");
        assert!(text.contains(words) && !text.contains(CANARY), "{text}");
    }
}

#[tokio::test]
async fn an_agent_elsewhere_than_the_rules_allow_is_not_asked() {
    for url in [
        "http://10.0.0.1/creds",
        "http://169.254.169.254/creds",
        "ftp://127.0.0.1/creds",
        "127.0.0.1/creds",
    ] {
        let env = Env::map([("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)]);
        let error = ask(HOST, &env).await.expect_err(url);
        assert_eq!(error.kind(), ErrorKind::NotConfigured, "{}", report(&error));
    }
}
