//! The metadata server's real address, 169.254.169.254, in a network namespace of its own: once
//! with a server there, once where packets to it vanish, once where there is no way to it.
//!
//! Each test starts this test program again inside a namespace (`unshare`, `ip`), where the test of
//! the same name with `inside_` in front runs. Where namespaces are not allowed, a test says so and
//! ends; with `CI` set it fails instead.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use regcred_core::{Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError};
use regcred_exec::Exec;
use regcred_gcr::Gcr;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

#[tokio::test]
async fn the_default_address_is_asked() {
    in_namespace(
        "ip link set lo up && ip addr add 169.254.169.254/32 dev lo",
        "inside_the_default_address_is_asked",
    )
    .await;
}

#[tokio::test]
#[ignore = "needs a namespace; the_default_address_is_asked runs it"]
async fn inside_the_default_address_is_asked() {
    let listener = TcpListener::bind("169.254.169.254:80").expect("address of the namespace");
    let server = std::thread::spawn(move || serve(&listener));
    let issued = ask().await.expect("token");
    assert_eq!(issued.auth[0].1.username, "_token");
    assert_eq!(issued.auth[0].1.password.expose_secret(), "link-token");
    let request = server.join().expect("served");
    assert!(
        request.starts_with(
            "GET /computeMetadata/v1/instance/service-accounts/default/token HTTP/1.1\r\n"
        ),
        "{request}"
    );
    assert!(
        request
            .to_ascii_lowercase()
            .contains("\r\nmetadata-flavor: google\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn a_machine_without_the_address_is_told_quickly() {
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
            "inside_a_machine_without_the_address_is_told_quickly",
        )
        .await;
    }
}

// The clock stands still and goes on to the next moment that something waits for: what is counted
// is the waiting, however loaded the machine is.
#[tokio::test(start_paused = true)]
#[ignore = "needs a namespace; a_machine_without_the_address_is_told_quickly runs it"]
async fn inside_a_machine_without_the_address_is_told_quickly() {
    let began = Instant::now();
    let error = ask().await.expect_err("nobody is there");
    let took = began.elapsed();
    assert!(took < Duration::from_millis(1500), "{took:?}");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
    let shown = error.to_string();
    for part in ["169.254.169.254", "GOOGLE_APPLICATION_CREDENTIALS"] {
        assert!(shown.contains(part), "{shown}");
    }
}

async fn ask() -> Result<Issued, ProviderError> {
    // A proxy must never see the request.
    let env = Env::map([
        ("HOME", "/proc/none"),
        ("HTTP_PROXY", "http://192.0.2.1:3128"),
        ("http_proxy", "http://192.0.2.1:3128"),
    ]);
    let request = CredentialRequest::new("us-docker.pkg.dev/p/r/a").expect("image");
    let gcr = Gcr::new(&env, &Clock::system()).expect("defaults");
    gcr.credentials(&request).await
}

/// Answers one request with a token and gives the request's head.
fn serve(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().expect("a request");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    let body = r#"{"access_token":"link-token","expires_in":3600,"token_type":"Bearer"}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).expect("an answer");
    String::from_utf8(head).expect("ASCII")
}

/// Runs one ignored test of this program in a fresh network namespace.
#[expect(clippy::print_stdout, reason = "a test that is left out says so")]
async fn in_namespace(setup: &str, test: &str) {
    let probe = unshared(&format!("({setup}) >&2")).run().await;
    if let Err(error) = probe {
        let required = Env::process().get("CI").is_some();
        assert!(!required, "network namespaces are needed here: {error}");
        println!("skipped: no network namespace here: {error}");
        return;
    }
    let program = std::env::current_exe().expect("this program");
    let program = program.to_str().expect("UTF-8");
    let command = format!("({setup}) && exec {program} --exact {test} --ignored --nocapture");
    let output = unshared(&command)
        .run()
        .await
        .unwrap_or_else(|error| panic!("{test}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}");
}

fn unshared(command: &str) -> Exec {
    Exec::new("unshare")
        .args(["--map-root-user", "--net", "sh", "-c", command])
        .deadline(Duration::from_secs(120))
}
