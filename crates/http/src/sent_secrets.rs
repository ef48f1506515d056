//! The secrets of a request, taken out of the body of its refusal: some servers repeat what they refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::form_urlencoded;

use crate::request::Request;

/// The secrets that a request has sent.
#[derive(Default)]
pub(crate) struct SentSecrets(Vec<SecretString>);

impl SentSecrets {
    /// The secret headers, without the name of the scheme; of a login in `Basic` the password; the secret
    /// fields of a form, and the long texts of a secret body in JSON.
    pub(crate) fn of(request: &Request) -> Self {
        let headers = request
            .headers
            .values()
            .filter(|value| value.is_sensitive());
        let headers = headers.filter_map(|value| value.to_str().ok());
        let mut found: Vec<SecretString> = headers.flat_map(of_header).collect();
        found.extend(request.form_secrets.iter().cloned());
        if request.has_secret_body()
            && let Some(bytes) = request.body.as_bytes()
            && let Ok(value) = serde_json::from_slice(bytes)
        {
            of_json(&value, &mut found);
        }
        found.retain(|secret| secret.expose_secret().len() >= SHORTEST);
        // A secret may be a part of another one.
        found.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self(found)
    }

    /// The body without them: as they are, in base64, and as a form and JSON write them.
    pub(crate) fn hide(&self, body: Bytes) -> Bytes {
        let mut hidden = body;
        for secret in &self.0 {
            let secret = secret.expose_secret();
            let json = Value::from(secret).to_string();
            let forms = [
                secret.to_owned(),
                STANDARD.encode(secret),
                form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
                json.trim_matches('"').to_owned(),
            ];
            for form in forms {
                hidden = replaced(hidden, form.as_bytes());
            }
        }
        hidden
    }
}

fn of_header(value: &str) -> Vec<SecretString> {
    let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
    let login = STANDARD
        .decode(rest)
        .ok()
        .filter(|_| scheme.eq_ignore_ascii_case("basic"));
    let login = login.and_then(|login| String::from_utf8(login).ok());
    let password = login.and_then(|login| Some(login.split_once(':')?.1.into()));
    password.into_iter().chain([rest.into()]).collect()
}

/// Texts that may be tokens: an address or an audience is not one.
fn of_json(value: &Value, found: &mut Vec<SecretString>) {
    match value {
        Value::String(text) => {
            let is_address = text.contains(':') || text.starts_with('/');
            if text.len() >= SHORTEST_IN_JSON && !is_address {
                found.push(text.as_str().into());
            }
        }
        Value::Array(items) => items.iter().for_each(|item| of_json(item, found)),
        Value::Object(members) => members.values().for_each(|member| of_json(member, found)),
        _ => {}
    }
}

fn replaced(body: Bytes, secret: &[u8]) -> Bytes {
    let mut rest = &body[..];
    let mut shown = Vec::new();
    while let Some(at) = rest
        .windows(secret.len())
        .position(|window| window == secret)
    {
        shown.extend_from_slice(&rest[..at]);
        shown.extend_from_slice(HIDDEN);
        rest = &rest[at + secret.len()..];
    }
    if shown.is_empty() && rest.len() == body.len() {
        return body;
    }
    shown.extend_from_slice(rest);
    shown.into()
}

/// A shorter text is a word that an answer may contain.
const SHORTEST: usize = 6;
const SHORTEST_IN_JSON: usize = 20;
const HIDDEN: &[u8] = b"[secret]";

#[cfg(test)]
mod tests {
    use regcred_core::Credentials;

    use super::*;
    use crate::FormValue::{Secret, Text};

    fn hidden(request: &Request, body: &str) -> String {
        let body = SentSecrets::of(request).hide(Bytes::from(body.to_owned()));
        String::from_utf8(body.to_vec()).expect("text")
    }

    #[test]
    fn what_was_sent_is_hidden_in_every_form() {
        let secret = SecretString::from("c4n4ry/\"+key");
        let form = Request::post("https://h/").form(&[
            ("grant_type", Text("client_credentials")),
            ("client_secret", Secret(&secret)),
        ]);
        let body = "client_credentials: c4n4ry/\"+key, c4n4ry%2F%22%2Bkey, c4n4ry/\\\"+key, YzRuNHJ5LyIra2V5";
        assert_eq!(
            hidden(&form, body),
            "client_credentials: [secret], [secret], [secret], [secret]"
        );
        let basic = Request::get("https://h/").basic(&Credentials::new("alice", "c4n4ry!"));
        let encoded = STANDARD.encode("alice:c4n4ry!");
        let body = format!("{encoded} of alice with c4n4ry!");
        assert_eq!(hidden(&basic, &body), "[secret] of alice with [secret]");
        let bearer = Request::get("https://h/").bearer(&"t0ken-c4n4ry".into());
        assert_eq!(hidden(&bearer, "Bearer t0ken-c4n4ry"), "Bearer [secret]");
        let json = serde_json::json!({"audience": "//iam.googleapis.com/projects/1", "subjectToken": "c4n4ry-c4n4ry-c4n4ry"});
        let json = Request::post("https://h/").json(&json).secret_body();
        let body = "c4n4ry-c4n4ry-c4n4ry is not for //iam.googleapis.com/projects/1";
        assert_eq!(
            hidden(&json, body),
            "[secret] is not for //iam.googleapis.com/projects/1"
        );
        let short = Request::get("https://h/").bearer(&"no".into());
        assert_eq!(hidden(&short, "no such user"), "no such user");
    }
}
