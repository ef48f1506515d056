//! Service account token mode (KEP-4412): which identity a plugin is run with.

use std::collections::BTreeMap;

use regcred_api::TokenAttributes;
use regcred_core::{
    PodServiceAccount, SecretText as _, ServiceAccount, ServiceAccountCoordinates,
    ServiceAccountError, fingerprint, report,
};
use secrecy::SecretString;

use super::SkipReason;
use super::cache::AccountKey;

/// `tokenAttributes` of a provider.
pub(super) struct TokenMode(pub(super) TokenAttributes);

/// The pod's identity for a run of a plugin. The default is that of a plugin without token mode, and
/// of a pod without service account.
#[derive(Clone, Default)]
pub(super) struct Identity {
    pub(super) key: AccountKey,
    pub(super) account: Option<ServiceAccountCoordinates>,
    pub(super) token: Option<SecretString>,
    pub(super) annotations: BTreeMap<String, String>,
}

pub(super) enum Unidentified {
    Skip(SkipReason),
    Failed(String),
}

impl TokenMode {
    /// Whether the plugin may return the token itself as password.
    pub(super) fn passes_token(&self) -> bool {
        self.0.cache_type == "Token"
    }

    /// Gets annotations, then a token, then makes the cache key: the order of the kubelet.
    pub(super) async fn identify(
        &self,
        account: Option<&dyn PodServiceAccount>,
    ) -> Result<Identity, Unidentified> {
        let Some(source) = account else {
            return if self.0.require_service_account == Some(true) {
                Err(Unidentified::Skip(SkipReason::NoServiceAccount))
            } else {
                Ok(Identity::default())
            };
        };
        let failed = |what: &'static str| {
            move |error: ServiceAccountError| {
                Unidentified::Failed(format!("failed to get {what}: {}", report(&*error)))
            }
        };
        let account = source.account().await;
        let account = account.map_err(failed("service account"))?;
        let annotations = self.annotations(&account)?;
        let audience = &self.0.service_account_token_audience;
        let token = source.token(&account, audience).await;
        let token = token.map_err(failed("service account token"))?;
        let mut identity = Identity {
            account: Some(account.coordinates.clone()),
            token: Some(token),
            annotations,
            ..Identity::default()
        };
        identity.key = self.key(&account.coordinates, &identity);
        // The kubelet writes the length of each part, and of all, in two bytes, and the number of
        // annotations, which is a part here, in four.
        let lengths = identity.key.iter().map(|part| part.len() + 2);
        let count = identity.key.get(3).map_or(0, String::len);
        if lengths.sum::<usize>() + 2 - count > usize::from(u16::MAX) {
            let why = "error generating service account cache key: it is longer than 65535 bytes";
            return Err(Unidentified::Failed(why.to_owned()));
        }
        Ok(identity)
    }

    fn annotations(
        &self,
        account: &ServiceAccount,
    ) -> Result<BTreeMap<String, String>, Unidentified> {
        let mut sent = BTreeMap::new();
        for key in &self.0.required_service_account_annotation_keys {
            let Some(value) = account.annotations.get(key) else {
                return Err(Unidentified::Skip(SkipReason::NoAnnotation(key.clone())));
            };
            sent.insert(key.clone(), value.clone());
        }
        for key in &self.0.optional_service_account_annotation_keys {
            if let Some(value) = account.annotations.get(key) {
                sent.insert(key.clone(), value.clone());
            }
        }
        Ok(sent)
    }

    fn key(&self, account: &ServiceAccountCoordinates, identity: &Identity) -> AccountKey {
        let count = identity.annotations.len().to_string();
        let mut parts: Vec<String> = [&account.namespace, &account.name, &account.uid, &count]
            .map(Clone::clone)
            .into();
        for (name, value) in &identity.annotations {
            parts.extend([name.clone(), value.clone()]);
        }
        if self.passes_token() {
            parts.push("token".to_owned());
            parts.extend(identity.token_hash());
        }
        parts.into()
    }
}

impl Identity {
    /// `sha256:` and hex digits; `None` without a token, and for an empty one.
    pub(super) fn token_hash(&self) -> Option<String> {
        let token = self.token.as_ref()?;
        if token.is_empty() {
            return None;
        }
        Some(format!("sha256:{}", fingerprint(token)))
    }
}
