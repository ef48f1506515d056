//! The one trait of a cloud, its request and its answer.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::{Credentials, ProviderError, ReferenceError, RegistryHost};

/// Obtains registry credentials of one cloud.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Stable lower-case name, the suffix of the crate: `ecr`.
    fn name(&self) -> &'static str;

    /// The images served, in the kubelet's `matchImages` syntax.
    fn match_images(&self) -> Vec<String>;

    /// Registries that docker may be told to ask this provider for, by name, beside the plain hosts
    /// of [`Provider::match_images`]; docker knows no patterns.
    fn docker_hosts(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether a token may go to this registry. Cheap, without I/O, and narrower than
    /// [`Provider::match_images`] where a host name needs it.
    fn serves(&self, registry: &RegistryHost) -> bool;

    /// Fetches fresh credentials; callers cache.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotServed`] for a registry that [`Provider::serves`] refuses; otherwise
    /// what the identity source or the cloud answered.
    async fn credentials(&self, request: &CredentialRequest) -> Result<Issued, ProviderError>;

    /// Under which key the answer may be shared with other processes of the same user: everything
    /// that decides the answer, by stable names (role, profile, account, region, endpoint), never a
    /// session key. `None` keeps the answer to this process.
    fn cache_key(&self, _request: &CredentialRequest) -> Option<CacheKey> {
        None
    }
}

/// What is asked of a provider: the kubelet's `CredentialProviderRequest` or a person's words.
#[derive(Clone, Debug)]
pub struct CredentialRequest {
    /// The image or host as asked, without a scheme.
    pub image: String,
    /// Its registry.
    pub registry: RegistryHost,
    /// The pod's service account token (KEP-4412), if the kubelet sent one.
    pub service_account_token: Option<SecretString>,
    /// The service account's annotations that the kubelet was configured to send.
    pub service_account_annotations: BTreeMap<String, String>,
}

impl CredentialRequest {
    /// A request for an image, a host or a registry URL, without a service account.
    ///
    /// # Errors
    /// When the text names no registry.
    pub fn new(image: &str) -> Result<Self, ReferenceError> {
        let image = image.trim();
        Ok(Self {
            registry: RegistryHost::parse(image)?,
            image: image
                .split_once("://")
                .map_or(image, |(_, rest)| rest)
                .to_owned(),
            service_account_token: None,
            service_account_annotations: BTreeMap::new(),
        })
    }
}

/// What a provider issued.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Credentials by pattern (`matchImages` syntax; mostly the registry itself). Empty means:
    /// pull without credentials.
    pub auth: Vec<(String, Credentials)>,
    /// For which other images a caller may reuse the answer.
    pub scope: CacheScope,
    /// When the credentials end; `None` when that is not known.
    pub expires_at: Option<DateTime<Utc>>,
    /// How long a caller may keep the answer, where an operator or the provider's own rule says
    /// so instead of the remaining life. Never stretches past `expires_at`.
    pub cache_for: Option<Duration>,
}

/// The kubelet's `cacheKeyType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CacheScope {
    /// This one image.
    Image,
    /// Every image of the registry.
    Registry,
    /// Every image that the provider matches.
    Global,
}

impl CacheScope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Image, Self::Registry, Self::Global];

    /// The value of `cacheKeyType`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Image => "Image",
            Self::Registry => "Registry",
            Self::Global => "Global",
        }
    }
}

/// What decides an answer, as text that holds no secret. Two requests with equal keys may share
/// one answer. It is hashed before it becomes a file name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// A key out of named parts, in the order given. Lengths are kept, so that no two lists of
    /// parts give the same key.
    pub fn new<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut key = String::new();
        for (name, value) in parts {
            key.push_str(&format!("{name}={}:{value};", value.len()));
        }
        Self(key)
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
