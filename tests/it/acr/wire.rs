//! What never leaves the machine, asserted at the wire: a proxy that sees every way out.

use regcred_tests::acr::{FakeAcr, FakeEntra, FakeImds, LOGIN_SERVER};
use regcred_tests::server::{Reply, Seen, Server};
use regcred_tests::{Finished, Program};
use serde_json::json;

use super::{PLUGIN, request};

const LOOK_ALIKES: [&str; 12] = [
    "evil-azurecr.io",
    "evilazurecr.io",
    "x.azurecr.io.evil.test",
    "azurecr.io",
    "azurecr.io.evil.test",
    "x.azurecr.ioevil.test",
    "a.b.azurecr.io",
    "contoso.eastus.data.azurecr.io",
    "contoso.privatelink.azurecr.io",
    "x.geo.azurecr.io",
    "mcr.microsoft.com",
    "contoso.azurecr.evil.test",
];

#[test]
fn a_look_alike_never_receives_anything() {
    let entra = FakeEntra::start();
    let imds = FakeImds::start(entra.directory());
    // Whatever would go out would go through here, and be refused.
    let proxy = Server::start(|_: &Seen| Reply::text(403, "no way out"));
    let ask = |image: &str| {
        Program::ours(PLUGIN)
            .envs(imds.env())
            .env("HTTPS_PROXY", proxy.url())
            .env("HTTP_PROXY", proxy.url())
            .stdin(request(&format!("{image}/team/app"), json!({})))
            .run()
    };
    for host in LOOK_ALIKES {
        assert_eq!(ask(host).json()["auth"], json!({}), "{host}");
        let helper = Program::ours(PLUGIN)
            .envs(imds.env())
            .env("HTTPS_PROXY", proxy.url())
            .args(["docker", "get"])
            .stdin(host)
            .run();
        assert_eq!(helper.code(), Some(1), "{host}");
    }
    assert!(proxy.seen().is_empty() && imds.server().seen().is_empty());

    // The proof that the proxy would have seen it.
    ask(LOGIN_SERVER).fails(7);
    let seen = proxy.seen();
    assert!(!seen.is_empty(), "a login server is asked");
    assert!(seen.iter().all(|s| s.method == "CONNECT"), "{seen:?}");
}

#[test]
fn a_realm_elsewhere_and_a_redirect_get_no_token() {
    let entra = FakeEntra::start();
    let imds = FakeImds::start(entra.directory());
    let thief = Server::start(|_: &Seen| Reply::json(200, &json!({"refresh_token": "x"})));
    let own = FakeAcr::start(entra.directory());
    let host = own.server().authority();
    let ask = |host: &str| -> Finished {
        Program::ours(PLUGIN)
            .envs(imds.env())
            .args(["token", host, "--also-serve", host])
            .run()
    };
    // A host that the operator added is asked at its own address by the name that it gives.
    let _ = ask(&host).success();
    for realm in [
        format!("{}/oauth2/token", thief.url()),
        "https://evil.test/oauth2/token".to_owned(),
        "https://fabrikam.azurecr.io/oauth2/token".to_owned(),
        "/oauth2/token".to_owned(),
    ] {
        own.set_realm(&realm);
        assert!(ask(&host).fails(6).contains("another host"), "{realm}");
    }
    let target = format!("{}/oauth2/exchange", thief.url());
    let elsewhere = Server::start(move |seen: &Seen| match seen.path.as_str() {
        "/v2/" => Reply::new(401).header(
            "www-authenticate",
            format!(
                "Bearer realm=\"http://{}/oauth2/token\"",
                seen.header("host").unwrap_or("")
            ),
        ),
        _ => Reply::new(307).header("location", target.clone()),
    });
    let done = ask(&elsewhere.authority());
    assert!(
        done.fails(8).contains("points elsewhere"),
        "{}",
        done.stderr
    );
    assert!(thief.seen().is_empty());
}
