//! azure_identity: how its credentials are set up, and what comes back from them. Its transport and
//! its process runner are ours.

use std::error::Error;
use std::io;
use std::sync::Arc;

use azure_core::cloud::CustomConfiguration;
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RetryOptions, Transport as Seam};
use secrecy::SecretString;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use crate::transport::Transport;

/// The options of a credential that sends its requests through the transport.
pub(crate) fn options(transport: Transport) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = transport.known_as().to_owned();
    ClientOptions {
        transport: Some(Seam::new(Arc::new(transport))),
        retry: RetryOptions::none(),
        cloud: Some(Arc::new(cloud.into())),
        ..ClientOptions::default()
    }
}

/// A token for the audience. The error is the one that our transport or runner returned to the
/// library; `None` when they did not fail and the response has no token. The library's own words
/// and log events are dropped, because they may repeat whole responses.
pub(crate) async fn token<E: Error + Send + Sync + 'static>(
    credential: &impl TokenCredential,
    audience: &str,
) -> Result<SecretString, Option<E>> {
    let scope = format!("{audience}/.default");
    let scopes = [scope.as_str()];
    let token = credential
        .get_token(&scopes, None)
        .with_subscriber(Dispatch::none())
        .await
        .map_err(own_cause)?;
    match token.token.secret() {
        "" => Err(None),
        token => Ok(token.into()),
    }
}

/// Our own error inside the library's, which wraps it several times.
fn own_cause<E: Error + Send + Sync + 'static>(error: azure_core::Error) -> Option<E> {
    let mut cause = error.into_inner().ok()?;
    loop {
        cause = match cause.downcast::<E>() {
            Ok(own) => return Some(*own),
            Err(other) => match other.downcast::<azure_core::Error>() {
                Ok(wrapped) => wrapped.into_inner().ok()?,
                Err(other) => other.downcast::<io::Error>().ok()?.into_inner()?,
            },
        };
    }
}

#[cfg(test)]
mod tests {
    use azure_core::credentials::{AccessToken, Secret};
    use azure_core::time::OffsetDateTime;

    #[test]
    fn the_librarys_feature_that_shows_secrets_is_off() {
        let token = AccessToken::new("canary".to_owned(), OffsetDateTime::UNIX_EPOCH);
        let shown = format!("{token:?} {:?}", Secret::new("canary"));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
