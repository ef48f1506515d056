//! A Kubernetes service account that is asked of the API server: who it is, and tokens of it
//! (TokenRequest). Kept as the kubelet keeps them (kubernetes `pkg/kubelet/token`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{
    Clock, PodServiceAccount, ServiceAccount, ServiceAccountCoordinates, ServiceAccountError,
    report,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use tokio::time::timeout;

use super::accounts::path;
use super::{Call, Cluster, ClusterError};
use crate::token::fraction;

/// A service account of a cluster, as the source of tokens for credential plugins: for the engine's
/// pods, and for the identities of namespaces.
///
/// Tokens are kept, shared by all that ask the same cluster for the same, until four fifths of their
/// life or a day have passed; an older one is still given out while no new one is to be had.
#[derive(Clone)]
pub struct KubernetesAccount {
    cluster: Cluster,
    clock: Clock,
    namespace: String,
    name: String,
    pod: Option<(String, String)>,
    life: Option<Duration>,
}

impl KubernetesAccount {
    /// The account of this name.
    pub fn new(
        cluster: &Cluster,
        clock: Clock,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            clock,
            namespace: namespace.into(),
            name: name.into(),
            pod: None,
            life: None,
        }
    }

    /// Binds its tokens to a pod: they end with it. A kubelet's are always bound.
    #[must_use]
    pub fn bound_to_pod(mut self, name: impl Into<String>, uid: impl Into<String>) -> Self {
        self.pod = Some((name.into(), uid.into()));
        self
    }

    /// Asks for tokens that live so long; the server gives no less than ten minutes, and an hour
    /// where nothing is asked for.
    #[must_use]
    pub fn living_for(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }

    async fn request(&self, key: &Key) -> Result<Kept, TokenError> {
        let mut body = json!({
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"audiences": [key.audience]},
        });
        if let Some(life) = self.life {
            body["spec"]["expirationSeconds"] = life.as_secs().into();
        }
        if let Some((name, uid)) = &self.pod {
            body["spec"]["boundObjectRef"] =
                json!({"apiVersion": "v1", "kind": "Pod", "name": name, "uid": uid});
        }
        // A precondition: an account that was made anew under its name is another one.
        if !key.account.is_empty() {
            body["metadata"]["uid"] = key.account.as_str().into();
        }
        let place = format!("{}/token", path(&self.namespace, &self.name));
        // Asked twice it only issues twice.
        let call = Call::post(place, body.to_string())
            .limit(MAX_ANSWER)
            .attempts(ATTEMPTS);
        let answer: TokenRequest = timeout(PATIENCE, self.cluster.send(&call))
            .await
            .unwrap_or_else(|_| Err(ClusterError::unreachable(&call, "it took too long")))?;
        answer.kept(&key.audience, self.clock.now())
    }
}

#[async_trait]
impl PodServiceAccount for KubernetesAccount {
    async fn account(&self) -> Result<ServiceAccount, ServiceAccountError> {
        let (namespace, name) = (&self.namespace, &self.name);
        let found = self.cluster.account(namespace, name);
        let found = timeout(PATIENCE, found)
            .await
            .map_err(|_| TokenError::Slow)?
            .map_err(TokenError::from)?;
        let found = found.ok_or_else(|| TokenError::Absent {
            namespace: namespace.clone(),
            name: name.clone(),
        })?;
        Ok(ServiceAccount {
            coordinates: ServiceAccountCoordinates {
                namespace: namespace.clone(),
                name: name.clone(),
                uid: found.metadata.uid,
            },
            annotations: found.metadata.annotations,
        })
    }

    async fn token(
        &self,
        account: &ServiceAccount,
        audience: &str,
    ) -> Result<SecretString, ServiceAccountError> {
        let key = Key {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            account: account.coordinates.uid.clone(),
            pod: self.pod.clone(),
            audience: audience.to_owned(),
            life: self.life,
        };
        let slot = self.cluster.tokens.slot(&key, self.clock.now());
        // Of those that ask together one asks the server.
        let mut kept = slot.0.lock().await;
        let now = self.clock.now();
        if let Some(kept) = kept.as_ref().filter(|kept| now < kept.renew_at) {
            return Ok(kept.token.clone());
        }
        let error = match self.request(&key).await {
            Ok(fresh) => return Ok(kept.insert(fresh).token.clone()),
            Err(error) => error,
        };
        match kept.as_ref().filter(|kept| now < kept.end) {
            Some(kept) => {
                let (namespace, name) = (&self.namespace, &self.name);
                tracing::warn!(
                    "the token of service account {namespace}/{name} could not be renewed: {}",
                    report(&error)
                );
                Ok(kept.token.clone())
            }
            None => Err(Box::new(error)),
        }
    }
}

/// No account, or no token of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("there is no service account {namespace}/{name}")]
    Absent { namespace: String, name: String },
    #[error("the API server took too long")]
    Slow,
    #[error("the API server's answer is no token for the audience {0:?}")]
    Malformed(String),
}

impl TokenError {
    /// Whether the same question may be answered a little later.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Cluster(error) => error.is_passing(),
            Self::Slow => true,
            Self::Absent { .. } | Self::Malformed(_) => false,
        }
    }
}

/// Tokens in memory.
#[derive(Default)]
pub(super) struct AccountTokens(Mutex<HashMap<Key, Arc<Slot>>>);

/// Whose token, for whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    namespace: String,
    name: String,
    account: String,
    pod: Option<(String, String)>,
    audience: String,
    life: Option<Duration>,
}

#[derive(Default)]
struct Slot(tokio::sync::Mutex<Option<Kept>>);

struct Kept {
    token: SecretString,
    renew_at: DateTime<Utc>,
    end: DateTime<Utc>,
}

impl AccountTokens {
    fn slot(&self, key: &Key, now: DateTime<Utc>) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !slots.contains_key(key) && slots.len() >= ROOM {
            // What somebody holds is being asked for.
            slots.retain(|_, slot| match slot.0.try_lock() {
                Ok(kept) => kept.as_ref().is_some_and(|kept| now < kept.end),
                Err(_) => true,
            });
            if slots.len() >= ROOM {
                slots.clear();
            }
        }
        Arc::clone(slots.entry(key.clone()).or_default())
    }
}

impl TokenRequest {
    /// The token, if it is what was asked for.
    fn kept(self, audience: &str, now: DateTime<Utc>) -> Result<Kept, TokenError> {
        let malformed = || TokenError::Malformed(audience.to_owned());
        let TokenStatus {
            token,
            expiration_timestamp: end,
        } = self.status;
        let text = token.expose_secret();
        let is_token = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !is_token || self.spec.audiences != [audience] {
            return Err(malformed());
        }
        let life = match self.spec.expiration_seconds {
            Some(seconds) => TimeDelta::try_seconds(seconds).ok_or_else(malformed)?,
            None => end - now,
        };
        let jitter = TimeDelta::milliseconds((fraction() * JITTER_MS) as i64);
        let fifth = life / 5;
        let begun = end.checked_sub_signed(life).ok_or_else(malformed)?;
        let renew_at = (end - fifth).min(begun + LONGEST) - jitter;
        Ok(Kept {
            token,
            renew_at,
            end,
        })
    }
}

#[derive(Deserialize)]
struct TokenRequest {
    spec: TokenSpec,
    status: TokenStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenSpec {
    #[serde(default)]
    audiences: Vec<String>,
    expiration_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenStatus {
    #[serde(deserialize_with = "secret")]
    token: SecretString,
    expiration_timestamp: DateTime<Utc>,
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(Into::into)
}

/// For a question with all its attempts.
const PATIENCE: Duration = Duration::from_secs(50);
const ATTEMPTS: u32 = 3;
const MAX_ANSWER: usize = 256 << 10;
const ROOM: usize = 10_000;
const LONGEST: TimeDelta = TimeDelta::hours(24);
const JITTER_MS: f64 = 10_000.0;

#[cfg(test)]
mod tests;
