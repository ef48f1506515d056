use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use regcred_core::report;
use regcred_http_testing::{Ca, Fake, Reply};

use super::*;

fn cloud(env: &Env) -> Cloud {
    let settings = Settings::read(env).expect("sound");
    super::cloud(env, &Clock::system(), settings)
}

fn own(env: &Env) -> Cloud {
    trusting(cloud(env), Some("/own".into()), "the profile's ca_bundle")
}

fn web(env: &Env) -> Transport {
    Transport::web(&cloud(env)).expect("a client")
}

async fn get(transport: &Transport, url: &str) -> Result<HttpResponse, ConnectorError> {
    transport.call(HttpRequest::get(url).expect("url")).await
}

#[tokio::test]
async fn a_request_and_its_answer_pass_as_they_are() {
    let reply = Reply::new(418).header("x-amzn-requestid", "r1").body("why");
    let server = Fake::answering(vec![reply]).await;
    let mut request = HttpRequest::new(SdkBody::from("Action=X"));
    request.set_method("POST").expect("method");
    request.set_uri(server.url("/a?b=c")).expect("url");
    request.headers_mut().insert("x-amz-date", "today");
    request.headers_mut().insert("user-agent", "app/regcred");
    let answer = web(&Env::default()).call(request).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status().as_u16(), 418);
    assert_eq!(answer.headers().get("x-amzn-requestid"), Some("r1"));
    assert_eq!(answer.body().bytes(), Some(&b"why"[..]));
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.line().as_str(), seen.text().as_str()),
        ("POST /a?b=c", "Action=X")
    );
    assert_eq!(seen.header("x-amz-date"), Some("today"));
    assert_eq!(seen.header("user-agent"), Some("app/regcred"));
}

#[tokio::test]
async fn only_what_may_pass_is_left_to_the_sdk_to_repeat() {
    let services = web(&Env::default());
    let error = get(&services, CLOSED).await.expect_err("closed");
    assert!(error.is_io(), "{}", report(&error));
    let server = Fake::answering(vec![Reply::new(503).body("x".repeat(LARGEST + 1))]).await;
    let error = get(&services, &server.url("/"))
        .await
        .expect_err("too long");
    assert!(error.is_other() && error.as_other().is_none());
    assert!(report(&error).contains("longer than"), "{}", report(&error));
    assert_eq!(server.seen().len(), 1, "the client itself repeats nothing");
}

#[tokio::test]
async fn the_metadata_client_has_no_proxy_and_the_other_sends_nothing_in_the_clear() {
    let env = Env::map([("HTTP_PROXY", CLOSED)]);
    // Proxied, it would be refused; directly, the host does not exist.
    let url = "http://metadata.invalid/";
    let link = Transport::link(&cloud(&env)).expect("a client");
    let error = get(&link, url).await.expect_err("no host");
    assert!(
        report(&error).contains("cannot resolve"),
        "{}",
        report(&error)
    );
    let error = get(&web(&env), url).await.expect_err("plain http");
    assert!(error.is_user(), "{}", report(&error));
}

#[tokio::test]
async fn a_bundle_is_read_only_for_https_and_the_variable_wins_over_the_profile() {
    let ca = Ca::new();
    let plain = Fake::answering(vec![Reply::ok("plain")]).await;
    let tls = Fake::start_tls(ca.server("127.0.0.1", None), |_| Reply::new(200)).await;
    let named_by = async |cloud: &Cloud| {
        let transport = Transport::web(cloud).expect("a client");
        let url = plain.url("/");
        get(&transport, &url).await.expect("no bundle needed");
        let error = get(&transport, &tls.url("/")).await.expect_err("no bundle");
        report(&error)
    };
    let env = Env::map([
        ("AWS_CA_BUNDLE", "/nowhere/ca.pem"),
        ("SSL_CERT_FILE", "/x"),
    ]);
    for cloud in [cloud(&env), own(&env)] {
        let text = named_by(&cloud).await;
        assert!(text.contains("/nowhere/ca.pem of AWS_CA_BUNDLE"), "{text}");
    }
    let env = Env::map([("SSL_CERT_FILE", "/x")]);
    let text = named_by(&cloud(&env)).await;
    assert!(text.contains("/x of SSL_CERT_FILE"), "{text}");
    let text = named_by(&own(&env)).await;
    assert!(text.contains("/own of the profile's ca_bundle"), "{text}");
}

/// Nothing listens on this port.
const CLOSED: &str = "http://127.0.0.1:1/";
