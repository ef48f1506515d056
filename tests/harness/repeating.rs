//! A server that repeats what it was sent, as some do when they refuse it: in the members of its JSON that
//! clients show, in headers, and on a page.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::canary::with_small_digits;
use crate::server::{Reply, Seen, Server, lock};

/// The server. Dropping it ends it.
pub struct Repeating {
    server: Server,
    repeated: Arc<Mutex<BTreeSet<String>>>,
}

/// What a registry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// A user name and a password.
    Login,
    /// A token, which it issues for them.
    Token,
}

/// How it repeats what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// As an error in JSON, with this status.
    Json(u16),
    /// As a `Status` of Kubernetes.
    Status(u16),
    /// As a web page, with this status.
    Page(u16),
    /// As plain text, with this status.
    Text(u16),
}

/// The ways of a cloud.
pub const REPEATS: [Repeats; 5] = [
    Repeats::Json(401),
    Repeats::Json(400),
    Repeats::Json(503),
    Repeats::Page(403),
    Repeats::Text(404),
];

impl Repeating {
    /// Starts a server that refuses every request.
    #[must_use]
    pub fn start(repeats: Repeats) -> Self {
        Self::unless(repeats, |_| None)
    }

    /// Starts a registry that asks for a login, or for a token of its own, and refuses what it then gets.
    #[must_use]
    pub fn registry(repeats: Repeats, asks: Asks) -> Self {
        Self::unless(repeats, move |request| {
            let is_anonymous = request.authorization().is_none();
            let host = request.header("host").unwrap_or_default();
            let challenge = match asks {
                Asks::Login => "Basic realm=\"r\"".to_owned(),
                Asks::Token => format!("Bearer realm=\"http://{host}/token\",service=\"s\""),
            };
            if request.path == "/token" && !is_anonymous {
                return Some(Reply::json(200, &json!({ "token": TOKEN })));
            }
            is_anonymous.then(|| Reply::new(401).header("www-authenticate", challenge))
        })
    }

    fn unless(
        repeats: Repeats,
        other: impl Fn(&Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let repeated: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let known = Arc::clone(&repeated);
        let server = Server::start(move |request: &Seen| {
            let secrets = secrets(request);
            let reply = other(request).unwrap_or_else(|| repeats.reply(&secrets));
            lock(&known).extend(secrets);
            reply
        });
        Self { server, repeated }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The secrets that it was sent and has repeated.
    #[must_use]
    pub fn repeated(&self) -> BTreeSet<String> {
        lock(&self.repeated).clone()
    }
}

impl Repeats {
    /// An answer with these secrets.
    #[must_use]
    pub fn reply(self, secrets: &BTreeSet<String>) -> Reply {
        let text = said(secrets);
        let reply = match self {
            Self::Json(status) => Reply::json(status, &members(&text)),
            Self::Status(status) => {
                let mut status_object =
                    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure"});
                status_object["message"] = text.as_str().into();
                status_object["reason"] = text.as_str().into();
                status_object["code"] = status.into();
                Reply::json(status, &status_object)
            }
            Self::Page(status) => {
                let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
                let page = format!("<html><title>{escaped}</title><p>{escaped}</html>");
                Reply::typed(status, "text/html", page)
            }
            Self::Text(status) => Reply::text(status, &text),
        };
        let Some(one) = secrets.iter().find(|secret| is_header(secret)) else {
            return reply.header("retry-after", "0");
        };
        reply
            .header("retry-after", "0")
            .header("warning", format!("299 - \"the token {one} is old\""))
            .header("www-authenticate", format!("Bearer error=\"{one}\""))
            .header("x-ms-request-id", one.as_str())
            .header("x-amzn-requestid", one.as_str())
            .header("opc-request-id", one.as_str())
    }
}

/// The members of an error that one or another client shows.
fn members(text: &str) -> Value {
    let mut value = json!({ "errors": [{ "code": text, "message": text, "detail": text }] });
    for name in [
        "error",
        "error_description",
        "message",
        "Message",
        "errorMessage",
        "errorCode",
        "errorDetails",
        "code",
        "__type",
        "status",
        "details",
    ] {
        value[name] = text.into();
    }
    value
}

/// Each secret in each spelling.
fn said(secrets: &BTreeSet<String>) -> String {
    let spellings = secrets.iter().map(|secret| {
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = Value::from(secret.as_str());
        let (alone, longer) = (
            STANDARD.encode(secret),
            STANDARD.encode(format!("user:{secret}")),
        );
        format!(
            "{secret} {json} {form} {} {alone} {longer}",
            with_small_digits(&form)
        )
    });
    format!(
        "it was sent {}",
        spellings.collect::<Vec<_>>().join(" and ")
    )
}

/// What of a request is secret.
#[must_use]
pub fn secrets(request: &Seen) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, value) in &request.headers {
        let Ok(value) = value.to_str() else { continue };
        let name = name.as_str();
        if name == "authorization" || name == "proxy-authorization" {
            let (scheme, login) = value.split_once(' ').unwrap_or(("", value));
            let plain = STANDARD.decode(login).ok().filter(|_| scheme == "Basic");
            let plain = plain.and_then(|plain| String::from_utf8(plain).ok());
            found.extend(plain.and_then(|plain| Some(plain.split_once(':')?.1.to_owned())));
            found.insert(login.to_owned());
        } else if is_secret(name) {
            found.insert(value.to_owned());
        }
    }
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(value) => of_json("", &value, &mut found),
        Err(_) => {
            let form = request.form().into_iter();
            found.extend(
                form.filter(|(name, _)| is_secret(name))
                    .map(|(_, value)| value),
            );
        }
    }
    found.retain(|secret| secret.len() >= 6);
    found
}

fn of_json(name: &str, value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if is_secret(name) => {
            found.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| of_json(name, item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                of_json(name, member, found);
            }
        }
        _ => {}
    }
}

/// By what the clouds' documentation calls them.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    let is_one = |word: &&str| name.ends_with(*word);
    let words = [
        "token",
        "secret",
        "assertion",
        "password",
        "apikey",
        "identityheader",
        "securitycontext",
    ];
    words.iter().any(is_one)
}

fn is_header(secret: &str) -> bool {
    secret
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

/// The token of a registry.
const TOKEN: &str = "registry-t0ken-of-a-repeating-registry-7d1f";
