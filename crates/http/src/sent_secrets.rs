//! The secrets of a request: some servers repeat what they refuse, and no text for a person may have it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, header};
use regcred_core::{is_secret_name, know_secret};
use secrecy::zeroize::Zeroizing;
use serde_json::Value;

/// Knows the value of a secret header: of a login in `Authorization` without the name of the scheme, of
/// `Basic` also the password.
pub fn know_header(name: &HeaderName, value: &HeaderValue) {
    let Ok(value) = value.to_str() else {
        return;
    };
    let is_login = [header::AUTHORIZATION, header::PROXY_AUTHORIZATION].contains(name);
    let login = value.split_once(' ').filter(|_| is_login);
    let Some((scheme, login)) = login else {
        return know_secret(value);
    };
    know_secret(login);
    if scheme.eq_ignore_ascii_case("basic")
        && let Ok(login) = STANDARD.decode(login)
        && let Ok(login) = std::str::from_utf8(&Zeroizing::new(login))
        && let Some((_, password)) = login.split_once(':')
    {
        know_secret(password);
    }
}

/// Knows the secrets of a body in JSON, or of a form, by the names of their members: of a request that a
/// cloud's library made.
pub(crate) fn know_body(body: &[u8]) {
    match serde_json::from_slice(body) {
        Ok(value) => know_members("", &value),
        Err(_) => {
            for (name, value) in url::form_urlencoded::parse(body) {
                know_member(&name, &value);
            }
        }
    }
}

fn know_members(name: &str, value: &Value) {
    match value {
        Value::String(text) => know_member(name, text),
        Value::Array(items) => items.iter().for_each(|item| know_members(name, item)),
        Value::Object(members) => {
            for (name, member) in members {
                know_members(name, member);
            }
        }
        _ => {}
    }
}

fn know_member(name: &str, value: &str) {
    if is_secret_name(name) {
        know_secret(value);
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::{Credentials, plain};
    use secrecy::SecretString;

    use crate::FormValue::{Secret, Text};
    use crate::Request;

    fn hidden(text: &str) -> String {
        plain(text, 999)
    }

    #[test]
    fn what_a_request_sends_is_hidden_in_every_form() {
        let secret = SecretString::from("c4n4ry/\"+key");
        let _ = Request::post("https://h/").form(&[
            ("grant_type", Text("client_credentials")),
            ("client_secret", Secret(&secret)),
        ]);
        let body = "client_credentials: c4n4ry/\"+key, c4n4ry%2F%22%2Bkey, c4n4ry/\\\"+key, YzRuNHJ5LyIra2V5";
        let expected = "client_credentials: [secret], [secret], [secret], [secret]";
        assert_eq!(hidden(body), expected);
        let _ = Request::get("https://h/").basic(&Credentials::new("alice", "c4n4ry!"));
        let body = "YWxpY2U6YzRuNHJ5IQ== of alice with c4n4ry!";
        assert_eq!(hidden(body), "[secret] of alice with [secret]");
        let _ = Request::get("https://h/").bearer(&"t0ken-c4n4ry".into());
        assert_eq!(hidden("Bearer t0ken-c4n4ry"), "Bearer [secret]");
        let _ = Request::get("https://h/").secret_header("x-c", &"a b c 1 2 3".into());
        assert_eq!(hidden("x a b c 1 2 3"), "x [secret]");
    }

    #[test]
    fn of_a_librarys_body_what_has_the_name_of_a_secret_is_hidden() {
        let json = serde_json::json!({"audience": "//iam.googleapis.com/projects/1", "a": [{"subjectToken": "c4n4ry-1"}]});
        let _ = Request::post("https://h/").json(&json).secret_body();
        let form = "Action=AssumeRoleWithWebIdentity&WebIdentityToken=c4n4ry%2D2";
        let _ = Request::post("https://h/")
            .body(form.to_owned())
            .secret_body();
        let body =
            "c4n4ry-1, c4n4ry-2: AssumeRoleWithWebIdentity of //iam.googleapis.com/projects/1";
        let expected =
            "[secret], [secret]: AssumeRoleWithWebIdentity of //iam.googleapis.com/projects/1";
        assert_eq!(hidden(body), expected);
    }
}
