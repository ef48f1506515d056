//! A principal that has proved itself: a signer and until when it is good.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{ErrorKind, ProviderError};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use crate::claims::Claims;
use crate::failure::{failure, malformed};
use crate::key::PrivateKey;
use crate::principal::Principal;
use crate::reach::Reach;
use crate::signer::Signer;

/// A signer and its end. Token and key are one value, so that they are only ever replaced together.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) signer: Signer,
    /// `None` when it was not made here and is read anew each time.
    expires_at: Option<DateTime<Utc>>,
}

impl Session {
    /// A signer that is read anew for each request.
    pub(crate) fn lasting(signer: Signer) -> Self {
        Self {
            signer,
            expires_at: None,
        }
    }

    /// A session by a security token that `issuer` has just given for the key.
    pub(crate) fn issued(
        token: &SecretString,
        key: PrivateKey,
        issuer: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, ProviderError> {
        let expires_at = token_end(token, issuer)?;
        if expires_at <= now {
            return Err(malformed(format!(
                "{issuer} answered with a token that is over already; compare this machine's clock"
            )));
        }
        Ok(Self {
            signer: Signer::by_token(token, key),
            expires_at: Some(expires_at),
        })
    }

    /// A session by a token that somebody put into a file or a variable, `what` in words.
    pub(crate) fn found(
        token: &SecretString,
        key: PrivateKey,
        what: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, ProviderError> {
        let claims = Claims::of(token.expose_secret().trim());
        let end = claims.as_ref().and_then(Claims::expires_at);
        match (&claims, end) {
            (None, _) => Err(failure(
                ErrorKind::NotConfigured,
                format!("{what} holds no security token"),
            )),
            (_, Some(end)) if end <= now => Err(failure(
                ErrorKind::IdentityUnavailable,
                format!("{what} ended at {end}; renew it"),
            )),
            _ => Ok(Self::lasting(Signer::by_token(token, key))),
        }
    }

    /// The same on behalf of a user.
    pub(crate) fn on_behalf_of(self, token: SecretString) -> Self {
        Self {
            signer: self.signer.on_behalf_of(token),
            ..self
        }
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end - MARGIN > now)
    }
}

fn token_end(token: &SecretString, issuer: &str) -> Result<DateTime<Utc>, ProviderError> {
    let token = token.expose_secret().trim();
    let claims = Claims::of(token.strip_prefix("ST$").unwrap_or(token));
    let end = claims.as_ref().and_then(Claims::expires_at);
    end.ok_or_else(|| malformed(format!("{issuer} answered without a token that has an end")))
}

/// The last session, for programs that ask for several registries or for a long time: they
/// federate once.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<Option<(String, Arc<Session>)>>);

impl Sessions {
    /// The session of a principal, and whether it was made earlier. `stale` is one that a service
    /// has just refused.
    pub(crate) async fn of(
        &self,
        principal: &Principal,
        reach: &Reach,
        stale: Option<&Arc<Session>>,
    ) -> Result<(Arc<Session>, bool), ProviderError> {
        let name = principal.stable_name();
        let mut last = self.0.lock().await;
        if let (Some(name), Some((of, session))) = (&name, &*last)
            && name == of
            && session.is_fresh(reach.now())
            && stale.is_none_or(|stale| !Arc::ptr_eq(stale, session))
        {
            return Ok((Arc::clone(session), true));
        }
        let session = Arc::new(principal.session(reach).await?);
        *last = name.map(|name| (name, Arc::clone(&session)));
        Ok((session, false))
    }
}

/// Oracle's SDKs renew a token five minutes early.
const MARGIN: TimeDelta = TimeDelta::minutes(5);
