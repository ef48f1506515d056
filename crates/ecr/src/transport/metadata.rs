//! What the SDK puts into its next request, checked before: it panics at a text that is neither a header's
//! value nor a part of an address. Of a token that is refused it does not report the status.

use regcred_http::StatusCode;

/// Whether a metadata service's answer to this address can be used.
///
/// # Errors
/// What it is not.
pub(super) fn check(address: &str, status: StatusCode, body: &[u8]) -> Result<(), String> {
    let path = address.split('?').next().unwrap_or_default();
    let is_token_path = path.ends_with(TOKEN_PATH);
    if !status.is_success() {
        return if is_token_path {
            Err(format!("{TOKEN_REFUSED}{status}"))
        } else {
            Ok(())
        };
    }
    let is_list = ROLE_LISTS.iter().any(|list| path.ends_with(list));
    if is_token_path && !is_token(body) {
        Err("the response is not a metadata token".to_owned())
    } else if is_list && !is_role(body.trim_ascii()) {
        Err("the response is not the name of a role".to_owned())
    } else {
        Ok(())
    }
}

fn is_token(body: &[u8]) -> bool {
    !body.is_empty() && body.iter().all(u8::is_ascii_graphic)
}

/// IAM's rule for names.
fn is_role(name: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(byte);
    (1..=64).contains(&name.len()) && name.iter().all(is_allowed)
}

/// Comes before the status.
pub(crate) const TOKEN_REFUSED: &str = "the request for a metadata token was answered ";
pub(super) const TOKEN_PATH: &str = "/latest/api/token";
const ROLE_LISTS: [&str; 2] = [
    "/iam/security-credentials/",
    "/iam/security-credentials-extended/",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_role_and_a_token_reach_the_sdk() {
        let roles = "http://h/latest/meta-data/iam/security-credentials/";
        for (body, is_one) in [
            ("my-role", true),
            ("my_role@x\n", true),
            ("", false),
            ("a role", false),
            ("one\ntwo", false),
            ("r\u{f6}le", false),
            ("<html>", false),
            ("a/b", false),
        ] {
            assert_eq!(
                check(roles, StatusCode::OK, body.as_bytes()).is_ok(),
                is_one,
                "{body:?}"
            );
        }
        let token = "http://h/latest/api/token";
        for (body, is_one) in [
            ("AQAE=", true),
            ("", false),
            ("a b", false),
            ("caf\u{e9}", false),
        ] {
            assert_eq!(
                check(token, StatusCode::OK, body.as_bytes()).is_ok(),
                is_one,
                "{body:?}"
            );
        }
        let region = "http://h/latest/meta-data/placement/region";
        assert_eq!(check(region, StatusCode::OK, b"<html>"), Ok(()));
        assert_eq!(check(roles, StatusCode::NOT_FOUND, b"a role"), Ok(()));
        let refused = check(token, StatusCode::FORBIDDEN, b"").expect_err("refused");
        assert!(refused.ends_with("answered 403 Forbidden"), "{refused}");
    }
}
