//! One client for all calls of a provider.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::{Client, ClientOptions, HttpError};

/// A client that is made when it is first needed. Clones share it with its connections and its
/// trusted roots, which are read once.
#[derive(Clone, Default)]
pub struct SharedClient(Arc<OnceLock<Client>>);

impl SharedClient {
    /// The client; the options count the first time.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn get(&self, options: impl FnOnce() -> ClientOptions) -> Result<Client, HttpError> {
        if let Some(made) = self.0.get() {
            return Ok(made.clone());
        }
        let made = Client::new(options())?;
        Ok(self.0.get_or_init(|| made).clone())
    }
}

impl fmt::Debug for SharedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedClient")
            .field(&self.0.get().is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;

    #[test]
    fn clones_share_the_client_that_the_first_of_them_makes() {
        let shared = SharedClient::default();
        let other = shared.clone();
        assert_eq!(format!("{other:?}"), "SharedClient(false)");
        shared
            .get(|| ClientOptions::new(&Env::default()))
            .expect("a client");
        other
            .get(|| unreachable!("it is made"))
            .expect("the same client");
    }
}
