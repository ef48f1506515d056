//! The token endpoint (distribution's `auth/token.md` and `auth/oauth.md`).

use std::time::Duration;

use regcred_core::Credentials;
use regcred_http::FormValue::{self, Secret, Text};
use regcred_http::{Request, Response};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use super::context::AuthContext;
use super::realm::Realm;
use super::scope::Scopes;
use crate::client::error::{Reason, RegistryError, TokenRefusal};
use crate::client::failed_response::FailedResponse;
use crate::client::redirect;

/// A token and how long it is used.
pub(super) struct BearerToken {
    pub(super) secret: SecretString,
    pub(super) until: Instant,
}

/// Fetches a token: by GET, with the login as Basic if there is one; an identity token (a login
/// without user name) is exchanged by POST. A server that does not support GET is asked by POST. A
/// refused login is not tried in another way: that would count as a second failed login.
pub(super) async fn fetch(
    context: &AuthContext<'_>,
    realm: &Realm,
    scopes: &Scopes,
    login: Option<&Credentials>,
) -> Result<BearerToken, RegistryError> {
    let request = TokenRequest {
        context,
        realm,
        scopes: scopes.list(),
    };
    let started = Instant::now();
    let response = match login {
        Some(login) if is_identity_token(login) => request.exchange(login).await?,
        login => {
            let response = request.get(login).await?;
            match (response.status().as_u16(), login) {
                (404 | 405, Some(login)) => request.password(login).await?,
                _ => response,
            }
        }
    };
    let refused = |response| {
        let anonymous = login.is_none();
        let refusal = TokenRefusal {
            response,
            anonymous,
        };
        RegistryError::new(context.object, Reason::TokenServer(refusal))
    };
    if !response.status().is_success() {
        return Err(refused(FailedResponse::read(response).await));
    }
    let response: TokenResponse = response
        .json(LARGEST_RESPONSE)
        .await
        .map_err(|error| RegistryError::unreached(context.object, error))?;
    let Some(secret) = response.token() else {
        return Err(refused(FailedResponse {
            host: realm.host(),
            ..FailedResponse::default()
        }));
    };
    let life = Duration::from_secs(response.expires_in.unwrap_or(0)).max(SHORTEST_LIFE);
    let margin = (life / 10).min(LONGEST_MARGIN);
    let until = started + (life - margin).min(LONGEST_LIFE);
    Ok(BearerToken { secret, until })
}

/// One request for a token.
struct TokenRequest<'a> {
    context: &'a AuthContext<'a>,
    realm: &'a Realm,
    scopes: Vec<String>,
}

impl TokenRequest<'_> {
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
            let response = self.send(request).await?;
            let moved = response.status().is_redirection();
            let next = redirect::location(&response).filter(|_| moved);
            match next {
                // A login is only ever sent to the server that was checked.
                Some(Ok(next)) if next.url.origin() == url.origin() => url = next.url,
                _ => return Ok(response),
            }
        }
        let host = self.realm.host();
        let what = format!("the token server {host} redirects more than {MOST_REDIRECTS} times");
        Err(RegistryError::protocol(self.context.object, what))
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
        self.post(&[
            ("grant_type", Text("refresh_token")),
            ("refresh_token", Secret(&login.password)),
        ])
        .await
    }

    async fn password(&self, login: &Credentials) -> Result<Response, RegistryError> {
        self.post(&[
            ("grant_type", Text("password")),
            ("username", Text(&login.username)),
            ("password", Secret(&login.password)),
        ])
        .await
    }

    async fn post(&self, grant: &[(&str, FormValue<'_>)]) -> Result<Response, RegistryError> {
        let scope = self.scopes.join(" ");
        let mut form = grant.to_vec();
        form.extend(self.realm.service.as_deref().map(|s| ("service", Text(s))));
        form.extend([("scope", Text(&scope)), ("client_id", Text(CLIENT_ID))]);
        let request = Request::post(self.realm.url.as_str()).form(&form);
        self.send(request).await
    }

    async fn send(&self, request: Request) -> Result<Response, RegistryError> {
        let mut request = request
            .timeout(TIMEOUT)
            .retry(self.context.retry)
            .named_by(self.realm.named_by)
            .header("Accept", "application/json");
        if self.realm.cleartext {
            request = request.allow_cleartext();
        }
        let response = self.context.client.send(request).await;
        response.map_err(|error| {
            let error = error.context("cannot ask the token server");
            RegistryError::unreached(self.context.object, error)
        })
    }
}

/// The answer to either kind of request.
#[derive(Deserialize)]
struct TokenResponse {
    #[serde(default, deserialize_with = "secret")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, deserialize_with = "secret")]
    token: Option<Zeroizing<String>>,
    /// Seconds. `issued_at` is ignored: it is by another clock.
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

impl TokenResponse {
    fn token(&self) -> Option<SecretString> {
        let tokens = [&self.access_token, &self.token];
        let token = tokens.into_iter().flatten().find(|t| !t.is_empty())?;
        Some(token.as_str().into())
    }
}

/// A text that is wiped from memory.
fn secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Zeroizing<String>>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Zeroizing::new))
}

/// A number or a numeric string; anything else is ignored.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
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

/// Docker's configuration and helpers have an empty user name or `<token>` with an identity token.
fn is_identity_token(login: &Credentials) -> bool {
    login.username.is_empty() || login.username == "<token>"
}

const CLIENT_ID: &str = "regcred";
const TIMEOUT: Duration = Duration::from_secs(30);
const LARGEST_RESPONSE: usize = 1 << 20;
const MOST_REDIRECTS: usize = 3;
/// Shorter lives are raised to this, as docker does: some servers send 0.
const SHORTEST_LIFE: Duration = Duration::from_secs(60);
/// Longer lives are cut to this.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
const LONGEST_MARGIN: Duration = Duration::from_secs(30);
