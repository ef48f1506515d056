//! One run of the plugins of Amazon and Google, from process start to exit, against a static local endpoint.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use regcred_core::{Clock, Env};
use regcred_tests::Tls;
use regcred_tests::need::find;
use regcred_tests::program::built;
use regcred_tests::seeded::Seeded;
use regcred_tests::static_endpoint::StaticEndpoint;
use serde_json::json;

use crate::contest::{Contestant, compete};
use crate::table;

/// ECR over http and https, cold and from the cache.
pub(crate) fn ecr(rounds: usize, env: &Env) {
    let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
    let image = format!("{host}/team/app");
    let tls = Tls::loopback();
    let bundle = bundle(&tls);
    let bundle = bundle.to_string_lossy();
    let plain = StaticEndpoint::start(ecr_answer);
    let secure = StaticEndpoint::start_tls(ecr_answer, &tls);
    for (scheme, endpoint) in [("http", &plain), ("https", &secure)] {
        let prepare = |name: &str, program: PathBuf| {
            Contestant::new(name, program)
                .env("AWS_ENDPOINT_URL_ECR", endpoint.url())
                .env("AWS_ENDPOINT_URL_ECR_PUBLIC", endpoint.url())
                .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
                .env("AWS_SECRET_ACCESS_KEY", "bench-secret")
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .env("AWS_ECR_DISABLE_CACHE", "1")
                .env("AWS_CA_BUNDLE", &bundle)
                .env("SSL_CERT_FILE", &bundle)
        };
        let request = request(&image);
        let warm = tempfile::tempdir().expect("a directory");
        let warm = warm.path().join("cache");
        let mut field = vec![
            prepare("ours, cold", built("ecr-credential-provider")).stdin(&request),
            prepare("ours, warm cache", built("ecr-credential-provider"))
                .env("REGCRED_CACHE", &warm.to_string_lossy())
                .stdin(&request),
            floor(&request),
        ];
        if let Some(peer) = peer(env, "REGCRED_BENCH_ECR_PEER", "ecr-credential-provider") {
            field.push(prepare("peer: ecr-credential-provider", peer).stdin(&request));
        }
        let variable = "REGCRED_BENCH_ECR_HELPER_PEER";
        if let Some(peer) = peer(env, variable, "docker-credential-ecr-login") {
            let peer = prepare("peer: docker-credential-ecr-login", peer);
            field.push(peer.args(["get"]).stdin(host));
        }
        let (scores, notes) = compete(field, rounds);
        table::print(&format!("ECR plugin, {scheme} endpoint"), &scores, &notes);
    }
}

/// Google's metadata server, plain http as always.
pub(crate) fn gcr(rounds: usize, env: &Env) {
    let image = "us-docker.pkg.dev/demo-project/team/app";
    let endpoint = StaticEndpoint::start(gce_answer);
    let prepare = |name: &str, program: PathBuf| {
        Contestant::new(name, program)
            .env("GCE_METADATA_HOST", endpoint.authority())
            .env("REGCRED_CACHE", "off")
    };
    let request = request(image);
    let mut field = vec![
        prepare("ours, cold", built("gcr-credential-provider")).stdin(&request),
        floor(&request),
    ];
    if let Some(peer) = peer(env, "REGCRED_BENCH_GCR_PEER", "auth-provider-gcp") {
        // It asks a name, and no variable leads it elsewhere but that of a proxy.
        let peer = prepare("peer: auth-provider-gcp", peer).env("HTTP_PROXY", endpoint.url());
        field.push(peer.args(["get-credentials"]).stdin(&request));
    }
    let (scores, notes) = compete(field, rounds);
    table::print("Google plugin, metadata server", &scores, &notes);
}

pub(crate) fn floor(request: &str) -> Contestant {
    Contestant::new("floor: an empty process", built("bench-floor")).stdin(request)
}

/// A program of other people: by the variable, or by its name on `PATH`.
pub(crate) fn peer(env: &Env, variable: &str, name: &str) -> Option<PathBuf> {
    env.path(variable).or_else(|| find(name))
}

/// The machine's own roots and the endpoint's, in one file: what a client on a node must read.
pub(crate) fn bundle(tls: &Tls) -> PathBuf {
    let mut all = std::fs::read(SYSTEM_ROOTS).unwrap_or_default();
    all.extend(std::fs::read(tls.ca_file()).expect("our own file"));
    let file = tls.directory().join("bundle.crt");
    std::fs::write(&file, all).expect("our own directory");
    file
}

pub(crate) fn request(image: &str) -> String {
    json!({
        "kind": "CredentialProviderRequest",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "image": image,
    })
    .to_string()
}

fn ecr_answer(_: &str) -> (&'static str, String) {
    let password = Seeded::new(0xbe).word(1_700);
    let expires = Clock::system().now() + TimeDelta::hours(12);
    let data = json!({
        "authorizationToken": STANDARD.encode(format!("AWS:{password}")),
        "expiresAt": expires.timestamp(),
        "proxyEndpoint": "https://123456789012.dkr.ecr.us-east-1.amazonaws.com",
    });
    let body = json!({ "authorizationData": [data] }).to_string();
    ("content-type: application/x-amz-json-1.1\r\n", body)
}

fn gce_answer(request: &str) -> (&'static str, String) {
    let headers = "content-type: application/json\r\nmetadata-flavor: Google\r\n";
    if request.contains("/email") {
        let plain = "content-type: application/text\r\nmetadata-flavor: Google\r\n";
        return (plain, "node@demo.iam.gserviceaccount.com".to_owned());
    }
    let token = format!("ya29.{}", Seeded::new(0xbe).word(180));
    let body = json!({"access_token": token, "expires_in": 3599, "token_type": "Bearer"});
    (headers, body.to_string())
}

const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";
