//! How one request is answered, decided before the first network request.

use std::fmt;
use std::pin::Pin;

use crate::{CacheKey, Issued, ProviderError};

/// A decision of [`Provider::plan`](crate::Provider::plan): the key of the answer and the work that
/// obtains it. The work owns the files and identities that the decision was based on, so that the
/// key and the answer cannot come from two states of a file.
pub struct Plan<'a> {
    key: Option<CacheKey>,
    fetch: Fetch<'a>,
}

type Fetch<'a> = Pin<Box<dyn Future<Output = Result<Issued, ProviderError>> + Send + 'a>>;

impl<'a> Plan<'a> {
    /// A plan whose answer processes of the same user may share under `key`; `None` keeps it to
    /// this process. The future runs in [`Plan::fetch`] only.
    pub fn new(
        key: Option<CacheKey>,
        fetch: impl Future<Output = Result<Issued, ProviderError>> + Send + 'a,
    ) -> Self {
        Self {
            key,
            fetch: Box::pin(fetch),
        }
    }

    /// The key under which processes of the same user may share the answer.
    #[must_use]
    pub fn key(&self) -> Option<&CacheKey> {
        self.key.as_ref()
    }

    /// Fetches fresh credentials.
    ///
    /// # Errors
    /// The failure of the identity source or of the cloud.
    pub async fn fetch(self) -> Result<Issued, ProviderError> {
        self.fetch.await
    }
}

impl fmt::Debug for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
