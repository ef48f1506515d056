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

/// The error of a request to a registry through a proxy, as it is reported.
async fn through(variable: &'static str, proxy: &str, url: &str) -> (HttpError, String) {
    let client = client_in(&Env::map([(variable, proxy)]));
    let error = client.send(Request::get(url)).await.expect_err("a proxy");
    let text = report(&error);
    assert!(
        !text.contains("alice") && !text.contains("canary"),
        "{text}"
    );
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    (error, text)
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named_with_its_variable() {
    for (variable, url) in [
        ("HTTPS_PROXY", "https://registry.test/v2/"),
        ("HTTP_PROXY", "http://registry.test/v2/"),
        ("https_proxy", "https://registry.test/v2/"),
    ] {
        let (error, text) = through(variable, "http://alice:canary@127.0.0.1:9", url).await;
        let expected = format!(
            "GET {url}: cannot connect to the proxy 127.0.0.1:9 ({variable}): Connection refused"
        );
        assert!(text.starts_with(&expected), "{text}");
        assert!(error.is_connect() && error.kind() == ErrorKind::Unreachable);
        let (_, text) = through(variable, "proxy.invalid:3128", url).await;
        let expected =
            format!("cannot resolve the name of the proxy proxy.invalid:3128 ({variable}): ");
        assert!(text.contains(&expected), "{text}");
    }
    let plain = Fake::answering(vec![Reply::new(400)]).await;
    let address = format!("https://127.0.0.1:{}", plain.port());
    let (_, text) = through("HTTPS_PROXY", &address, "https://registry.test/").await;
    let expected = format!(
        "TLS with the proxy {address} (HTTPS_PROXY) failed: the server does not speak TLS on this port"
    );
    assert!(text.contains(&expected), "{text}");
}

#[tokio::test]
async fn a_proxy_that_requires_a_login_is_named() {
    let proxy = Fake::start(|_| Reply::new(407).header("proxy-authenticate", "Basic")).await;
    let host = format!("127.0.0.1:{}", proxy.port());
    for (variable, url) in [
        ("HTTPS_PROXY", "https://registry.test/"),
        ("HTTP_PROXY", "http://registry.test/"),
    ] {
        let (error, text) = through(variable, &host, url).await;
        let expected = format!(
            "the proxy {host} ({variable}) requires a user and password in {variable}: it answered 407"
        );
        assert!(text.contains(&expected), "{text}");
        assert!(!error.is_passing() && error.status().is_none());
        let (_, text) = through(variable, &format!("http://alice:canary@{host}"), url).await;
        let expected =
            format!("the proxy {host} ({variable}) did not accept the user and password");
        assert!(text.contains(&expected), "{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_opens_no_tunnel_is_named() {
    for reply in [
        Reply::new(403).body("<html>not allowed</html>"),
        Reply::new(502),
        Reply::raw("<html>canary</html>\r\n\r\n").close(),
        Reply::hang_up(),
    ] {
        let proxy = Fake::answering(vec![reply]).await;
        let host = format!("127.0.0.1:{}", proxy.port());
        let (error, text) = through("HTTPS_PROXY", &host, "https://registry.test/").await;
        let expected =
            format!("the proxy {host} (HTTPS_PROXY) did not connect to registry.test: it ");
        assert!(text.contains(&expected), "{text}");
        assert!(error.is_connect());
    }
}

#[tokio::test]
async fn a_failure_beyond_the_proxy_names_the_proxy_that_was_on_the_way() {
    let proxy = Fake::start(|_| Reply::raw("HTTP/1.1 200 OK\r\n\r\n<html>").close()).await;
    let host = format!("127.0.0.1:{}", proxy.port());
    let (_, text) = through("HTTPS_PROXY", &host, "https://registry.test/").await;
    let expected = format!("GET https://registry.test/ through the proxy {host} (HTTPS_PROXY): ");
    assert!(text.starts_with(&expected), "{text}");
    let proxy = Fake::start(|_| Reply::new(403).body("no")).await;
    let host = format!("127.0.0.1:{}", proxy.port());
    let client = client_in(&Env::map([("HTTP_PROXY", host.as_str())]));
    let answer = client.send(Request::get("http://registry.test/")).await;
    let error = answer.expect("an answer").into_error("no token").await;
    let expected = format!(
        "no token: GET http://registry.test/ through the proxy {host} (HTTP_PROXY): answered 403 Forbidden"
    );
    assert_eq!(report(&error), expected);
}

#[tokio::test]
async fn a_name_that_is_not_resolved_in_time_is_the_reported_cause() {
    let hangs = || Names::by(|_| Box::pin(std::future::pending()));
    let mut options = ClientOptions::new(&Env::map([("HTTPS_PROXY", "proxy.test:3128")]));
    options.connect_timeout = Duration::from_millis(200);
    let client = Client::with_names(options.clone(), hangs()).expect("client");
    for (url, expected) in [
        (
            "http://registry.test:5000/",
            "resolving registry.test:5000 took too long: ",
        ),
        (
            "https://registry.test/",
            "resolving the name of the proxy proxy.test:3128 (HTTPS_PROXY) took too long: ",
        ),
    ] {
        let error = client.send(Request::get(url)).await.expect_err("no name");
        let text = report(&error);
        assert!(text.contains(expected), "{text}");
        assert!(error.is_timeout() && error.is_connect());
    }
    options.connect_timeout = Duration::from_secs(600);
    let client = Client::with_names(options, hangs()).expect("client");
    let request = Request::get("http://registry.test/").timeout(Duration::from_millis(200));
    let text = report(&client.send(request).await.expect_err("no name"));
    let expected = "resolving registry.test took too long: not done within 200ms";
    assert!(text.ends_with(expected), "{text}");
    // Only a name that is still looked up is blamed.
    let server = Fake::start(|_| Reply::hang_up()).await;
    let text = report(
        &client
            .send(Request::get(&server.url("/")))
            .await
            .expect_err("broken"),
    );
    assert!(text.contains("the connection broke"), "{text}");
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
        error
            .to_string()
            .ends_with("cannot resolve registry.invalid"),
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

#[tokio::test]
async fn https_to_an_ipv6_address_through_a_proxy_is_refused_with_the_way_out() {
    let url = "https://[2001:db8::1]/v2/";
    let (error, line) = through("HTTPS_PROXY", "http://127.0.0.1:9", url).await;
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert_eq!(
        line,
        "GET https://[2001:db8::1]/v2/ through the proxy 127.0.0.1:9 (HTTPS_PROXY): https to an IPv6 \
         address is not possible through a proxy"
    );
    assert!(
        error
            .next_step()
            .is_some_and(|step| step.contains("NO_PROXY"))
    );
}

#[tokio::test]
async fn a_name_that_a_server_named_leads_only_where_that_server_may_lead() {
    let server = Fake::start(|_| Reply::ok("here")).await;
    let here: SocketAddr = ([127, 0, 0, 1], server.port()).into();
    let link = ([169, 254, 169, 254], 80).into();
    let mut options = ClientOptions::new(&Env::default());
    options.resolve = vec![
        ("here.test".to_owned(), vec![here]),
        ("both.test".to_owned(), vec![link, here]),
    ];
    let client = &Client::new(options).expect("client");
    let get = |url: &'static str, by| async move {
        let request = Request::get(url).named_by(by);
        client.send(request).await
    };
    // A connection that is open already does not count.
    let known = get("http://here.test/", None).await.expect("an answer");
    assert_eq!(known.network(), Network::Machine);
    assert_eq!(known.text(10).await.expect("text"), "here");
    for (url, by, may) in [
        ("http://here.test/", Network::Machine, true),
        ("http://here.test/", Network::Public, false),
        ("http://here.test/", Network::Private, false),
        ("http://here.test/", Network::Link, false),
        ("http://both.test/", Network::Machine, true),
        ("http://both.test/", Network::Private, false),
    ] {
        match get(url, Some(by)).await {
            Ok(response) => {
                assert!(may, "{url} by {by:?}");
                assert_eq!(response.named_by(), Some(by));
            }
            Err(error) => {
                let text = report(&error);
                assert!(!may, "{url} by {by:?}: {text}");
                assert!(
                    text.contains(".test leads to an inner address: 1"),
                    "{text}"
                );
                assert!(error.leads_inside() && error.is_connect() && !error.is_passing());
                assert_eq!(error.kind(), ErrorKind::Malformed);
            }
        }
    }
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn the_network_of_a_server_that_a_proxy_reaches_counts_as_public() {
    let proxy = Fake::start(|_| Reply::ok("proxied")).await;
    let address = format!("http://127.0.0.1:{}", proxy.port());
    let client = client_in(&Env::map([("HTTP_PROXY", address)]));
    let request = Request::get("http://registry.test/").named_by(Some(Network::Public));
    let response = client.send(request).await.expect("by the proxy");
    assert_eq!(response.network(), Network::Public);
    let direct = client.send(Request::get(&proxy.url("/"))).await;
    assert_eq!(direct.expect("an answer").network(), Network::Machine);
}
