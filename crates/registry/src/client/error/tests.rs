use regcred_core::report;

use super::*;
use crate::client::error_body::ServerErrors;

fn object(part: Part) -> Object {
    Object::pulled("gcr.io/p/app".to_owned(), part)
}

fn status(part: Part, code: u16, body: &str) -> RegistryError {
    let reason = Reason::Status(FailedResponse {
        host: "gcr.io".to_owned(),
        status: StatusCode::from_u16(code).ok(),
        errors: ServerErrors::parse(body.as_bytes()),
        ..FailedResponse::default()
    });
    RegistryError::new(&object(part), reason)
}

fn tag() -> Part {
    Part::Manifest("v1".to_owned())
}

#[test]
fn operators_recognise_the_lines() {
    for (code, body, expected) in [
        (
            401,
            r#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#,
            "pull access denied for gcr.io/p/app, repository does not exist or may require \
             authorization: gcr.io answered 401 Unauthorized: unauthorized: authentication required",
        ),
        (
            403,
            r#"{"errors":[{"code":"DENIED","message":"Permission denied"}]}"#,
            "pull access denied for gcr.io/p/app, repository does not exist or may require \
             authorization: gcr.io answered 403 Forbidden: denied: Permission denied",
        ),
        (
            404,
            "",
            "manifest for gcr.io/p/app:v1 not found: manifest unknown",
        ),
        (
            404,
            r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository"}]}"#,
            "manifest for gcr.io/p/app:v1 not found: name unknown: no such repository",
        ),
        (
            429,
            r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"rate limit"}]}"#,
            "too many requests to gcr.io for gcr.io/p/app:v1: 429 Too Many Requests: \
             toomanyrequests: rate limit",
        ),
        (
            500,
            "<html>",
            "cannot fetch gcr.io/p/app:v1: gcr.io answered 500 Internal Server Error: a web page, as \
             of a proxy or a login page",
        ),
    ] {
        assert_eq!(status(tag(), code, body).to_string(), expected);
    }
}

#[test]
fn without_a_login_only_refusals_may_be_cured_by_another_credential() {
    for (code, curable, refused, kind) in [
        (400, false, false, ErrorKind::Denied),
        (401, true, true, ErrorKind::Denied),
        (403, true, true, ErrorKind::Denied),
        (404, true, false, ErrorKind::Denied),
        (429, true, false, ErrorKind::Throttled),
        (500, false, false, ErrorKind::Unreachable),
        (503, false, false, ErrorKind::Unreachable),
    ] {
        let error = status(tag(), code, "");
        assert_eq!(error.is_curable_by_credential(), curable, "{code}");
        assert_eq!(error.credential_refused(), refused, "{code}");
        assert_eq!(error.kind(), kind, "{code}");
        assert_eq!(error.status().map(|s| s.as_u16()), Some(code));
    }
}

#[test]
fn after_a_login_every_answer_may_be_cured_by_another_credential() {
    for code in [
        400, 401, 403, 404, 405, 406, 410, 418, 422, 429, 451, 500, 502, 503,
    ] {
        let error = status(tag(), code, "").after_login(Some(true));
        assert!(error.is_curable_by_credential(), "{code}");
        let refused = matches!(code, 400 | 401 | 403);
        assert_eq!(error.credential_refused(), refused, "{code}");
    }
}

#[test]
fn a_refused_login_names_the_token_server() {
    let reason = Reason::TokenServer(TokenRefusal {
        response: FailedResponse {
            host: "auth.docker.io".to_owned(),
            status: Some(StatusCode::UNAUTHORIZED),
            errors: ServerErrors::parse(br#"{"details":"incorrect username or password"}"#),
            ..FailedResponse::default()
        },
        anonymous: false,
    });
    let error = RegistryError::new(&object(tag()), reason);
    assert_eq!(
        error.to_string(),
        "failed to authorize gcr.io/p/app:v1: unauthorized: auth.docker.io answered 401 \
         Unauthorized to the login: incorrect username or password"
    );
    assert!(error.is_curable_by_credential() && error.credential_refused());
}

#[test]
fn failures_on_this_side_are_no_matter_of_credentials() {
    let error = RegistryError::local("gcr.io/p/app:v1", "no space left")
        .caused_by(std::io::Error::other("disk full"));
    assert_eq!(report(&error), "gcr.io/p/app:v1: no space left: disk full");
    assert!(!error.is_curable_by_credential() && !error.credential_refused());
}

#[test]
fn a_quota_is_not_a_refused_credential() {
    let body = r#"{"errors":[{"code":"DENIED","message":"Your account has exceeded its pull traffic quota for the current month."}]}"#;
    let error = status(tag(), 403, body);
    assert!(!error.credential_refused());
    assert!(
        error.to_string().contains("the credential is good"),
        "{error}"
    );
}
