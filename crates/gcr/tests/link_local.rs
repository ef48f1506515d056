//! The metadata server's real address, 169.254.169.254, in a network namespace of its own: once
//! with a server there, once where packets to it vanish, once without a route to it.

use regcred_core::{Clock, CredentialRequest, Env, ErrorKind, Issued, Provider, ProviderError};
use regcred_gcr::Gcr;
use regcred_http_testing::{Fake, Reply};
use regcred_tests::namespace::{SILENT_LINK, run_inside};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

#[test]
fn the_default_address_is_asked() {
    run_inside(
        "ip addr add 169.254.169.254/32 dev lo",
        "inside_the_default_address_is_asked",
    );
}

#[tokio::test]
#[ignore = "needs a namespace; the_default_address_is_asked runs it"]
async fn inside_the_default_address_is_asked() {
    let listener = TcpListener::bind("169.254.169.254:80").await;
    let server = Fake::on(listener.expect("address of the namespace"), None, |_| {
        Reply::json(
            200,
            &json!({"access_token": "link-token", "expires_in": 3600}),
        )
        .header("Metadata-Flavor", "Google")
    });
    let issued = ask().await.expect("token");
    assert_eq!(issued.auth[0].1.username, "_token");
    assert_eq!(issued.auth[0].1.password.expose_secret(), "link-token");
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let line = "GET /computeMetadata/v1/instance/service-accounts/default/token";
    assert_eq!(seen[0].line(), line);
    assert_eq!(seen[0].header("metadata-flavor"), Some("Google"));
}

#[test]
fn a_machine_without_the_address_learns_so_within_a_second() {
    for setup in [SILENT_LINK, "true"] {
        run_inside(
            setup,
            "inside_a_machine_without_the_address_learns_so_within_a_second",
        );
    }
}

// The clock is paused and advances to the next timer: what counts is the time that the provider
// decides to wait, however loaded the machine is.
#[tokio::test(start_paused = true)]
#[ignore = "needs a namespace; a_machine_without_the_address_learns_so_within_a_second runs it"]
async fn inside_a_machine_without_the_address_learns_so_within_a_second() {
    let began = Instant::now();
    let error = ask().await.expect_err("no server is there");
    assert!(began.elapsed().as_secs() <= 1, "{:?}", began.elapsed());
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
