//! A Kubernetes service account that is asked of the API server: who it is, and tokens of it
//! (TokenRequest), cached as the kubelet caches them (kubernetes `pkg/kubelet/token`).

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::authentication::v1::{BoundObjectReference, TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use regcred_core::{
    Clock, PodServiceAccount, ServiceAccount, ServiceAccountCoordinates, ServiceAccountError,
    report,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer};
use tokio::time::timeout;

use super::call::{Call, json, resource};
use super::client::Cluster;
use super::error::ClusterError;
use super::token_cache::{KeptToken, TokenKey};
use crate::backoff::fraction;

/// A service account of a cluster, as the source of tokens for credential plugins: for the engine's
/// pods, and for the identities of namespaces.
///
/// Tokens are cached, shared by all that ask the same cluster for the same, until four fifths of their
/// life or a day have passed; an older one is still used while no new one is available.
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

    /// Binds its tokens to a pod: they expire with it. A kubelet's tokens are always bound.
    #[must_use]
    pub fn bound_to_pod(mut self, name: impl Into<String>, uid: impl Into<String>) -> Self {
        self.pod = Some((name.into(), uid.into()));
        self
    }

    /// Requests tokens that live this long; the server grants ten minutes or more, and an hour by
    /// default.
    #[must_use]
    pub fn living_for(mut self, life: Duration) -> Self {
        self.life = Some(life);
        self
    }

    async fn request(&self, key: &TokenKey) -> Result<KeptToken, TokenError> {
        let body = TokenRequest {
            metadata: ObjectMeta {
                // A precondition: an account that was deleted and made again under its name is
                // another one.
                uid: Some(key.account.clone()).filter(|uid| !uid.is_empty()),
                ..ObjectMeta::default()
            },
            spec: TokenRequestSpec {
                audiences: vec![key.audience.clone()],
                bound_object_ref: self.pod.as_ref().map(|(name, uid)| BoundObjectReference {
                    api_version: Some("v1".to_owned()),
                    kind: Some("Pod".to_owned()),
                    name: Some(name.clone()),
                    uid: Some(uid.clone()),
                }),
                expiration_seconds: self.life.and_then(|life| life.as_secs().try_into().ok()),
            },
            status: None,
        };
        let accounts = resource::<v1::ServiceAccount>(Some(&self.namespace));
        let params = PostParams::default();
        let built = accounts.create_subresource("token", &self.name, &params, json(&body));
        // Sent twice it only issues two tokens.
        let call = Call::new(built)?.limit(MAX_ANSWER).attempts(ATTEMPTS);
        let answer: TokenResponse = timeout(PATIENCE, self.cluster.send(&call))
            .await
            .map_err(|_| TokenError::Slow)??;
        answer.checked(&key.audience, self.clock.now())
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
        let key = TokenKey {
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
        match kept.as_ref().filter(|kept| now < kept.expires_at) {
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

/// The part of a TokenRequest's answer that is used. The library's own type holds the token unmasked.
#[derive(Deserialize)]
struct TokenResponse {
    spec: IssuedSpec,
    status: IssuedStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuedSpec {
    #[serde(default)]
    audiences: Vec<String>,
    expiration_seconds: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IssuedStatus {
    #[serde(deserialize_with = "secret")]
    token: SecretString,
    expiration_timestamp: DateTime<Utc>,
}

impl TokenResponse {
    /// The token, if it is the one requested.
    fn checked(self, audience: &str, now: DateTime<Utc>) -> Result<KeptToken, TokenError> {
        let malformed = || TokenError::Malformed(audience.to_owned());
        let IssuedStatus {
            token,
            expiration_timestamp: expires_at,
        } = self.status;
        let text = token.expose_secret();
        let is_token = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !is_token || self.spec.audiences != [audience] {
            return Err(malformed());
        }
        let life = match self.spec.expiration_seconds {
            Some(seconds) => TimeDelta::try_seconds(seconds).ok_or_else(malformed)?,
            None => expires_at - now,
        };
        let jitter = TimeDelta::milliseconds((fraction() * JITTER_MS) as i64);
        let issued = expires_at.checked_sub_signed(life).ok_or_else(malformed)?;
        let renew_at = (expires_at - life / 5).min(issued + LONGEST) - jitter;
        Ok(KeptToken {
            token,
            renew_at,
            expires_at,
        })
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(Into::into)
}

/// For a request with all its attempts.
const PATIENCE: Duration = Duration::from_secs(50);
const ATTEMPTS: u32 = 3;
const MAX_ANSWER: usize = 256 << 10;
const LONGEST: TimeDelta = TimeDelta::hours(24);
const JITTER_MS: f64 = 10_000.0;

#[cfg(test)]
mod tests;
