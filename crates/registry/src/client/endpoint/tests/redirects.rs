//! Where a redirect leads, and with which login.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A registry that requires a login and redirects blobs.
async fn redirecting(location: impl Fn(usize) -> String + Send + Sync + 'static) -> Fake {
    let asked = AtomicUsize::new(0);
    Fake::start(move |seen| match seen.authorization() {
        Some(BASIC) => {
            let location = location(asked.fetch_add(1, Ordering::SeqCst));
            Reply::new(307).header("location", &location)
        }
        _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
    })
    .await
}

#[tokio::test]
async fn a_redirect_to_another_host_carries_no_secret() {
    let storage = Fake::start(|_| Reply::ok("{}")).await;
    let signed = storage.url("/bucket/blob?X-Signature=1");
    let server = redirecting(move |_| signed.clone()).await;
    let text = format!(
        "server = \"{}\"\n[header]\nX-Own = \"secret\"\n",
        server.url("")
    );
    let (_root, hosts) = hosts_toml(&server.host(), &text);
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    let bytes = repository.blob_bytes(&blob(), 10).await.expect("blob");
    assert_eq!(bytes.as_ref(), b"{}");
    let seen = storage.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].target(), "/bucket/blob?X-Signature=1");
    assert_eq!(
        (seen[0].authorization(), seen[0].header("x-own")),
        (None, None)
    );
    assert_eq!(seen[0].header("accept-encoding"), Some("identity"));
    assert!(
        server
            .seen()
            .iter()
            .all(|s| s.header("x-own") == Some("secret"))
    );
}

#[tokio::test]
async fn a_redirect_on_the_spot_keeps_the_login() {
    let server = Fake::start(|seen| match (seen.authorization(), seen.path.as_str()) {
        (Some(BASIC), "/elsewhere") => Reply::ok("{}"),
        (Some(BASIC), _) => Reply::new(302).header("location", "/elsewhere"),
        _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
    })
    .await;
    at(&server).blob_bytes(&blob(), 10).await.expect("blob");
}

#[tokio::test]
async fn redirects_end_and_lead_nowhere_strange() {
    let server = redirecting(|n| format!("/loop/{n}")).await;
    let error = at(&server).blob(&blob(), 0).await.expect_err("endless");
    assert!(
        error.to_string().contains("redirects more than 5 times"),
        "{error}"
    );
    for location in [
        "ftp://x/",
        "http://u:canary@127.0.0.1/",
        "http://",
        "javascript:x",
    ] {
        let server = redirecting(move |_| location.to_owned()).await;
        let error = at(&server).blob(&blob(), 0).await.expect_err("refused");
        let text = report(&error);
        assert!(
            text.contains("refusing the redirect") && !text.contains("canary"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_stale_address_is_not_tried_twice() {
    for status in [403, 500, 503] {
        let storage = Fake::start(move |seen| match seen.path.as_str() {
            "/2" => Reply::ok("{}"),
            _ => Reply::new(status),
        })
        .await;
        let base = storage.url("/");
        let server = redirecting(move |n| format!("{base}{n}")).await;
        at(&server)
            .blob_bytes(&blob(), 10)
            .await
            .expect("fresh address");
        let paths: Vec<_> = storage.seen().into_iter().map(|s| s.path).collect();
        assert_eq!(paths, ["/0", "/1", "/2"]);
    }
}

#[tokio::test]
async fn a_storage_that_fails_is_named() {
    let storage = Fake::start(|_| Reply::new(404)).await;
    let signed = storage.url("/x?canary");
    let server = redirecting(move |_| signed.clone()).await;
    let error = at(&server).blob(&blob(), 0).await.expect_err("gone");
    assert_eq!(storage.seen().len(), 1);
    let text = report(&error);
    assert!(text.contains(&storage.host()), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

/// A host with a token server, which requires this login there, or none.
async fn other_registry(login: Option<&'static str>) -> Fake {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    Fake::on(listener, None, move |seen| {
        match (seen.path.as_str(), seen.authorization()) {
            ("/token", sent) if sent == login => Reply::ok(r#"{"token":"t"}"#),
            ("/token", _) => Reply::new(401),
            (_, Some("Bearer t")) => Reply::ok(INDEX),
            _ => Reply::new(401).header(
                "www-authenticate",
                format!(
                    r#"Bearer realm="{url}/token",service="s",scope="repository:team/app:pull""#
                ),
            ),
        }
    })
}

/// A server that redirects every request with this status.
async fn signpost(status: u16, to: &Fake) -> Fake {
    let base = to.url("");
    Fake::start(move |seen| Reply::new(status).header("location", format!("{base}{}", seen.path)))
        .await
}

fn received(server: &Fake) -> Vec<(String, Option<String>)> {
    let seen = server.seen().into_iter();
    let received = seen.map(|seen| {
        let authorization = seen.authorization().map(str::to_owned);
        (seen.path, authorization)
    });
    received.collect()
}

#[tokio::test]
async fn the_target_of_a_redirect_issues_an_anonymous_token_and_never_gets_the_images_login() {
    let other = other_registry(None).await;
    let server = signpost(302, &other).await;
    let repository = at(&server);
    repository.manifest("v1").await.expect("by a token");
    let path = "/v2/team/app/manifests/v1".to_owned();
    let expected = [
        (path.clone(), None),
        ("/token".to_owned(), None),
        (path.clone(), Some("Bearer t".to_owned())),
    ];
    assert_eq!(received(&other), expected);
    assert_eq!(received(&server), [(path.clone(), None), (path, None)]);
    assert_eq!(repository.login_sent(), Some(false));
    repository.manifest("v1").await.expect("by the same token");
    assert_eq!(other.seen().len(), 4);
}

#[tokio::test]
async fn the_target_of_a_redirect_gets_the_login_that_the_keyring_has_for_it() {
    const BOB: &str = "Basic Ym9iOnMzY3JldA==";
    for (user, works) in [("bob", true), ("eve", false)] {
        let other = other_registry(Some(BOB)).await;
        let server = signpost(302, &other).await;
        let name = format!("{}/team/app/manifests/v1", other.host());
        let repository = client(Hosts::none()).repository(&image(&server), logins(name, user));
        let result = repository.manifest("v1").await;
        assert_eq!(result.is_ok(), works);
        assert_eq!(
            repository.host_logins(),
            [format!("its own, to {}", other.host())]
        );
        assert!(received(&server).iter().all(|(_, sent)| sent.is_none()));
        assert!(
            received(&other)
                .iter()
                .all(|(_, sent)| sent.as_deref() != Some(BASIC))
        );
    }
}

#[tokio::test]
async fn a_write_carries_no_login_to_the_target_of_a_redirect_even_after_a_read_did() {
    const BOB: &str = "Basic Ym9iOnMzY3JldA==";
    let other = private(BOB).await;
    let server = signpost(307, &other).await;
    let own = HostLogin {
        credentials: Credentials::new("bob", "s3cret"),
        label: "its own".to_owned(),
    };
    let logins = Logins::default().with_hosts(Arc::new(move |_: &str| Some(own.clone())));
    let repository = client(Hosts::none()).repository(&image(&server), logins);
    let manifest = repository.manifest("v1").await.expect("a read");
    repository
        .put_manifest("v2", &manifest)
        .await
        .expect_err("a write");
    let sent: Vec<_> = received(&other).into_iter().map(|(_, sent)| sent).collect();
    assert_eq!(sent, [None, Some(BOB.to_owned()), None]);
}

#[tokio::test]
async fn the_basic_challenge_of_a_host_without_a_login_is_the_answer() {
    let other = private(BASIC).await;
    let server = signpost(302, &other).await;
    let error = at(&server).manifest("v1").await.expect_err("no login");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    assert!(error.to_string().contains(&other.host()), "{error}");
    assert!(error.is_curable_by_credential());
    assert_eq!(other.seen().len(), 1);
}

#[tokio::test]
async fn the_realm_of_the_target_of_a_redirect_has_the_rules_of_every_realm() {
    for realm in ["http://10.0.0.6/token", "https://169.254.169.254/"] {
        let other = Fake::start(move |_| {
            Reply::new(401).header("www-authenticate", format!(r#"Bearer realm="{realm}""#))
        })
        .await;
        let server = signpost(302, &other).await;
        let error = at(&server).manifest("v1").await.expect_err("refused");
        let text = report(&error);
        assert!(text.contains("refusing the token server"), "{text}");
    }
}

#[tokio::test]
async fn https_of_the_same_host_keeps_the_login_of_plain_http() {
    let ca = Ca::new();
    let secure = Fake::start_tls(ca.server("127.0.0.1", None), requiring(BASIC)).await;
    let server = signpost(302, &secure).await;
    let text = format!("server = \"{}\"\nca = \"ca.pem\"\n", server.url(""));
    let (root, hosts) = hosts_toml(&server.host(), &text);
    fs::write(root.path().join(server.host()).join("ca.pem"), &ca.pem).unwrap();
    let repository = client(hosts).repository(&image(&server), Some(&login()));
    repository
        .manifest("v1")
        .await
        .expect("by the registry's login");
    assert_eq!(repository.login_sent(), Some(true));
    assert!(received(&server).iter().all(|(_, sent)| sent.is_none()));
}

#[tokio::test]
async fn only_so_many_hosts_of_one_request_may_ask_for_a_login() {
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(private(BASIC).await);
    }
    let urls: Vec<_> = others.iter().map(|other| other.url("")).collect();
    let asked = AtomicUsize::new(0);
    let server = Fake::start(move |seen| {
        let to = &urls[asked.fetch_add(1, Ordering::SeqCst) % urls.len()];
        Reply::new(302).header("location", format!("{to}{}", seen.path))
    })
    .await;
    let own = HostLogin {
        credentials: Credentials::new("bob", "s3cret"),
        label: "its own".to_owned(),
    };
    let logins = Logins::default().with_hosts(Arc::new(move |_: &str| Some(own.clone())));
    let repository = client(Hosts::none()).repository(&image(&server), logins);
    repository.manifest("v1").await.expect_err("refused");
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn a_host_that_redirects_back_does_not_choose_where_the_login_goes() {
    let listener = bind().await;
    let back = format!(
        "http://{}/v2/other/app/manifests/v1",
        listener.local_addr().unwrap()
    );
    let other = Fake::start(move |_| Reply::new(307).header("location", &back)).await;
    let away = other.url("/x");
    let server = Fake::on(listener, None, move |seen| {
        match (seen.path.as_str(), seen.authorization()) {
            ("/v2/team/app/manifests/v1", Some(BASIC)) => Reply::new(307).header("location", &away),
            (_, Some(BASIC)) => Reply::ok(INDEX),
            _ => Reply::new(401).header("www-authenticate", "Basic realm=x"),
        }
    });
    let error = at(&server).manifest("v1").await.expect_err("no login");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(401));
    let sent = received(&server);
    let chosen: Vec<_> = sent
        .iter()
        .filter(|(path, _)| path.contains("/other/"))
        .collect();
    assert!(
        !chosen.is_empty() && chosen.iter().all(|(_, sent)| sent.is_none()),
        "{sent:?}"
    );
}

#[tokio::test]
async fn a_registry_of_this_machine_does_not_lead_to_a_metadata_server() {
    for location in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[fd20:ce::254]/computeMetadata/v1/",
        "http://[fd00:c1::a9fe:a9fe]/opc/v1/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://100.100.100.200/",
        "http://2852039166/",
    ] {
        let server = redirecting(move |_| location.to_owned()).await;
        let error = at(&server).blob(&blob(), 0).await.expect_err("refused");
        let text = report(&error);
        assert!(
            text.contains("an address of this machine or its link"),
            "{location}: {text}"
        );
    }
}
