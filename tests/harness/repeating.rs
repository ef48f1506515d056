//! A server that repeats what it was sent, as some do when they refuse it: in the members of its JSON that
//! clients show, in headers, and on a page. Programs that do the same.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::canary::with_small_digits;
use crate::program::script;
use crate::server::{Reply, Seen, Server, forward, lock};

/// The server. Dropping it ends it.
pub struct Repeating {
    server: Server,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// The secrets that it was sent.
    sent: Mutex<BTreeSet<String>>,
    /// How many requests more the other server answers.
    passing: AtomicUsize,
    refused: AtomicUsize,
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
    /// As an error of AWS's query protocol, with this status.
    Xml(u16),
    /// As a success whose own secrets are numbers, which no protocol has there.
    Numbers,
}

/// The ways of a cloud.
pub const REPEATS: [Repeats; 7] = [
    Repeats::Json(401),
    Repeats::Json(400),
    Repeats::Json(503),
    Repeats::Page(403),
    Repeats::Text(404),
    Repeats::Xml(400),
    Repeats::Numbers,
];

impl Repeating {
    /// Starts a server that refuses every request.
    #[must_use]
    pub fn start(repeats: Repeats) -> Self {
        Self::unless(repeats, |_, _| None)
    }

    /// Starts a registry that asks for a login, or for a token of its own, and refuses what it then gets.
    #[must_use]
    pub fn registry(repeats: Repeats, asks: Asks) -> Self {
        Self::unless(repeats, move |_, request| asks.reply(request))
    }

    /// The same in front of another registry at this authority, which answers until [`Repeating::pass`].
    #[must_use]
    pub fn registry_before(authority: &str, repeats: Repeats, asks: Asks) -> Self {
        let authority = authority.to_owned();
        let registry = Self::unless(repeats, move |state, request| {
            let asked = asks.reply(request);
            asked.or_else(|| state.passed(&authority, request))
        });
        registry.pass(usize::MAX);
        registry
    }

    /// Starts a server in front of an API server at this authority, which answers until [`Repeating::pass`]. A
    /// watch does not end, and is always refused.
    #[must_use]
    pub fn before(authority: &str, repeats: Repeats) -> Self {
        let authority = authority.to_owned();
        let server = Self::unless(repeats, move |state, request| {
            let is_watch = request.line().contains("watch=true");
            (!is_watch).then(|| state.passed(&authority, request))?
        });
        server.pass(usize::MAX);
        server
    }

    /// From now on the other server answers that many requests, and those after them are refused.
    pub fn pass(&self, requests: usize) {
        self.state.passing.store(requests, Ordering::SeqCst);
    }

    /// How many requests were refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }

    fn unless(
        repeats: Repeats,
        other: impl Fn(&State, &Seen) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        let server = Server::start(move |request: &Seen| {
            let mut secrets = secrets(request);
            let reply = other(&shared, request).unwrap_or_else(|| {
                shared.refused.fetch_add(1, Ordering::SeqCst);
                repeats.reply(&secrets, &pull_secrets(request).join(" "))
            });
            if repeats == Repeats::Numbers {
                secrets.insert(NUMBER.to_string());
            }
            lock(&shared.sent).extend(secrets);
            reply
        });
        Self { server, state }
    }

    /// The server.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The secrets that it was sent, and those that it issued.
    #[must_use]
    pub fn repeated(&self) -> BTreeSet<String> {
        lock(&self.state.sent).clone()
    }
}

impl State {
    /// The other server's answer, for as many requests as may pass.
    fn passed(&self, authority: &str, request: &Seen) -> Option<Reply> {
        let one_less = |left: usize| left.checked_sub(1);
        let may_pass = self
            .passing
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less);
        may_pass.is_ok().then(|| forward(authority, request))
    }
}

impl Asks {
    /// A challenge, or a token for a login; `None` for a request that has what was asked for.
    fn reply(self, request: &Seen) -> Option<Reply> {
        let is_anonymous = request.authorization().is_none();
        let host = request.header("host").unwrap_or_default();
        let challenge = match self {
            Self::Login => "Basic realm=\"r\"".to_owned(),
            Self::Token => format!("Bearer realm=\"http://{host}/token\",service=\"s\""),
        };
        if request.path == "/token" && !is_anonymous {
            return Some(Reply::json(200, &json!({ "token": TOKEN })));
        }
        is_anonymous.then(|| Reply::new(401).header("www-authenticate", challenge))
    }
}

/// Writes a program that fails, and repeats on both streams what it was given: its input, and each variable
/// whose name ends with a word of a secret. Its command line, its environment and its parent's command line are
/// appended to `children`.
pub fn repeating_program(path: &Path, children: &Path) {
    let text = format!(
        "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline >> {}\n\
         said=\"$(cat) $(env | grep -E '^[A-Z_]*(SECRET|TOKEN|PASSWORD|KEY)=')\"\n\
         echo \"$said\"\necho \"$said\" >&2\nexit 3",
        children.display()
    );
    script(path, &text);
}

impl Repeats {
    /// An answer with these secrets, and what else it repeats.
    fn reply(self, secrets: &BTreeSet<String>, more: &str) -> Reply {
        let text = said(secrets) + more;
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
                let text = escaped(&text);
                let page = format!("<html><title>{text}</title><p>{text}</html>");
                Reply::typed(status, "text/html", page)
            }
            Self::Text(status) => Reply::text(status, &text),
            Self::Xml(status) => {
                let text = escaped(&text);
                let error =
                    format!("<Type>{text}</Type><Code>{text}</Code><Message>{text}</Message>");
                let body = format!(
                    "<ErrorResponse><Error>{error}</Error><RequestId>{text}</RequestId></ErrorResponse>"
                );
                Reply::typed(status, "text/xml", body)
            }
            Self::Numbers => Reply::json(200, &numbers()),
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

/// The members in which one or another cloud issues a secret.
fn numbers() -> Value {
    let names = [
        "token",
        "access_token",
        "accessToken",
        "refresh_token",
        "id_token",
        "password",
        "Token",
        "SecretAccessKey",
        "AccessKeyId",
    ];
    let mut value = json!({ "authorizationData": [{ "authorizationToken": NUMBER }] });
    for name in names {
        value[name] = NUMBER.into();
    }
    value
}

/// Each secret in each spelling.
pub(crate) fn said(secrets: &BTreeSet<String>) -> String {
    let spellings = secrets.iter().map(|secret| {
        let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = Value::from(secret.as_str());
        let longer = format!("user:{secret}");
        let encoded = [secret.as_str(), &longer]
            .map(|text| format!("{} {}", STANDARD.encode(text), URL_SAFE_NO_PAD.encode(text)));
        format!(
            "{secret} {json} {form} {} {}",
            with_small_digits(&form),
            encoded.join(" ")
        )
    });
    format!(
        "it was sent {}",
        spellings.collect::<Vec<_>>().join(" and ")
    )
}

/// What of a request is secret.
fn secrets(request: &Seen) -> BTreeSet<String> {
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
    for content in pull_secrets(request) {
        let content = STANDARD.decode(content).unwrap_or_default();
        let content = serde_json::from_slice(&content).unwrap_or_default();
        of_json("", &content, &mut found);
    }
    found.retain(|secret| secret.len() >= 6);
    found
}

/// The content of a Secret that is written, in base64: an API server quotes a value that it refuses.
fn pull_secrets(request: &Seen) -> Vec<String> {
    let object = serde_json::from_slice::<Value>(&request.body).unwrap_or_default();
    let data = object["data"].as_object().into_iter().flatten();
    data.filter_map(|(_, value)| value.as_str().map(str::to_owned))
        .collect()
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

/// A secret that is a number.
const NUMBER: u64 = 8_731_264_518_237_645;
/// The token of a registry.
const TOKEN: &str = "registry-t0ken-of-a-repeating-registry-7d1f";
