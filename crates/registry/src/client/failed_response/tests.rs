//! What another host answers in place of the registry, its storage or its token server.

use regcred_core::{Credentials, report};

use crate::fake::{Fake, Reply, client, image};
use crate::image::media_type;
use crate::{Descriptor, Hosts, Repository};

const PAGE: &str = "<!DOCTYPE html><title>Sign in</title>canary";

fn page(status: u16) -> Reply {
    Reply::typed(status, "text/html; charset=utf-8", PAGE)
}

/// A registry that redirects everything to another host.
async fn redirecting(to: &Fake) -> Fake {
    let url = to.url("/login");
    Fake::start(move |_| Reply::new(302).header("location", &url)).await
}

fn repository(server: &Fake) -> Repository {
    let login = Credentials::new("alice", "s3cret");
    client(Hosts::none()).repository(&image(server), Some(&login))
}

#[tokio::test]
async fn a_web_page_in_place_of_a_manifest_names_the_host_that_sent_it() {
    let login_page = Fake::start(|_| page(200)).await;
    let hop = redirecting(&login_page).await;
    let registry = redirecting(&hop).await;
    let error = repository(&registry)
        .manifest("v1")
        .await
        .expect_err("page");
    let expected = format!(
        "{}/team/app:v1: {} answered with a web page where a manifest was expected; a login page or \
         a proxy is in front of the registry",
        registry.host(),
        login_page.host()
    );
    assert_eq!(report(&error), expected);
}

#[tokio::test]
async fn a_web_page_in_place_of_a_blob_names_the_host_that_sent_it() {
    let blob = Descriptor::of(media_type::OCI_CONFIG, &[b'x'; 5000]);
    for reply in [page(200), page(200).chunked()] {
        let login_page = Fake::start(move |_| reply.clone()).await;
        let registry = redirecting(&login_page).await;
        let read = repository(&registry).blob_bytes(&blob, 10_000).await;
        let text = report(&read.expect_err("page"));
        let expected = format!(
            "{} answered with a web page where a blob was expected",
            login_page.host()
        );
        assert!(text.contains(&expected), "{text}");
    }
}

#[tokio::test]
async fn a_blob_that_is_a_web_page_is_fetched() {
    let blob = Descriptor::of("text/html", PAGE.as_bytes());
    let registry = Fake::start(|_| page(200)).await;
    let read = repository(&registry).blob_bytes(&blob, 1000).await;
    assert_eq!(read.expect("its own content"), PAGE);
}

#[tokio::test]
async fn a_refusal_that_is_a_web_page_names_its_host() {
    for (status, expected) in [
        (
            403,
            "answered 403 Forbidden: a web page, as of a proxy or a login page",
        ),
        (404, ": a web page, as of a proxy or a login page"),
        (
            502,
            "answered 502 Bad Gateway: a web page, as of a proxy or a login page",
        ),
    ] {
        let other = Fake::start(move |_| page(status)).await;
        let registry = redirecting(&other).await;
        let error = repository(&registry).manifest("v1").await;
        let text = report(&error.expect_err("refused"));
        assert!(
            text.contains(&other.host()) && text.ends_with(expected),
            "{text}"
        );
        assert!(!text.contains("canary"), "{text}");
    }
}

#[tokio::test]
async fn a_token_server_that_answers_with_a_web_page_or_from_elsewhere_is_named() {
    let login_page = Fake::start(|_| page(200)).await;
    let away = login_page.url("/signin");
    for (reply, expected) in [
        (
            page(200),
            "the response is a web page where JSON was expected; a login page or a proxy is in front \
             of the server"
                .to_owned(),
        ),
        (
            Reply::new(302).header("location", &away),
            format!("answered 302 Found, a redirect to {}, to the login", login_page.host()),
        ),
        (
            page(403),
            "answered 403 Forbidden to the login: a web page, as of a proxy or a login page".to_owned(),
        ),
    ] {
        let tokens = Fake::start(move |_| reply.clone()).await;
        let challenge = format!(r#"Bearer realm="{}",service="r""#, tokens.url("/token"));
        let registry =
            Fake::start(move |_| Reply::new(401).header("www-authenticate", &challenge)).await;
        let error = repository(&registry).manifest("v1").await;
        let text = report(&error.expect_err("no token"));
        assert!(text.contains(&tokens.host()) && text.contains(&expected), "{text}");
    }
    assert!(login_page.seen().is_empty());
}
