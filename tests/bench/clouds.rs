//! One cold run of the plugins of Azure, Oracle and IBM, over http and https.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use regcred_core::{Clock, Env};
use regcred_tests::program::built;
use regcred_tests::seeded::Seeded;
use regcred_tests::static_endpoint::{Route, StaticEndpoint};
use regcred_tests::{FakeOci, Tls};
use serde_json::{Value, json};

use crate::contest::{Contestant, compete};
use crate::plugins::{bundle, floor, peer, request};
use crate::table;

/// A cloud whose plugin is timed against canned answers.
struct Cloud<'a> {
    title: &'a str,
    plugin: &'a str,
    image: &'a str,
    /// The variable that names a peer, and its usual name. It gets our plugin's variables and
    /// request; one that cannot be led by them is wrapped in a script.
    peer: (&'a str, &'a str),
    route: Route,
}

/// A virtual machine's identity at the metadata server, then the exchange at the registry.
pub(crate) fn acr(rounds: usize, env: &Env) {
    let cloud = Cloud {
        title: "Azure plugin",
        plugin: "acr-credential-provider",
        image: "demo.azurecr.io/team/app",
        peer: ("REGCRED_BENCH_ACR_PEER", "acr-credential-provider"),
        route: acr_answer,
    };
    let metadata = StaticEndpoint::start(acr_answer);
    cloud.compete(rounds, env, |contestant, registry| {
        contestant
            .env("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.url())
            .env("REGCRED_ACR_MANAGED_IDENTITY", "system")
            .env("REGCRED_ACR_ENDPOINT", registry.url())
    });
}

/// A user's key signs one request to the registry.
pub(crate) fn ocir(rounds: usize, env: &Env) {
    let cloud = Cloud {
        title: "Oracle plugin",
        plugin: "ocir-credential-provider",
        image: "phx.ocir.io/axnamespace/team/app",
        peer: ("REGCRED_BENCH_OCIR_PEER", "credential-provider-oke"),
        route: ocir_answer,
    };
    // For the home directory with the key.
    let oci = FakeOci::start();
    let user = oci.env_with(&[("OCIR_AUTH_METHOD", "USER_PRINCIPAL")]);
    cloud.compete(rounds, env, |contestant, registry| {
        let user = user.iter();
        user.fold(contestant, |c, (name, value)| c.env(name, value))
            .env("REGCRED_OCIR_TOKEN_URL", registry.url())
    });
}

/// An API key at IAM.
pub(crate) fn icr(rounds: usize, env: &Env) {
    let cloud = Cloud {
        title: "IBM plugin",
        plugin: "icr-credential-provider",
        image: "us.icr.io/team/app",
        peer: ("REGCRED_BENCH_ICR_PEER", "icr-credential-provider"),
        route: icr_answer,
    };
    cloud.compete(rounds, env, |contestant, iam| {
        contestant
            .env("IBMCLOUD_API_KEY", "bench-secret")
            .env("IBMCLOUD_IAM_URL", iam.url())
    });
}

impl Cloud<'_> {
    fn compete(
        &self,
        rounds: usize,
        env: &Env,
        lead: impl Fn(Contestant, &StaticEndpoint) -> Contestant,
    ) {
        let tls = Tls::loopback();
        let bundle = bundle(&tls);
        let plain = StaticEndpoint::start(self.route);
        let secure = StaticEndpoint::start_tls(self.route, &tls);
        let request = request(self.image);
        for (scheme, endpoint) in [("http", &plain), ("https", &secure)] {
            let prepare = |name: &str, program| {
                lead(Contestant::new(name, program), endpoint)
                    .env("REGCRED_CACHE", "off")
                    .env("SSL_CERT_FILE", &bundle.to_string_lossy())
                    .stdin(&request)
            };
            let mut field = vec![prepare("ours, cold", built(self.plugin)), floor(&request)];
            let (variable, name) = self.peer;
            if let Some(peer) = peer(env, variable, name) {
                field.push(prepare(&format!("peer: {name}"), peer));
            }
            let (scores, notes) = compete(field, rounds);
            table::print(
                &format!("{}, {scheme} endpoint", self.title),
                &scores,
                &notes,
            );
        }
    }
}

fn acr_answer(request: &str) -> (&'static str, String) {
    let hours = |hours| (Clock::system().now() + TimeDelta::hours(hours)).timestamp();
    let body = if request.starts_with("GET") {
        json!({
            "access_token": web_token(&json!({"exp": hours(24)})),
            "expires_in": "86399",
            "expires_on": hours(24).to_string(),
            "token_type": "Bearer",
        })
    } else {
        json!({"refresh_token": web_token(&json!({"exp": hours(3)}))})
    };
    (JSON, body.to_string())
}

fn ocir_answer(_: &str) -> (&'static str, String) {
    let token = web_token(&json!({}));
    let body = json!({"token": token, "access_token": token, "expires_in": 3600});
    (JSON, body.to_string())
}

fn icr_answer(_: &str) -> (&'static str, String) {
    let end = Clock::system().now() + TimeDelta::hours(1);
    let body = json!({
        "access_token": web_token(&json!({})),
        "token_type": "Bearer",
        "expires_in": 3600,
        "expiration": end.timestamp(),
    });
    (JSON, body.to_string())
}

/// A token of the usual length with these claims, which nobody verifies.
fn web_token(claims: &Value) -> String {
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("e30.{claims}.{}", Seeded::new(0xbe).word(1_100))
}

const JSON: &str = "content-type: application/json\r\n";
