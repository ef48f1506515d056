//! The metadata services' real addresses, in a network namespace of its own: the instance's, ECS's
//! and EKS's, on IPv4 and IPv6, with a proxy in the environment that must see none of them; and a
//! machine without these services.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError};
use regcred_ecr::Ecr;
use regcred_http_testing::{Fake, Reply, Seen};
use regcred_tests::namespace::{SILENT_LINK, run_inside};
use tokio::net::TcpListener;
use tokio::time::Instant;

#[test]
fn every_metadata_address_is_asked_directly() {
    let addresses = "169.254.169.254/32 169.254.170.2/32 169.254.170.23/32";
    let setup = format!(
        "for a in {addresses}; do ip addr add $a dev lo || exit 1; done && \
         for a in fd00:ec2::254/128 fd00:ec2::23/128; do ip -6 addr add $a dev lo nodad || exit 1; done"
    );
    run_inside(&setup, "inside_every_metadata_address_is_asked_directly");
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
    const INSTANCE: [&str; 2] = ["169.254.169.254:80", "[fd00:ec2::254]:80"];
    const ECS: &str = "169.254.170.2:80";
    const EKS: [&str; 2] = ["169.254.170.23:80", "[fd00:ec2::23]:80"];
    let _servers = [
        serve(INSTANCE[0], instance).await,
        serve(INSTANCE[1], instance).await,
        serve(ECS, ecs).await,
        serve(EKS[0], eks).await,
        serve(EKS[1], eks).await,
    ];
    for (server, vars) in [
        (INSTANCE[0], &[][..]),
        (
            INSTANCE[1],
            &[("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "IPv6")],
        ),
        (
            ECS,
            &[(
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "/v2/credentials/1",
            )],
        ),
        (
            EKS[0],
            &[
                (FULL, "http://169.254.170.23/v1/credentials"),
                (FILE, token),
            ],
        ),
        (
            EKS[1],
            &[
                (FULL, "http://[fd00:ec2::23]/v1/credentials"),
                (FILE, token),
            ],
        ),
    ] {
        let api = api(server).await;
        let url = api.url("");
        let vars = vars.iter().copied();
        let vars = vars.chain([("AWS_ENDPOINT_URL_ECR", url.as_str())]);
        let issued = ask(vars).await.expect("token");
        assert_eq!(issued.auth[0].1.username, "AWS");
    }
}

#[test]
fn a_machine_without_metadata_finds_out_in_half_a_second() {
    for setup in [SILENT_LINK, "true"] {
        run_inside(
            setup,
            "inside_a_machine_without_metadata_finds_out_in_half_a_second",
        );
    }
}

// The clock is paused and jumps to the next moment that something waits for: what is counted is
// the waiting, however loaded the machine is.
#[tokio::test(start_paused = true)]
#[ignore = "needs a namespace; a_machine_without_metadata_finds_out_in_half_a_second runs it"]
async fn inside_a_machine_without_metadata_finds_out_in_half_a_second() {
    let began = Instant::now();
    let error = ask([]).await.expect_err("no such service");
    assert!(began.elapsed().as_millis() <= 600, "{:?}", began.elapsed());
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

/// Asks in an environment with these variables and a proxy that must not be used.
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

async fn serve(address: &'static str, script: fn(&str, &Seen) -> Reply) -> Fake {
    let listener = TcpListener::bind(address).await;
    let listener = listener.expect("an address of the namespace");
    Fake::on(listener, None, move |seen| script(address, seen))
}

/// Instance metadata.
fn instance(address: &str, seen: &Seen) -> Reply {
    const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
    const ROLE: &str = "/latest/meta-data/iam/security-credentials/";
    if seen.line() == "PUT /latest/api/token" && seen.header(TTL).is_some() {
        return Reply::ok("session").header(TTL, "21600");
    }
    let known = seen.header("x-aws-ec2-metadata-token") == Some("session");
    match seen.path.strip_prefix(ROLE) {
        Some("") if known => Reply::ok("node"),
        Some("node") if known => keys(address),
        _ => Reply::new(404),
    }
}

/// ECS's agent, which takes no token.
fn ecs(address: &str, seen: &Seen) -> Reply {
    match seen.line().as_str() {
        "GET /v2/credentials/1" => keys(address),
        _ => Reply::new(404),
    }
}

/// EKS's agent, which takes the file's token.
fn eks(address: &str, seen: &Seen) -> Reply {
    match seen.line().as_str() {
        "GET /v1/credentials" if seen.authorization() == Some("pod-token") => keys(address),
        _ => Reply::new(404),
    }
}

/// Keys named after the address of the service that issues them.
fn keys(address: &str) -> Reply {
    let id = key_id(address);
    Reply::ok(format!(
        r#"{{"Code":"Success","LastUpdated":"2024-01-01T00:00:00Z","Type":"AWS-HMAC","AccessKeyId":"{id}","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}}"#
    ))
}

fn key_id(address: &str) -> String {
    address
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { 'X' })
        .collect()
}

/// The ECR API on loopback, for requests signed with the key of the service at `address`.
async fn api(address: &str) -> Fake {
    let signer = format!("Credential={}/", key_id(address));
    let token = STANDARD.encode("AWS:password");
    let body = format!(r#"{{"authorizationData":[{{"authorizationToken":"{token}"}}]}}"#);
    Fake::start(move |seen| {
        if seen
            .authorization()
            .is_some_and(|header| header.contains(&signer))
        {
            Reply::ok(body.clone())
        } else {
            Reply::new(403)
        }
    })
    .await
}

const PROXY: &str = "http://127.0.0.1:1";
