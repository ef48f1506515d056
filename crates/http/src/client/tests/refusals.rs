//! What an error shows of a refusal.

use super::*;

#[tokio::test]
async fn a_server_that_repeats_what_it_was_sent_makes_no_error_that_shows_it() {
    let echo = Fake::start(|seen| {
        let sent = format!(
            "{} {}",
            seen.authorization().unwrap_or_default(),
            String::from_utf8_lossy(&seen.body)
        );
        Reply::new(400).body(serde_json::json!({ "message": sent }).to_string())
    })
    .await;
    let password = "c4n4ry/password".into();
    let request = Request::post(&echo.url("/"))
        .basic(&Credentials::new("alice", "c4n4ry-login"))
        .form(&[("password", crate::FormValue::Secret(&password))]);
    let response = client().send(request).await.expect("a response");
    let error = report(&response.into_error("login").await);
    assert!(
        error.contains("Basic [secret] password=[secret]"),
        "{error}"
    );
}
