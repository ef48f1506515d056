//! Instance metadata.

use regcred_core::{Env, report};
use regcred_http_testing::{Fake, Reply};
use tokio::time::Instant;

use crate::fake::*;

#[tokio::test]
async fn instance_metadata_is_asked_with_a_session_also_an_emulators() {
    for with_ttl in [true, false] {
        let imds = metadata(with_ttl).await;
        let api = ecr_for("AKIAIMDS", true).await;
        // A proxy must not see the metadata service.
        let env = Env::map([
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url("")),
            ("AWS_ENDPOINT_URL_ECR", api.url("")),
            ("HTTP_PROXY", closed()),
        ]);
        ask(HOST, &env).await.expect("token");
    }
}

#[tokio::test(start_paused = true)]
async fn silent_instance_metadata_costs_two_seconds() {
    let imds = silent().await;
    let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url(""))]);
    let started = Instant::now();
    let error = ask(HOST, &env).await.expect_err("silent");
    // The clock is paused: these are the seconds that were waited for, not those that passed.
    assert_eq!(started.elapsed().as_secs(), 2);
    let text = report(&error);
    assert!(text.contains("no response (not an EC2 instance"), "{text}");
}

#[tokio::test]
async fn an_instance_without_a_role_says_so() {
    let server = Fake::answering(vec![Reply::ok("t"), Reply::new(404)]).await;
    let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url(""))]);
    let error = ask(HOST, &env).await.expect_err("no role");
    let text = report(&error);
    assert!(text.contains("the instance has no IAM role"), "{text}");
    assert_eq!(server.seen().len(), 2, "no second try after a response");
}

#[tokio::test]
async fn an_address_of_another_service_is_recognized() {
    let server = Fake::answering(vec![Reply::new(404)]).await;
    let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url(""))]);
    let error = ask(HOST, &env).await.expect_err("HTTP 404 for a token");
    let text = report(&error);
    assert!(
        text.contains("something other than instance metadata"),
        "{text}"
    );
}

#[tokio::test]
async fn an_answer_that_the_sdk_cannot_use_is_an_error_and_no_panic() {
    let life = "x-aws-ec2-metadata-token-ttl-seconds";
    for role in ["<html>log in</html>", "one\ntwo", "a role", "r\u{f6}le"] {
        let token = Reply::ok("t").header(life, "18446744073709551615");
        let server = Fake::answering(vec![token, Reply::ok(role)]).await;
        let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url(""))]);
        let error = ask(HOST, &env).await.expect_err(role);
        let text = report(&error);
        assert!(text.contains("is not the name of a role"), "{text}");
    }
    let api = ecr_for("AKIA", true).await;
    let env = Env::map([
        ("AWS_ACCESS_KEY_ID", "AKIA".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s3cret".to_owned()),
        ("AWS_SESSION_TOKEN", "c4n4ry-caf\u{e9}".to_owned()),
        ("AWS_ENDPOINT_URL_ECR", api.url("")),
    ]);
    let text = report(&ask(HOST, &env).await.expect_err("not a header's value"));
    assert!(
        text.contains("characters that a request cannot have"),
        "{text}"
    );
    assert!(!text.contains("c4n4ry"), "{text}");
}

#[tokio::test]
async fn keys_are_not_taken_in_clear_text_from_another_machine() {
    for url in [
        "http://10.0.0.5",
        "http://metadata.corp/",
        "http://169.254.169.254@evil.test",
    ] {
        let env = Env::map([("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)]);
        let text = report(&ask(HOST, &env).await.expect_err(url));
        assert!(
            text.contains(
                "AWS_EC2_METADATA_SERVICE_ENDPOINT is neither https nor an address of this"
            ),
            "{text}"
        );
    }
}

#[tokio::test]
async fn half_a_key_is_an_error_and_never_another_identity() {
    for (name, missing) in [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ] {
        let server = Fake::answering(vec![]).await;
        let env = Env::map([
            (name, "c4n4ry".to_owned()),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url("")),
        ]);
        let text = report(&ask(HOST, &env).await.expect_err(name));
        assert!(
            text.contains(&format!("{name} is set but {missing} is not")),
            "{text}"
        );
        assert!(!text.contains("c4n4ry"), "{text}");
        assert!(server.seen().is_empty(), "the instance is not asked");
    }
}
