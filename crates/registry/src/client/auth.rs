//! The authorization of one repository at one server: which scheme it wants, and the token that
//! serves until it expires (distribution-spec, and distribution's `auth/token.md`).
//!
//! Tokens never leave this object, so they are never shared between credentials or servers. The
//! lock around the state is held while a token is fetched: requests that run together cause one
//! fetch, and if the one that fetches is dropped, the next one does it.

mod realm;
mod scope;
mod token;

use std::time::Duration;

use regcred_core::Credentials;
use regcred_http::{Challenge, Client, HeaderMap, Request, Retry, Url, parse_challenges, plain};
use secrecy::SecretString;
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::realm::Realm;
use self::scope::Scopes;
use super::error::{Object, Reason, Refusal, RegistryError};

/// Knows how to be let in.
pub(crate) struct Auth {
    login: Option<Credentials>,
    /// `repository:<path>:pull`, for a challenge that names no scope.
    own_scope: String,
    state: Mutex<State>,
}

/// Where a server is, for the rules of realms.
pub(crate) struct Place<'a> {
    pub(crate) client: &'a Client,
    pub(crate) url: &'a Url,
    /// Whether secrets may be sent in clear text, because an operator said so.
    pub(crate) cleartext: bool,
    pub(crate) retry: Retry,
    pub(crate) object: &'a Object,
}

#[derive(Default)]
struct State {
    mode: Mode,
    scopes: Scopes,
    /// Counts what was granted, so that a request can say which grant was refused.
    generation: u64,
    refused: Option<Refused>,
}

/// A refusal of the token server. It is not asked the same thing again for a while: each layer of
/// an image would else count as a failed login.
struct Refused {
    realm: Realm,
    scopes: Scopes,
    refusal: Refusal,
    until: Instant,
}

#[derive(Default)]
enum Mode {
    /// Nothing is known yet: requests are sent without authorization.
    #[default]
    Unknown,
    Basic,
    Bearer {
        realm: Realm,
        token: Option<Bearer>,
    },
}

/// A token and how long it is used.
struct Bearer {
    token: SecretString,
    until: Instant,
}

/// What a request carries.
#[derive(Clone)]
pub(crate) struct Grant {
    kind: GrantKind,
    generation: u64,
}

#[derive(Clone)]
enum GrantKind {
    Basic(Credentials),
    Bearer(SecretString),
}

impl Grant {
    pub(crate) fn apply(&self, request: Request) -> Request {
        match &self.kind {
            GrantKind::Basic(login) => request.basic(login),
            GrantKind::Bearer(token) => request.bearer(token),
        }
    }
}

/// What a 401 led to.
pub(crate) enum Renewal {
    /// Send the request again with this.
    Granted(Grant),
    /// The credential was already offered in the only way there is: the 401 is the answer.
    Final,
    /// The answer named no scheme that could be used.
    Unusable(Vec<String>),
}

impl Auth {
    pub(crate) fn new(path: &str, login: Option<Credentials>) -> Self {
        Self {
            login,
            own_scope: format!("repository:{path}:pull"),
            state: Mutex::default(),
        }
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.login.is_none()
    }

    /// What the next request carries, by what is known of the server. Fetches a token when the
    /// known one is about to expire.
    pub(crate) async fn ready(&self, place: &Place<'_>) -> Result<Option<Grant>, RegistryError> {
        let mut state = self.state.lock().await;
        match &state.mode {
            Mode::Unknown => Ok(None),
            Mode::Basic => Ok(self.basic(state.generation)),
            Mode::Bearer { .. } => self.bearer(&mut state, place).await.map(Some),
        }
    }

    /// What to do about a 401. `used` is what the refused request carried.
    pub(crate) async fn renew(
        &self,
        used: Option<&Grant>,
        headers: &HeaderMap,
        place: &Place<'_>,
    ) -> Result<Renewal, RegistryError> {
        let challenges = parse_challenges(headers);
        let bearer = challenges
            .iter()
            .find(|c| c.scheme == "bearer" && c.param("realm").is_some_and(|r| !r.is_empty()));
        if let Some(challenge) = bearer {
            return self.renew_bearer(used, challenge, place).await;
        }
        if challenges.iter().any(|c| c.scheme == "basic") && self.login.is_some() {
            if used.is_some_and(|grant| matches!(grant.kind, GrantKind::Basic(_))) {
                return Ok(Renewal::Final);
            }
            let mut state = self.state.lock().await;
            state.mode = Mode::Basic;
            state.generation += 1;
            return Ok(match self.basic(state.generation) {
                Some(grant) => Renewal::Granted(grant),
                None => Renewal::Final,
            });
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
        place: &Place<'_>,
    ) -> Result<Renewal, RegistryError> {
        let realm = Realm::of(challenge, place.url, place.cleartext)
            .map_err(|reason| RegistryError::protocol(place.object, reason))?;
        let mut asked = Scopes::default();
        match challenge
            .param("scope")
            .filter(|scope| !scope.trim().is_empty())
        {
            Some(scope) => asked.add(scope),
            None => asked.add(&self.own_scope),
        }
        let mut state = self.state.lock().await;
        // Another request was refused as well and has fetched a new token meanwhile.
        let renewed = state.generation != used.map_or(0, |grant| grant.generation);
        let same_realm =
            matches!(&state.mode, Mode::Bearer { realm: known, .. } if *known == realm);
        if !(renewed && same_realm && state.scopes.cover(&asked)) {
            state.scopes.merge(asked);
            state.mode = Mode::Bearer { realm, token: None };
        }
        self.bearer(&mut state, place).await.map(Renewal::Granted)
    }

    /// The current token, or a new one.
    async fn bearer(&self, state: &mut State, place: &Place<'_>) -> Result<Grant, RegistryError> {
        let State {
            mode: Mode::Bearer { realm, token },
            scopes,
            generation,
            refused,
        } = state
        else {
            return Err(RegistryError::protocol(
                place.object,
                "no token server is known",
            ));
        };
        let usable = token
            .as_ref()
            .filter(|bearer| Instant::now() < bearer.until);
        let secret = match usable {
            Some(bearer) => bearer.token.clone(),
            None => {
                if let Some(known) = refused.as_ref().filter(|known| known.is(realm, scopes)) {
                    let reason = Reason::Login(known.refusal.clone());
                    return Err(RegistryError::new(place.object, reason));
                }
                let fetched = token::fetch(place, realm, scopes, self.login.as_ref()).await;
                let fetched = fetched.inspect_err(|error| {
                    *refused = error.lasting_refusal().map(|refusal| Refused {
                        realm: realm.clone(),
                        scopes: scopes.clone(),
                        refusal: refusal.clone(),
                        until: Instant::now() + REMEMBERED,
                    });
                })?;
                let secret = fetched.token.clone();
                *token = Some(fetched);
                *generation += 1;
                secret
            }
        };
        Ok(Grant {
            kind: GrantKind::Bearer(secret),
            generation: *generation,
        })
    }

    fn basic(&self, generation: u64) -> Option<Grant> {
        Some(Grant {
            kind: GrantKind::Basic(self.login.clone()?),
            generation,
        })
    }
}

impl Refused {
    /// Whether this is what would be asked now.
    fn is(&self, realm: &Realm, scopes: &Scopes) -> bool {
        self.realm == *realm && self.scopes == *scopes && Instant::now() < self.until
    }
}

/// The error for a server that can be entered in no way we know.
pub(crate) fn no_scheme(
    object: &Object,
    host: String,
    offered: Vec<String>,
    anonymous: bool,
) -> RegistryError {
    RegistryError::new(
        object,
        Reason::NoScheme {
            host,
            offered,
            anonymous,
        },
    )
}

/// How long a refusal is taken as the answer: most pulls are over by then.
const REMEMBERED: Duration = Duration::from_secs(60);
/// What a message names of the schemes that a server offers.
const MOST_SCHEMES: usize = 5;
const LONGEST_SCHEME: usize = 40;

#[cfg(test)]
mod tests;
