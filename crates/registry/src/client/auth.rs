//! The authorization of one repository at one server: which scheme it wants, and the token that
//! is used until it expires (distribution-spec, and distribution's `auth/token.md`).
//!
//! Tokens never leave this object, so they are never shared between credentials or servers. The
//! lock around the state is held while a token is fetched: requests that run together cause one
//! fetch, and if the one that fetches is dropped, the next one does it.

mod context;
mod realm;
mod scope;
mod token;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regcred_core::{Credentials, plain};
use regcred_http::{Challenge, HeaderMap, Request, parse_challenges};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

pub(crate) use self::context::AuthContext;
use self::realm::Realm;
pub(crate) use self::scope::Scopes;
use self::token::BearerToken;
use super::error::{Reason, RegistryError, TokenRefusal};
use super::logins::ServerLogin;
use super::server_report::OfferedLogin;

/// The credential and what is known of the server.
pub(crate) struct Auth {
    login: ServerLogin,
    /// Whether the login went over the wire: to the server, or to its token server.
    login_sent: AtomicBool,
    state: Mutex<AuthState>,
}

#[derive(Default)]
struct AuthState {
    scheme: Scheme,
    scopes: Scopes,
    token: Option<BearerToken>,
    /// Counts grants, so that a request can tell which of them was refused.
    generation: u64,
    refused: Option<Refused>,
}

/// The scheme of the server's last challenge.
#[derive(Clone, Default)]
enum Scheme {
    /// No challenge yet: requests are sent without authorization.
    #[default]
    Unknown,
    Basic,
    Bearer(Realm),
}

/// A refusal of the token server. The same request is not repeated for a while: each layer of an
/// image would count as another failed login.
struct Refused {
    realm: Realm,
    scopes: Scopes,
    refusal: TokenRefusal,
    until: Instant,
}

/// What a request carries.
#[derive(Clone)]
pub(crate) struct Grant {
    authorization: Authorization,
    generation: u64,
}

#[derive(Clone)]
enum Authorization {
    Basic(Credentials),
    Bearer(SecretString),
}

impl Grant {
    pub(crate) fn apply(&self, request: Request) -> Request {
        match &self.authorization {
            Authorization::Basic(login) => request.basic(login),
            Authorization::Bearer(token) => request.bearer(token),
        }
    }
}

/// What follows from a 401.
pub(crate) enum Renewal {
    /// Send the request again: [`Auth::ready`] has an answer to the challenge now.
    Granted,
    /// The credential was already sent by the only scheme that is offered: the 401 is the answer.
    Final,
    /// The answer offers only these schemes, which cannot be used.
    Unusable(Vec<String>),
}

impl Auth {
    pub(crate) fn new(login: ServerLogin) -> Self {
        Self {
            login,
            login_sent: AtomicBool::new(false),
            state: Mutex::default(),
        }
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.login.credentials.is_none()
    }

    /// Whether the image's login went over the wire to this server; `None` without one.
    pub(crate) fn login_sent(&self) -> Option<bool> {
        let is_images = self.login.offered == OfferedLogin::Image;
        let sent = || is_images && self.login_sent.load(Ordering::Relaxed);
        self.login.has_image_login.then(sent)
    }

    /// The label of the server's own login, if that went over the wire.
    pub(crate) fn own_login_sent(&self) -> Option<&str> {
        match &self.login.offered {
            OfferedLogin::Own(label) if self.login_sent.load(Ordering::Relaxed) => Some(label),
            _ => None,
        }
    }

    /// Whether the image has a login that is kept from this server.
    pub(crate) fn is_withheld(&self) -> bool {
        self.login.has_image_login && self.login.offered == OfferedLogin::Withheld
    }

    pub(crate) fn offered(&self) -> &OfferedLogin {
        &self.login.offered
    }

    /// What the next request carries, by what is known of the server. Fetches a token when the
    /// known one is about to expire or lacks a right that the request needs.
    pub(crate) async fn ready(
        &self,
        context: &AuthContext<'_>,
    ) -> Result<Option<Grant>, RegistryError> {
        let mut state = self.state.lock().await;
        match state.scheme.clone() {
            Scheme::Unknown => Ok(None),
            Scheme::Basic => Ok(self.basic(state.generation)),
            Scheme::Bearer(realm) => {
                let known = state.token.is_some().then(|| state.scopes.clone());
                if !state.scopes.cover(&context.scopes) {
                    state.scopes.merge(context.scopes.clone());
                    state.token = None;
                }
                let grant = self.bearer(&mut state, realm, context).await;
                // What this request alone needs, such as a right to the source of a mount, is not
                // asked for with the next one.
                if let (Err(_), Some(known)) = (&grant, known) {
                    state.scopes = known;
                }
                grant.map(Some)
            }
        }
    }

    /// What to do about a 401. `used` is what the refused request carried.
    pub(crate) async fn renew(
        &self,
        used: Option<&Grant>,
        headers: &HeaderMap,
        context: &AuthContext<'_>,
    ) -> Result<Renewal, RegistryError> {
        let challenges = parse_challenges(headers);
        let bearer = challenges
            .iter()
            .find(|c| c.scheme == "bearer" && c.param("realm").is_some_and(|r| !r.is_empty()));
        let takes_basic = challenges.iter().any(|c| c.scheme == "basic") && !self.is_anonymous();
        if let Some(challenge) = bearer {
            match self.renew_bearer(used, challenge, context).await {
                // Without a token server, the other scheme that the server offers counts.
                Err(error) if takes_basic && error.is_without_token_server() => {}
                renewal => return renewal,
            }
        }
        if takes_basic {
            if used.is_some_and(|grant| matches!(grant.authorization, Authorization::Basic(_))) {
                return Ok(Renewal::Final);
            }
            let mut state = self.state.lock().await;
            state.scheme = Scheme::Basic;
            state.generation += 1;
            return Ok(Renewal::Granted);
        }
        let offered = challenges.iter().take(MOST_SCHEMES);
        Ok(Renewal::Unusable(
            offered.map(|c| plain(&c.scheme, LONGEST_SCHEME)).collect(),
        ))
    }

    async fn renew_bearer(
        &self,
        used: Option<&Grant>,
        challenge: &Challenge,
        context: &AuthContext<'_>,
    ) -> Result<Renewal, RegistryError> {
        let realm = Realm::of(challenge, context.url, context.cleartext)
            .map_err(|reason| RegistryError::protocol(context.object, reason))?
            .named_in(context);
        let named = challenge.param("scope").filter(|s| !s.trim().is_empty());
        let mut wanted = Scopes::from(named.unwrap_or(context.default_scope));
        wanted.merge(context.scopes.clone());
        let mut state = self.state.lock().await;
        // Another request may have been refused as well and fetched a new token since.
        let renewed = state.generation != used.map_or(0, |grant| grant.generation);
        let same_realm = matches!(&state.scheme, Scheme::Bearer(known) if *known == realm);
        if !(renewed && same_realm && state.scopes.cover(&wanted)) {
            state.scopes.merge(wanted);
            state.scheme = Scheme::Bearer(realm.clone());
            state.token = None;
        }
        self.bearer(&mut state, realm, context).await?;
        Ok(Renewal::Granted)
    }

    /// The current token, or a new one.
    async fn bearer(
        &self,
        state: &mut AuthState,
        realm: Realm,
        context: &AuthContext<'_>,
    ) -> Result<Grant, RegistryError> {
        let now = Instant::now();
        let secret = match state.token.as_ref().filter(|token| now < token.until) {
            Some(token) => token.secret.clone(),
            None => {
                if let Some(known) = state.refused.as_ref().filter(|known| {
                    known.realm == realm && known.scopes == state.scopes && now < known.until
                }) {
                    let reason = Reason::TokenServer(known.refusal.clone());
                    return Err(RegistryError::new(context.object, reason));
                }
                let login = self.login.credentials.as_ref();
                let fetched = token::fetch(context, &realm, &state.scopes, login).await;
                let unsent = fetched.as_ref().is_err_and(RegistryError::is_unconnected);
                if login.is_some() && !unsent {
                    self.login_sent.store(true, Ordering::Relaxed);
                }
                let fetched = fetched.inspect_err(|error| {
                    state.refused = error.lasting_refusal().map(|refusal| Refused {
                        realm,
                        scopes: state.scopes.clone(),
                        refusal: refusal.clone(),
                        until: Instant::now() + REMEMBERED,
                    });
                })?;
                state.generation += 1;
                state.token.insert(fetched).secret.clone()
            }
        };
        Ok(Grant {
            authorization: Authorization::Bearer(secret),
            generation: state.generation,
        })
    }

    /// The login for a request that follows at once.
    fn basic(&self, generation: u64) -> Option<Grant> {
        let login = self.login.credentials.clone()?;
        self.login_sent.store(true, Ordering::Relaxed);
        Some(Grant {
            authorization: Authorization::Basic(login),
            generation,
        })
    }
}

/// How long a refusal counts as the answer: longer than most pulls.
const REMEMBERED: Duration = Duration::from_secs(60);
/// How many of the offered schemes a message names.
const MOST_SCHEMES: usize = 5;
const LONGEST_SCHEME: usize = 40;

#[cfg(test)]
mod tests;
