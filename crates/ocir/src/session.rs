//! An identity that has proved itself: a signer and its expiry.

use chrono::{DateTime, TimeDelta, Utc};
use regcred_cloud::{Claims, TokenCall};
use regcred_core::{ErrorKind, ProviderError};
use secrecy::SecretString;

use crate::ERRORS;
use crate::key::PrivateKey;
use crate::signer::Signer;

/// A signer and its expiry. Token and key are one value, so that they are only ever replaced
/// together.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) signer: Signer,
    /// `None` when it was not made here and is read again each time.
    expires_at: Option<DateTime<Utc>>,
}

impl Session {
    /// A signer that is read again for each request.
    pub(crate) fn lasting(signer: Signer) -> Self {
        Self {
            signer,
            expires_at: None,
        }
    }

    /// A session by a security token that a call has just issued for the key.
    pub(crate) fn issued(
        token: &SecretString,
        key: PrivateKey,
        asked: &TokenCall,
        now: DateTime<Utc>,
    ) -> Result<Self, ProviderError> {
        let endless = "it returned a token without an expiry";
        let expires_at = Claims::of(token).and_then(|claims| claims.expires_at());
        let expires_at = expires_at.ok_or_else(|| asked.answered(ErrorKind::Malformed, endless))?;
        if expires_at <= now {
            return Err(asked.expired());
        }
        Ok(Self {
            signer: Signer::by_token(token, key),
            expires_at: Some(expires_at),
        })
    }

    /// A session by a token that was put into a file or a variable; messages call it `what`.
    pub(crate) fn found(
        token: &SecretString,
        key: PrivateKey,
        what: &str,
        now: DateTime<Utc>,
    ) -> Result<Self, ProviderError> {
        let Some(claims) = Claims::of(token) else {
            return Err(ERRORS.misconfigured(format!("{what} is not a security token")));
        };
        match claims.expires_at() {
            Some(expiry) if expiry <= now => {
                Err(ERRORS.no_identity(format!("{what} expired at {expiry}; renew it")))
            }
            _ => Ok(Self::lasting(Signer::by_token(token, key))),
        }
    }

    /// The same on behalf of a user, by the user's delegation token.
    pub(crate) fn on_behalf_of(self, token: SecretString) -> Self {
        Self {
            signer: self.signer.on_behalf_of(token),
            ..self
        }
    }

    /// Whether it may be used for another request.
    pub(crate) fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|expiry| expiry - MARGIN > now)
    }
}

/// Oracle's SDKs renew a token five minutes early.
const MARGIN: TimeDelta = TimeDelta::minutes(5);
