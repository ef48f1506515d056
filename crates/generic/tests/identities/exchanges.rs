//! Exchanges: each turns the pod's token into a login, and what a server refuses or returns wrongly is an
//! error.

use regcred_core::{CacheScope, Clock, ErrorKind, report};
use regcred_tests::generic::{Account, Cluster, ConfigDir, FakeExchange, exchanges};
use regcred_tests::logins::only_login;

use super::{AUDIENCE, ask, entry, refused};

#[tokio::test]
async fn each_exchange_turns_the_pods_token_into_its_login() {
    let (cluster, account) = (Cluster::new(), Account::new("shop", "puller"));
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    for (name, source, user) in exchanges(&exchange.server().url()) {
        let config = ConfigDir::new(&entry(&source));
        let _ = config.write("client-secret", "s3cret of the client\n");
        let token = cluster.token(&account, AUDIENCE, 3000);
        let issued = ask(&config, &format!("{AUDIENCE}/team/app"), Some(&token)).await;
        let issued = issued.unwrap_or_else(|e| panic!("{name}: {}", report(&e)));
        let (key, username, password) = only_login(&issued);
        assert_eq!(
            (key.as_str(), username.as_str()),
            (AUDIENCE, user),
            "{name}"
        );
        assert_eq!(exchange.owner(&password), Some(account.subject()), "{name}");
        assert_eq!(issued.scope, CacheScope::Registry);
        let left = issued.expires_at.expect(name) - Clock::system().now();
        assert!(
            (3580..=3600).contains(&left.num_seconds()),
            "{name}: {left}"
        );
    }
}

#[tokio::test]
async fn a_server_refuses_what_is_forged_or_was_shown_elsewhere_and_the_error_has_no_token() {
    let (cluster, account) = (Cluster::new(), Account::new("shop", "puller"));
    let (ours, other) = (
        FakeExchange::start(&cluster, AUDIENCE),
        FakeExchange::start(&cluster, "b.test"),
    );
    let of = |server: &FakeExchange, audience: &str| {
        let url = server.server().url();
        ConfigDir::new(&format!(
            "- {{matchImages: [{AUDIENCE}], audience: {audience}, exchange: {{url: '{url}/token', username: u}}}}\n"
        ))
    };
    let image = format!("{AUDIENCE}/app");
    let forged = Cluster::new().token(&account, AUDIENCE, 3000);
    let (kind, text) = refused(&of(&ours, AUDIENCE), &image, Some(&forged)).await;
    assert_eq!(kind, ErrorKind::Denied, "{text}");
    for part in [
        "system:serviceaccount:shop:puller",
        "invalid_request",
        "the signature",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains(&forged), "{text}");
    // A configuration that names a wrong server: that one refuses, and so does the right one afterwards.
    let token = cluster.token(&account, AUDIENCE, 3000);
    let (_, text) = refused(&of(&other, AUDIENCE), &image, Some(&token)).await;
    assert!(text.contains("audience is another server's"), "{text}");
    let (_, text) = refused(&of(&ours, AUDIENCE), &image, Some(&token)).await;
    assert!(text.contains("shown to another server"), "{text}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (cluster, account) = (Cluster::new(), Account::new("shop", "puller"));
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    let url = exchange.server().url();
    let config = ConfigDir::new(&entry(&format!(
        "exchange: {{url: '{url}/elsewhere', username: u}}"
    )));
    let token = cluster.token(&account, AUDIENCE, 3000);
    let (_, text) = refused(&config, &format!("{AUDIENCE}/app"), Some(&token)).await;
    let start = format!(
        "generic: system:serviceaccount:shop:puller (audience {AUDIENCE:?}) received no token from the \
         exchange {url}/elsewhere: "
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains("goes to no other address"), "{text}");
    assert_eq!(exchange.server().seen().len(), 1);
}

#[tokio::test]
async fn an_answer_without_a_login_is_an_error() {
    let (cluster, account) = (Cluster::new(), Account::new("shop", "puller"));
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    let url = exchange.server().url();
    for (source, part) in [
        (
            "answer: {token: other, username: username}",
            "no token in \"other\"",
        ),
        ("answer: {username: issued_to}", "no user name"),
    ] {
        let config = ConfigDir::new(&entry(&format!(
            "exchange: {{url: '{url}/token', {source}}}"
        )));
        let token = cluster.token(&account, AUDIENCE, 3000);
        let (kind, text) = refused(&config, &format!("{AUDIENCE}/app"), Some(&token)).await;
        assert_eq!(kind, ErrorKind::Malformed);
        assert!(text.contains(part), "{text}");
    }
    exchange.set_life(5);
    let config = ConfigDir::new(&entry(&format!(
        "exchange: {{url: '{url}/token', username: u}}"
    )));
    let token = cluster.token(&account, AUDIENCE, 3000);
    let (_, text) = refused(&config, &format!("{AUDIENCE}/app"), Some(&token)).await;
    assert!(text.contains("already expired"), "{text}");
}
