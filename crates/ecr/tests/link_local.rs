//! The metadata services' real addresses, in a network namespace of its own: the instance's, ECS's
//! and EKS's, on IPv4 and IPv6, with a proxy in the environment that must see none of them; and a
//! machine where nobody answers there.
//!
//! A test starts this test program again inside a namespace (`unshare`, `ip`), where the test of the
//! same name with `inside_` in front runs. Where namespaces are not allowed it says so and ends;
//! with `CI` set it fails instead.

use std::net::TcpListener;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError};
use regcred_ecr::Ecr;
use regcred_exec::Exec;
use tokio::time::Instant;
use wiremock::matchers::{header, header_exists, header_regex, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn every_metadata_address_is_asked_directly() {
    let addresses = "169.254.169.254/32 169.254.170.2/32 169.254.170.23/32";
    let setup = format!(
        "ip link set lo up && for a in {addresses}; do ip addr add $a dev lo || exit 1; done && \
         ip -6 addr add fd00:ec2::254/128 dev lo && ip -6 addr add fd00:ec2::23/128 dev lo"
    );
    in_namespace(&setup, "inside_every_metadata_address_is_asked_directly").await;
}

#[tokio::test]
#[ignore = "needs a namespace; every_metadata_address_is_asked_directly runs it"]
async fn inside_every_metadata_address_is_asked_directly() {
    let dir = tempfile::tempdir().expect("dir");
    let token = dir.path().join("token");
    std::fs::write(&token, "pod-token\n").expect("file");
    let token = token.to_str().expect("text");
    const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
    const FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
    let instance = [
        instance("169.254.169.254:80").await,
        instance("[fd00:ec2::254]:80").await,
    ];
    let ecs = agent("169.254.170.2:80", "/v2/credentials/1").await;
    let eks = [
        agent("169.254.170.23:80", "/v1/credentials").await,
        agent("[fd00:ec2::23]:80", "/v1/credentials").await,
    ];
    for (server, vars) in [
        (&instance[0], &[][..]),
        (
            &instance[1],
            &[("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6")],
        ),
        (
            &ecs,
            &[(
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "/v2/credentials/1",
            )],
        ),
        (
            &eks[0],
            &[
                (FULL, "http://169.254.170.23/v1/credentials"),
                (FILE, token),
            ],
        ),
        (
            &eks[1],
            &[
                (FULL, "http://[fd00:ec2::23]/v1/credentials"),
                (FILE, token),
            ],
        ),
    ] {
        let api = api(&server.address().to_string()).await;
        let vars = vars
            .iter()
            .copied()
            .chain([("AWS_ENDPOINT_URL_ECR", api.as_str())]);
        let issued = ask(vars).await.expect("token");
        assert_eq!(issued.auth[0].1.username, "AWS");
    }
}

#[tokio::test]
async fn a_machine_without_metadata_is_told_in_two_seconds() {
    for setup in [
        // Packets vanish, as behind many firewalls.
        "ip link add void type veth peer name end && ip link set void up && ip link set end up && \
         ip route add 169.254.0.0/16 dev void && \
         ip neigh add 169.254.169.254 lladdr 02:00:00:00:00:01 dev void",
        // There is no way at all.
        "true",
    ] {
        in_namespace(
            setup,
            "inside_a_machine_without_metadata_is_told_in_two_seconds",
        )
        .await;
    }
}

// The clock stands still and goes on to the next moment that something waits for: what is counted
// is the waiting, however loaded the machine is.
#[tokio::test(start_paused = true)]
#[ignore = "needs a namespace; a_machine_without_metadata_is_told_in_two_seconds runs it"]
async fn inside_a_machine_without_metadata_is_told_in_two_seconds() {
    let began = Instant::now();
    let error = ask([]).await.expect_err("nobody is there");
    let took = began.elapsed();
    assert!(took < Duration::from_millis(2500), "{took:?}");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let text = regcred_core::report(&error);
    for part in [
        "environment keys",
        "container credentials",
        "http://169.254.169.254: ",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

/// Asks in an environment with these variables and a proxy that nobody may use.
async fn ask(vars: impl IntoIterator<Item = (&str, &str)>) -> Result<Issued, ProviderError> {
    let env = Env::map([
        ("HTTP_PROXY", PROXY),
        ("http_proxy", PROXY),
        ("HTTPS_PROXY", PROXY),
    ]);
    let request = CredentialRequest::new("123456789012.dkr.ecr.eu-west-1.amazonaws.com/a");
    let ecr = Ecr::new(&env.with(vars), &Clock::system()).expect("sound");
    ecr.credentials(&request.expect("image")).await
}

async fn listen(address: &str) -> MockServer {
    let listener = TcpListener::bind(address).expect("an address of the namespace");
    MockServer::builder().listener(listener).start().await
}

/// Instance metadata; the key that it gives out is named after its address.
async fn instance(address: &str) -> MockServer {
    const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    let server = listen(address).await;
    let token = ResponseTemplate::new(200)
        .set_body_string("session")
        .insert_header(TTL, "21600");
    Mock::given(method("PUT"))
        .and(path("/latest/api/token"))
        .and(header_exists(TTL))
        .respond_with(token)
        .mount(&server)
        .await;
    let role = "/latest/meta-data/iam/security-credentials/";
    for (at, body) in [
        (role.to_owned(), "node".to_owned()),
        (format!("{role}node"), keys(&server)),
    ] {
        Mock::given(method("GET"))
            .and(path(at))
            .and(header("x-aws-ec2-metadata-token", "session"))
            .respond_with(ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
    }
    server
}

/// A container's agent: ECS's takes no token, EKS's takes the file's.
async fn agent(address: &str, at: &str) -> MockServer {
    let server = listen(address).await;
    let mut mock = Mock::given(method("GET")).and(path(at));
    if at.starts_with("/v1/") {
        mock = mock.and(header("authorization", "pod-token"));
    }
    let answer = ResponseTemplate::new(200).set_body_string(keys(&server));
    mock.respond_with(answer).mount(&server).await;
    server
}

fn keys(server: &MockServer) -> String {
    let id = key_id(&server.address().to_string());
    format!(
        r#"{{"Code":"Success","LastUpdated":"2024-01-01T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":"{id}","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}}"#
    )
}

fn key_id(address: &str) -> String {
    address
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { 'X' })
        .collect()
}

/// The ECR API on loopback, for requests signed with the key of the metadata server at `address`.
async fn api(address: &str) -> String {
    let server = listen("127.0.0.1:0").await;
    let token = STANDARD.encode("AWS:password");
    let body = format!(r#"{{"authorizationData":[{{"authorizationToken":"{token}"}}]}}"#);
    Mock::given(method("POST"))
        .and(header_regex(
            "authorization",
            &format!("Credential={}/", key_id(address)),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_string(body))
        .mount(&server)
        .await;
    let url = server.uri();
    // Until the end of this test's own process.
    std::mem::forget(server);
    url
}

/// Runs one ignored test of this program in a fresh network namespace.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
async fn in_namespace(setup: &str, test: &str) {
    let probe = unshared(&format!("({setup}) >&2")).run().await;
    if let Err(error) = probe {
        let required = Env::process().is_true("CI");
        assert!(!required, "network namespaces are needed here: {error}");
        eprintln!("SKIPPED: no network namespace here: {error}");
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let program = program.to_str().expect("UTF-8");
    let command = format!("({setup}) && exec {program} --exact {test} --ignored --nocapture 2>&1");
    let output = unshared(&command).run().await;
    let output = output.unwrap_or_else(|error| panic!("{test}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}");
}

fn unshared(command: &str) -> Exec {
    Exec::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", command])
        .deadline(Duration::from_secs(120))
}

const PROXY: &str = "http://127.0.0.1:1";
