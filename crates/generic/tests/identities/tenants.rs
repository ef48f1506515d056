//! Whose token goes where, and whose login it becomes.

use regcred_core::{CacheKey, Clock, Env, ErrorKind, Provider as _, report};
use regcred_generic::Generic;
use regcred_tests::generic::{Account, Cluster, ConfigDir, FakeExchange, exchanges};
use regcred_tests::logins::only_login;

use super::{AUDIENCE, ask, entry, provider, refused, request, script};

/// The server sees the identity of the pod that asked, for every source kind, and a key of one pod is never
/// the key of another.
#[tokio::test]
async fn a_tenant_never_gets_the_login_of_another() {
    let cluster = Cluster::new();
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    let (a, b) = (
        Account::new("team-a", "default"),
        Account::new("team-b", "default"),
    );
    let image = format!("{AUDIENCE}/team/app");
    for (name, source, _) in exchanges(&exchange.server().url()) {
        let config = ConfigDir::new(&entry(&source));
        let _ = config.write("client-secret", "s3cret of the client");
        let provider = provider(&config).expect(name);
        let mut keys = Vec::new();
        for account in [&a, &b, &a.recreated()] {
            let token = cluster.token(account, AUDIENCE, 3000);
            let request = request(&image, Some(&token));
            let plan = provider.plan(&request).expect(name);
            keys.extend(plan.key().cloned());
            let issued = plan.fetch().await.expect(name);
            let owner = exchange.owner(&only_login(&issued).2);
            assert_eq!(owner, Some(account.subject()), "{name}");
        }
        keys.sort_by(|x, y| x.as_str().cmp(y.as_str()));
        keys.dedup();
        assert_eq!(
            keys.len(),
            3,
            "{name}: a key for each account, and one for its successor"
        );
        // Another token of the same account is the same identity.
        let key = |token: &str| {
            let request = request(&image, Some(token));
            provider
                .plan(&request)
                .expect(name)
                .key()
                .map(CacheKey::as_str)
                .map(str::to_owned)
        };
        let tokens = [0, 1].map(|_| cluster.token(&a, AUDIENCE, 3000));
        assert_eq!(key(&tokens[0]), key(&tokens[1]), "{name}");
    }
    // Pass-through: the password is the pod's own token, and nothing is kept.
    let config = ConfigDir::new(&entry("passThrough: {username: jwt}"));
    for account in [&a, &b] {
        let token = cluster.token(account, AUDIENCE, 3000);
        let issued = ask(&config, &image, Some(&token)).await.expect("a login");
        assert_eq!(
            only_login(&issued),
            (AUDIENCE.into(), "jwt".into(), token.clone())
        );
        assert_eq!(issued.cache_for, Some(std::time::Duration::ZERO));
        let provider = provider(&config).expect("a provider");
        let request = request(&image, Some(&token));
        assert_eq!(provider.plan(&request).expect("a plan").key(), None);
    }
    // Static logins and helpers by service account.
    let by_account = |a: &str, b: &str| {
        ConfigDir::new(&format!(
            "- {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, serviceAccounts: [team-a/*], {a}}}\n\
             - {{matchImages: [{AUDIENCE}], audience: {AUDIENCE}, serviceAccounts: [team-b/*], {b}}}\n"
        ))
    };
    let files = by_account(
        "static: {username: robot$a, passwordFile: a}",
        "static: {username: robot$b, passwordFile: b}",
    );
    let helpers = ConfigDir::new("[]");
    let helper = |name: &str| {
        let body = format!(
            "cat >/dev/null\necho '{{\"Username\":\"robot${name}\",\"Secret\":\"p-{name}\"}}'"
        );
        format!(
            "helper: {{program: {}}}",
            script(&helpers, name, &body).display()
        )
    };
    for config in [files, by_account(&helper("a"), &helper("b"))] {
        let _ = (config.write("a", "p-a\n"), config.write("b", "p-b\n"));
        for (account, name) in [(&a, "a"), (&b, "b")] {
            let token = cluster.token(account, AUDIENCE, 3000);
            let issued = ask(&config, &image, Some(&token)).await.expect("a login");
            let expected = (
                AUDIENCE.into(),
                format!("robot${name}"),
                format!("p-{name}"),
            );
            assert_eq!(only_login(&issued), expected);
        }
        let stranger = cluster.token(&Account::new("team-c", "default"), AUDIENCE, 3000);
        let (kind, text) = refused(&config, &image, Some(&stranger)).await;
        assert_eq!(kind, ErrorKind::IdentityUnavailable);
        assert!(text.contains("team-c/default"), "{text}");
        let (kind, _) = refused(&config, &image, None).await;
        assert_eq!(kind, ErrorKind::IdentityUnavailable);
        // A token for another registry proves nothing here.
        let foreign = cluster.token(&a, "other.test", 3000);
        assert_eq!(
            refused(&config, &image, Some(&foreign)).await.0,
            ErrorKind::IdentityUnavailable
        );
    }
}

#[tokio::test]
async fn a_token_that_is_not_for_the_registry_is_sent_nowhere() {
    let (cluster, account) = (Cluster::new(), Account::new("shop", "puller"));
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    let url = exchange.server().url();
    let mut sources: Vec<_> = exchanges(&url)
        .into_iter()
        .map(|(_, source, _)| source)
        .collect();
    sources.push("passThrough: {username: jwt}".to_owned());
    for source in sources {
        // Not even a fall-back answers for it: what was sent is a mistake that must show.
        let config = ConfigDir::new(&format!(
            "{}  fallback: {{anonymous: true}}\n",
            entry(&source)
        ));
        let _ = config.write("client-secret", "s3cret of the client");
        for (token, why) in [
            (
                cluster.token(&account, "other.test", 3000),
                "\"other.test\"",
            ),
            (
                cluster.token_for(
                    &account,
                    &[AUDIENCE, "https://kubernetes.default.svc"],
                    3000,
                ),
                "audience",
            ),
            (cluster.token(&account, AUDIENCE, -1), "expired"),
            ("h.e30.s".to_owned(), "audience"),
            ("no token".to_owned(), "not a JSON web token"),
        ] {
            let (kind, text) = refused(&config, &format!("{AUDIENCE}/app"), Some(&token)).await;
            assert_eq!(kind, ErrorKind::IdentityUnavailable, "{text}");
            assert!(text.contains(why) && !text.contains(&token), "{text}");
        }
    }
    assert!(
        exchange.server().seen().is_empty(),
        "the server saw nothing"
    );
}

#[tokio::test]
async fn without_a_pods_token_the_fall_back_answers_or_nothing() {
    let (cluster, account) = (Cluster::new(), Account::new("infra", "node"));
    let exchange = FakeExchange::start(&cluster, AUDIENCE);
    let source = format!(
        "exchange: {{url: '{}/token', username: u}}",
        exchange.server().url()
    );
    let image = format!("{AUDIENCE}/app");
    let (kind, text) = refused(&ConfigDir::new(&entry(&source)), &image, None).await;
    assert_eq!(kind, ErrorKind::IdentityUnavailable);
    assert!(
        text.contains("tokenAttributes") && text.contains(AUDIENCE),
        "{text}"
    );
    let with = |fallback: &str| {
        let config = ConfigDir::new(&format!("{}  fallback: {{{fallback}}}\n", entry(&source)));
        let _ = config.write("password", "p");
        let _ = config.write("token", &cluster.token(&account, AUDIENCE, 3000));
        config
    };
    let issued = ask(&with("tokenFile: token"), &image, None)
        .await
        .expect("a login");
    assert_eq!(
        exchange.owner(&only_login(&issued).2),
        Some(account.subject())
    );
    let config = with("static: {username: s, passwordFile: password}");
    assert_eq!(
        only_login(&ask(&config, &image, None).await.expect("a login")).1,
        "s"
    );
    let issued = ask(&with("anonymous: true"), &image, None)
        .await
        .expect("an answer");
    assert!(issued.auth.is_empty());

    // A pod with a token is never answered by the fall-back, and no request without one where that is
    // required.
    let strict = Env::map(config.env()).with([("REGCRED_GENERIC_REQUIRE_POD_IDENTITY", "true")]);
    let strict = Generic::new(&strict, &Clock::system()).expect("a provider");
    let error = strict
        .credentials(&request(&image, None))
        .await
        .expect_err("no token");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let config =
        ConfigDir::new("- {matchImages: [h.test], static: {username: s, passwordFile: p}}\n");
    let env = Env::map(config.env()).with([("REGCRED_GENERIC_REQUIRE_POD_IDENTITY", "true")]);
    let strict = Generic::new(&env, &Clock::system()).expect("a provider");
    let token = cluster.token(&account, AUDIENCE, 3000);
    let error = strict
        .plan(&request("h.test/app", Some(&token)))
        .expect_err("the node's login");
    assert!(
        report(&error).contains("same for all pods"),
        "{}",
        report(&error)
    );
}
