use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use regcred_core::report;
use regcred_http::testing::{Fake, Reply};

use super::*;
use crate::fake::closed;

async fn send(transport: &Transport, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let connector = Connector {
        transport: transport.clone(),
        time: Duration::from_secs(5),
    };
    connector.call(request).await
}

async fn get(transport: &Transport, url: &str) -> Result<HttpResponse, ConnectorError> {
    send(transport, HttpRequest::get(url).expect("url")).await
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
    let answer = send(&Transport::new(&Env::default()), request).await;
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
    let services = Transport::new(&Env::default());
    let error = get(&services, &closed()).await.expect_err("closed");
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
    let env = Env::map([("HTTP_PROXY", closed())]);
    // Proxied, it would be refused; directly, there is no such host.
    let url = "http://metadata.invalid/";
    let error = get(&Transport::direct(&env), url)
        .await
        .expect_err("no host");
    assert!(
        report(&error).contains("cannot resolve"),
        "{}",
        report(&error)
    );
    let error = get(&Transport::new(&env), url)
        .await
        .expect_err("plain http");
    assert!(error.is_user(), "{}", report(&error));
}

#[tokio::test]
async fn a_bundle_is_read_only_for_https_and_the_variable_wins_over_the_profile() {
    let server = Fake::answering(vec![Reply::ok("plain")]).await;
    let fails = async |transport: Transport| {
        get(&transport, &server.url("/"))
            .await
            .expect("no bundle needed");
        let url = server.url("/").replace("http:", "https:");
        let error = get(&transport, &url).await.expect_err("TLS");
        report(&error)
    };
    let env = Env::map([
        ("AWS_CA_BUNDLE", "/nowhere/ca.pem"),
        ("SSL_CERT_FILE", "/x"),
    ]);
    for transport in [
        Transport::new(&env),
        Transport::new(&env).with_profile("/own"),
    ] {
        let bundle = transport.bundle.clone().expect("named");
        assert_eq!(
            (bundle.path.to_str(), bundle.named_by),
            (Some("/nowhere/ca.pem"), BUNDLE)
        );
        // A server of plain http ends the handshake before there is a certificate to check.
        fails(transport).await;
    }
    let env = Env::map([("SSL_CERT_FILE", "/x")]);
    assert_eq!(Transport::new(&env).bundle, None);
    let profile = Transport::new(&env).with_profile("/own").bundle;
    assert_eq!(profile.expect("named").named_by, "the profile's ca_bundle");
}
