//! The token endpoint (distribution's `auth/token.md` and `auth/oauth.md`).

use std::time::Duration;

use regcred_core::Credentials;
use regcred_http::{Request, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

use super::realm::Realm;
use super::scope::Scopes;
use super::{Bearer, Place};
use crate::client::error::{Reason, Refusal, RegistryError};
use crate::client::error_body::ServerErrors;
use crate::client::rate_limits::Limits;

/// Fetches a token: by GET, with the login as Basic if there is one; an identity token (a login
/// without user name) is exchanged by POST. A server that knows no GET is asked by POST. A refusal
/// is never tried again another way: that would count as a second failed login.
pub(super) async fn fetch(
    place: &Place<'_>,
    realm: &Realm,
    scopes: &Scopes,
    login: Option<&Credentials>,
) -> Result<Bearer, RegistryError> {
    let ask = Ask {
        place,
        realm,
        scopes: scopes.list(),
    };
    let started = Instant::now();
    let answer = match login {
        Some(login) if is_identity_token(login) => ask.exchange(login).await?,
        login => {
            let answer = ask.get(login).await?;
            match (answer.status().as_u16(), login) {
                (404 | 405, Some(login)) => ask.password(login).await?,
                _ => answer,
            }
        }
    };
    if !answer.status().is_success() {
        let (status, limits) = (Some(answer.status()), Limits::of(&answer));
        let body = answer.bytes(LARGEST_ANSWER).await.unwrap_or_default();
        return Err(ask.refused(Refusal {
            status,
            errors: ServerErrors::parse(&body),
            limits,
            ..ask.refusal(login)
        }));
    }
    let answer: Answer = answer
        .json(LARGEST_ANSWER)
        .await
        .map_err(|error| RegistryError::unreached(place.object, error))?;
    let Some(token) = answer.token() else {
        return Err(ask.refused(ask.refusal(login)));
    };
    let life = Duration::from_secs(answer.expires_in.unwrap_or(0)).max(SHORTEST_LIFE);
    let margin = (life / 10).min(LONGEST_MARGIN);
    // A life without end is taken as a day.
    let until = started + (life - margin).min(LONGEST_LIFE);
    Ok(Bearer { token, until })
}

/// One request for a token.
struct Ask<'a> {
    place: &'a Place<'a>,
    realm: &'a Realm,
    scopes: Vec<String>,
}

impl Ask<'_> {
    async fn get(&self, login: Option<&Credentials>) -> Result<Response, RegistryError> {
        let mut url = self.realm.url.clone();
        for _ in 0..=MOST_REDIRECTS {
            let mut request = Request::get(url.as_str());
            if url == self.realm.url {
                request = request.query(&self.query(login));
            }
            if let Some(login) = login {
                request = request.basic(login);
            }
            let answer = self.send(request).await?;
            let moved = answer.status().is_redirection();
            let location = answer.headers().get("location").filter(|_| moved);
            let next = location.and_then(|l| answer.url().join(l.to_str().ok()?).ok());
            match next {
                // A login is only ever sent to the server that was checked.
                Some(next) if next.origin() == url.origin() => url = next,
                _ => return Ok(answer),
            }
        }
        Err(RegistryError::protocol(
            self.place.object,
            format!(
                "the token server {} redirects without end",
                self.realm.host()
            ),
        ))
    }

    fn query<'b>(&'b self, login: Option<&'b Credentials>) -> Vec<(&'static str, &'b str)> {
        let mut query: Vec<(&'static str, &str)> = Vec::new();
        query.extend(self.realm.service.as_deref().map(|s| ("service", s)));
        query.extend(self.scopes.iter().map(|s| ("scope", s.as_str())));
        query.push(("client_id", CLIENT_ID));
        query.extend(login.map(|login| ("account", login.username.as_str())));
        query
    }

    async fn exchange(&self, login: &Credentials) -> Result<Response, RegistryError> {
        let token = login.password.expose_secret();
        self.post(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    async fn password(&self, login: &Credentials) -> Result<Response, RegistryError> {
        self.post(&[
            ("grant_type", "password"),
            ("username", &login.username),
            ("password", login.password.expose_secret()),
        ])
        .await
    }

    async fn post(&self, grant: &[(&str, &str)]) -> Result<Response, RegistryError> {
        let scope = self.scopes.join(" ");
        let mut form = grant.to_vec();
        form.extend(self.realm.service.as_deref().map(|s| ("service", s)));
        form.extend([("scope", scope.as_str()), ("client_id", CLIENT_ID)]);
        let request = Request::post(self.realm.url.as_str())
            .form(&form)
            .secret_body();
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<Response, RegistryError> {
        let request = request
            .timeout(TIMEOUT)
            .retry(self.place.retry)
            .header("Accept", "application/json");
        let request = match self.realm.cleartext {
            true => request.allow_cleartext(),
            false => request,
        };
        let answer = self.place.client.send(request).await;
        answer.map_err(|error| {
            let error = error.context("cannot ask the token server");
            RegistryError::unreached(self.place.object, error)
        })
    }

    /// A refusal of which nothing is known yet.
    fn refusal(&self, login: Option<&Credentials>) -> Refusal {
        Refusal {
            realm: self.realm.host(),
            status: None,
            errors: ServerErrors::default(),
            limits: Limits::default(),
            anonymous: login.is_none(),
        }
    }

    fn refused(&self, refusal: Refusal) -> RegistryError {
        RegistryError::new(self.place.object, Reason::Login(refusal))
    }
}

/// The answer of either kind of request.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    token: Option<String>,
    /// Seconds. `issued_at` is not looked at: it is by another clock.
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

impl Answer {
    fn token(&self) -> Option<SecretString> {
        let tokens = [&self.access_token, &self.token];
        let token = tokens.into_iter().flatten().find(|t| !t.is_empty())?;
        Some(token.as_str().into())
    }
}

/// A number, a number in a text, or something else, which counts as nothing.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "such a cast saturates"
    )]
    Ok(match &value {
        serde_json::Value::Number(number) => number.as_f64().map(|n| n as u64),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

/// Docker's configuration and helpers give an identity token an empty user name or `<token>`.
fn is_identity_token(login: &Credentials) -> bool {
    login.username.is_empty() || login.username == "<token>"
}

const CLIENT_ID: &str = "regcred";
const TIMEOUT: Duration = Duration::from_secs(30);
const LARGEST_ANSWER: usize = 1 << 20;
const MOST_REDIRECTS: usize = 3;
/// Shorter lives are not believed, as docker does: some servers send 0.
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
const LONGEST_MARGIN: Duration = Duration::from_secs(30);
