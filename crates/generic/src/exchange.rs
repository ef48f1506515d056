//! The exchange of a pod's token for a registry login, at the one address that the entry has.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use regcred_cloud::{Cloud, SecretPlace, TokenCall};
use regcred_core::{
    CredentialRequest, Credentials, ErrorKind, Issued, ProviderError, SecretText as _,
};
use regcred_files::{MIB, read};
use regcred_http::FormValue::{Secret, Text};
use regcred_http::{Client, Method, Request, Response, Retry, StatusCode, secure_url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::ERRORS;
use crate::answer::{Answer, AnswerPlaces, Member};
use crate::pod_token::PodToken;

/// An exchange, checked.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) url: String,
    /// More trusted roots.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) authorization: Authorization,
    pub(crate) sent: Sent,
    /// The login's user, where the answer does not have it.
    pub(crate) username: Option<String>,
    pub(crate) answer: AnswerPlaces,
}

/// The header `Authorization` of the request.
#[derive(Clone, Debug)]
pub(crate) enum Authorization {
    None,
    /// The pod's token.
    Bearer,
    /// The pod's token as the password of this user.
    Basic(String),
    /// An OAuth client and the file with its secret.
    Client(String, PathBuf),
}

/// The body of the request.
#[derive(Clone, Debug)]
pub(crate) enum Sent {
    Nothing,
    Form(Vec<(String, Field)>),
    /// JSON whose texts have placeholders.
    Json(String),
}

/// The value of a form's field.
#[derive(Clone, Debug)]
pub(crate) enum Field {
    Text(String),
    PodToken,
    File(PathBuf),
}

impl Field {
    /// The content of a field's file.
    fn read(&self) -> Result<Option<SecretString>, ProviderError> {
        match self {
            Self::File(path) => secret_in(path, "the actor token").map(Some),
            Self::Text(_) | Self::PodToken => Ok(None),
        }
    }
}

impl Sent {
    /// # Errors
    /// For a placeholder that does not exist.
    pub(crate) fn json(body: &Value) -> Result<Self, ProviderError> {
        let template = body.to_string();
        for part in template.split("${").skip(1) {
            let name = part.split('}').next().unwrap_or_default();
            if !PLACEHOLDERS.contains(&name) {
                return Err(ERRORS.misconfigured(format!(
                    "the body has a placeholder that is not one of {}",
                    PLACEHOLDERS.map(|name| format!("${{{name}}}")).join(", ")
                )));
            }
        }
        Ok(Self::Json(template))
    }

    fn has_token(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Form(fields) => fields.iter().any(|(_, f)| matches!(f, Field::PodToken)),
            Self::Json(template) => template.contains("${token}"),
        }
    }
}

/// The address of an exchange: https, or http of this machine.
///
/// # Errors
/// For any other text, which is not repeated.
pub(crate) fn endpoint(url: &str) -> Result<String, ProviderError> {
    match secure_url(url) {
        Some(_) => Ok(url.to_owned()),
        None => Err(ERRORS.misconfigured(
            "the address of the exchange is not an https:// URL (http:// is for this machine only)",
        )),
    }
}

impl Exchange {
    /// # Errors
    /// When the token would not be sent, or the login would have no user.
    pub(crate) fn checked(self) -> Result<Self, ProviderError> {
        let header = matches!(
            self.authorization,
            Authorization::Bearer | Authorization::Basic(_)
        );
        if !header && !self.sent.has_token() {
            return Err(ERRORS.misconfigured(
                "the exchange does not send the token: set bearer or basicUsername, or write \
                 ${token} into the body",
            ));
        }
        if self.username.is_none() && !self.answer.has_username() {
            return Err(ERRORS.misconfigured(
                "the login has no user name: set username, or answer.username to its place in the answer",
            ));
        }
        Ok(self)
    }

    /// The files with the client's secret and the actor's token.
    pub(crate) fn secret_files(&self) -> Vec<&Path> {
        let fields = match &self.sent {
            Sent::Form(fields) => &fields[..],
            Sent::Nothing | Sent::Json(_) => &[],
        };
        let actor = fields.iter().filter_map(|(_, field)| match field {
            Field::File(path) => Some(path.as_path()),
            Field::Text(_) | Field::PodToken => None,
        });
        let client = match &self.authorization {
            Authorization::Client(_, path) => Some(path.as_path()),
            _ => None,
        };
        actor.chain(client).collect()
    }

    /// Whether another image may get another login.
    pub(crate) fn depends_on_image(&self) -> bool {
        matches!(&self.sent, Sent::Json(template) if template.contains("${image}"))
    }

    /// The login for the pod's token, under `key`.
    pub(crate) async fn login<S>(
        &self,
        cloud: &Cloud<S>,
        token: &PodToken,
        request: &CredentialRequest,
        key: String,
    ) -> Result<Issued, ProviderError> {
        let sent = self.request(token, request)?;
        let asked = ERRORS
            .token_call(token.label(), format!("the exchange {}", self.shown()))
            .if_refused(IF_REFUSED);
        let response = self.client(cloud)?.send(sent).await;
        let response = response.map_err(|error| asked.failed(error))?;
        let response = accepted(response, &asked).await?;
        let read = response.json::<Member>(LIMIT).await;
        let root = read.map_err(|error| asked.failed(error))?;
        let malformed = |answer: &str, step: &str| {
            let error = asked.answered(ErrorKind::Malformed, answer);
            error.with_next_step(step.to_owned())
        };
        let now = cloud.now();
        let answer = Answer::read(&root, &self.answer, now);
        let Some(password) = answer.token else {
            let answer = format!(
                "its response has no token in {:?}",
                self.answer.token_name()
            );
            return Err(malformed(&answer, "set answer.token to the member's name"));
        };
        if answer
            .expires_at
            .is_some_and(|end| end <= now + SHORTEST_LIFE)
        {
            return Err(asked.expired());
        }
        let username = self.username.clone().or(answer.username);
        let username = username.filter(|name| is_username(name)).ok_or_else(|| {
            let answer = "its response has no user name that a login can have";
            malformed(answer, "set username in the entry")
        })?;
        Ok(Issued::login(key, Credentials::new(username, password)).until(answer.expires_at))
    }

    fn client<S>(&self, cloud: &Cloud<S>) -> Result<Client, ProviderError> {
        let Some(path) = &self.ca_file else {
            return cloud.web();
        };
        let roots = read(path, MIB).map_err(|e| ERRORS.unreadable("the CA file", path, e))?;
        cloud.client(|options| options.extra_ca_pem.push(roots))
    }

    fn request(
        &self,
        token: &PodToken,
        request: &CredentialRequest,
    ) -> Result<Request, ProviderError> {
        let method = match self.sent {
            Sent::Nothing => Method::GET,
            _ => Method::POST,
        };
        let mut made = Request::new(method, &self.url)
            .header("Accept", "application/json")
            .timeout(TIMEOUT)
            .retry(RETRY);
        made = match &self.authorization {
            Authorization::None => made,
            Authorization::Bearer => made.bearer(&token.secret),
            Authorization::Basic(user) => {
                made.basic(&Credentials::new(user.as_str(), token.secret.clone()))
            }
            Authorization::Client(id, path) => {
                let secret = secret_in(path, "the client's secret")?;
                made.basic(&Credentials::new(id.as_str(), secret))
            }
        };
        Ok(match &self.sent {
            Sent::Nothing => made,
            Sent::Form(fields) => {
                let files = fields.iter().map(|(_, field)| field.read());
                let files = files.collect::<Result<Vec<_>, _>>()?;
                let values = fields.iter().zip(&files).map(|((name, field), file)| {
                    let value = match (field, file) {
                        (Field::Text(text), _) => Text(text),
                        (_, Some(secret)) => Secret(secret),
                        (_, None) => Secret(&token.secret),
                    };
                    (name.as_str(), value)
                });
                made.form(&values.collect::<Vec<_>>())
            }
            Sent::Json(template) => {
                token.secret.never_shown();
                made.header("Content-Type", "application/json")
                    .body(rendered(template, token, request))
                    .secret_body()
            }
        })
    }

    /// The address without its query.
    fn shown(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }
}

/// A success; no redirect is followed, since the token is for the exchange's address alone.
async fn accepted(response: Response, asked: &TokenCall) -> Result<Response, ProviderError> {
    let status = response.status();
    if matches!(status, StatusCode::OK | StatusCode::CREATED) {
        return Ok(response);
    }
    let failed = asked.failed(response.into_error("token exchange").await);
    let step = status.is_redirection().then(|| ELSEWHERE.to_owned());
    Err(failed.with_next_step(step))
}

fn secret_in(path: &Path, what: &str) -> Result<SecretString, ProviderError> {
    SecretPlace::File(path.to_owned()).read(ERRORS, what)
}

/// The body, with JSON's escapes in what the request has. A pod's token has no character that needs one.
fn rendered(template: &str, token: &PodToken, request: &CredentialRequest) -> String {
    let escaped = |text: &str| {
        let json = Value::from(text).to_string();
        json[1..json.len() - 1].to_owned()
    };
    let mut parts = template.split("${");
    let mut body = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once('}').unwrap_or((part, ""));
        match name {
            "token" => body.push_str(token.secret.expose_secret()),
            "image" => body.push_str(&escaped(&request.image)),
            _ => body.push_str(&escaped(request.registry.as_written())),
        }
        body.push_str(rest);
    }
    body
}

/// Basic splits a login at its first colon.
pub(crate) fn is_username(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == ':' || c.is_control())
}

const IF_REFUSED: &str =
    "compare the token's issuer, subject and audience with the server's configuration";
const ELSEWHERE: &str = "it leads elsewhere, and the pod's token goes to no other address: write the \
     final one";
const PLACEHOLDERS: [&str; 3] = ["token", "image", "registry"];
const SHORTEST_LIFE: TimeDelta = TimeDelta::seconds(10);
const TIMEOUT: Duration = Duration::from_secs(30);
/// A refusal is final; a server that is being restarted gets a moment.
const RETRY: Retry = Retry {
    attempts: 3,
    base: Duration::from_millis(300),
    cap: Duration::from_secs(5),
};
const LIMIT: usize = 1 << 20;
