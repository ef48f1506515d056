//! The answer of a provider.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::Credentials;

/// Credentials, the images that they are for, and how long they may be kept.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Credentials by pattern (`matchImages` syntax; mostly the registry itself). Empty means:
    /// pull without credentials.
    pub auth: Vec<(String, Credentials)>,
    /// The other images for which a caller may reuse the answer.
    pub scope: CacheScope,
    /// When the credentials expire; `None` when that is not known.
    pub expires_at: Option<DateTime<Utc>>,
    /// How long a caller may keep the answer, where an operator or the provider's own rule
    /// decides that instead of the remaining life. Never extends past `expires_at`.
    pub cache_for: Option<Duration>,
}

impl Issued {
    /// An answer for every image of a registry, without a known expiry.
    #[must_use]
    pub fn new(auth: Vec<(String, Credentials)>) -> Self {
        Self {
            auth,
            scope: CacheScope::Registry,
            expires_at: None,
            cache_for: None,
        }
    }

    /// One login for one registry.
    #[must_use]
    pub fn login(registry: impl Into<String>, login: Credentials) -> Self {
        Self::new(vec![(registry.into(), login)])
    }

    /// The same answer, expiring at this time.
    #[must_use]
    pub fn until(mut self, expires_at: impl Into<Option<DateTime<Utc>>>) -> Self {
        self.expires_at = expires_at.into();
        self
    }

    /// The same answer, to be kept this long at most.
    #[must_use]
    pub fn keep_for(mut self, duration: impl Into<Option<Duration>>) -> Self {
        self.cache_for = duration.into();
        self
    }

    /// The same answer, reusable for these images.
    #[must_use]
    pub fn scope(mut self, scope: CacheScope) -> Self {
        self.scope = scope;
        self
    }
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
