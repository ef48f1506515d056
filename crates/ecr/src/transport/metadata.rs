//! What the SDK puts into its next request, checked before: it panics at a text that is neither a header's
//! value nor a part of an address.

/// Whether a metadata service's answer to this address can be used.
///
/// # Errors
/// What it is not.
pub(super) fn check(address: &str, body: &[u8]) -> Result<(), &'static str> {
    let path = address.split('?').next().unwrap_or_default();
    if path.ends_with(TOKEN_PATH) && !is_token(body) {
        return Err("the response is not a metadata token");
    }
    let is_list = ROLE_LISTS.iter().any(|list| path.ends_with(list));
    if is_list && !is_role(body.trim_ascii()) {
        return Err("the response is not the name of a role");
    }
    Ok(())
}

fn is_token(body: &[u8]) -> bool {
    !body.is_empty() && body.iter().all(u8::is_ascii_graphic)
}

/// IAM's rule for names.
fn is_role(name: &[u8]) -> bool {
    let is_allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(byte);
    (1..=64).contains(&name.len()) && name.iter().all(is_allowed)
}

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
            assert_eq!(check(roles, body.as_bytes()).is_ok(), is_one, "{body:?}");
        }
        let token = "http://h/latest/api/token";
        for (body, is_one) in [
            ("AQAE=", true),
            ("", false),
            ("a b", false),
            ("caf\u{e9}", false),
        ] {
            assert_eq!(check(token, body.as_bytes()).is_ok(), is_one, "{body:?}");
        }
        assert_eq!(
            check("http://h/latest/meta-data/placement/region", b"<html>"),
            Ok(())
        );
    }
}
