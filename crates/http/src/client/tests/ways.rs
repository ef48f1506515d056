//! Proxies, names and fixed addresses.

use super::*;

#[tokio::test]
async fn the_environments_proxy_is_used_but_not_for_this_machine() {
    let proxy = Fake::answering(vec![Reply::new(200).body("proxied")]).await;
    let direct = Fake::answering(vec![Reply::new(200).body("direct")]).await;
    let address = format!("http://user:pass@127.0.0.1:{}", proxy.port());
    let env = Env::map([("HTTP_PROXY", address.as_str()), ("HTTPS_PROXY", "ftp://x")]);
    let client = &client_in(&env);
    let get = |url: String| async move { client.send(Request::get(&url)).await?.text(10).await };
    assert_eq!(
        get("http://registry.test/v2/".into()).await.expect("text"),
        "proxied"
    );
    assert_eq!(get(direct.url("/")).await.expect("text"), "direct");
    let seen = proxy.seen();
    assert_eq!(seen[0].line(), "GET http://registry.test/v2/");
    assert_eq!(
        seen[0].header("proxy-authorization"),
        Some("Basic dXNlcjpwYXNz")
    );
    let error = get("https://registry.test/".into())
        .await
        .expect_err("no proxy");
    assert!(error.to_string().contains("HTTPS_PROXY"), "{error}");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let proxy = Fake::answering(vec![Reply::new(502)]).await;
    let address = format!("http://user:pass@127.0.0.1:{}", proxy.port());
    let client = client_in(&Env::map([("HTTPS_PROXY", address)]));
    let token = SecretString::from("canary");
    let request = Request::get("https://registry.test/v2/").bearer(&token);
    let error = client.send(request).await.expect_err("no tunnel");
    assert!(error.is_connect(), "{}", report(&error));
    let seen = &proxy.seen()[0];
    assert_eq!(seen.line(), "CONNECT registry.test:443");
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpwYXNz")
    );
    assert_eq!(seen.header("authorization"), None);
    assert!(!report(&error).contains("pass"), "{}", report(&error));
}

#[tokio::test]
async fn a_proxy_may_be_switched_off() {
    let proxy = Fake::answering(vec![Reply::new(200).body("proxied")]).await;
    let address = format!("http://127.0.0.1:{}", proxy.port());
    let mut options = ClientOptions::new(&Env::map([("HTTP_PROXY", address)]));
    options.proxy = Proxy::None;
    let client = Client::new(options).expect("client");
    let sent = client.send(Request::get("http://registry.invalid/")).await;
    assert!(sent.is_err() && proxy.seen().is_empty());
}

#[tokio::test]
async fn an_unknown_name_is_an_unreachable_host() {
    let request = Request::get("https://registry.invalid/");
    let error = client().send(request).await.expect_err("no such name");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(
        error.to_string().contains("cannot resolve"),
        "{}",
        report(&error)
    );
}

#[tokio::test]
async fn a_name_may_have_a_fixed_address() {
    let server = Fake::answering(vec![Reply::ok("here")]).await;
    let address = ([127, 0, 0, 1], server.port()).into();
    let mut options = ClientOptions::new(&Env::default());
    options.resolve = vec![("registry.invalid".to_owned(), vec![address])];
    let client = Client::new(options).expect("client");
    let get = |url: &'static str| client.send(Request::get(url));
    let answer = get("http://REGISTRY.invalid/x").await.expect("found");
    assert_eq!(answer.text(10).await.expect("text"), "here");
    assert_eq!(server.seen()[0].header("host"), Some("registry.invalid"));
    // Only the port is the URL's own where it has one.
    let error = get("http://registry.invalid:1/").await.expect_err("closed");
    assert!(error.is_connect(), "{error}");
    assert!(get("http://other.invalid/").await.is_err());
}
