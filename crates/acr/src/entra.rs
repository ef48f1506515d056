//! Tokens that Entra ID issues to an application, through azure_identity.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::ClientMethodOptions;
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions,
    ClientSecretCredential, ClientSecretCredentialOptions,
};
use secrecy::{ExposeSecret, SecretString};

use crate::application::Application;
use crate::entra_token::{TokenError, TokenRequest};
use crate::transport::Transport;
use crate::{ERRORS, sdk};

/// A token for an application that proves itself with its secret.
pub(crate) async fn by_secret(
    request: &TokenRequest<'_>,
    application: &Application,
    secret: &SecretString,
) -> Result<SecretString, TokenError> {
    let options = ClientSecretCredentialOptions {
        client_options: sdk::options(Transport::entra(request)?),
    };
    let credential = ClientSecretCredential::new(
        &application.tenant,
        application.client_id.clone(),
        Secret::new(secret.expose_secret().to_owned()),
        Some(options),
    );
    token(request, credential).await
}

/// A token for an application that proves itself with an assertion: a federated token, or one that
/// its certificate's key has signed. The library's own certificate credential needs OpenSSL and
/// takes PKCS#12 only, so [`crate::certificate`] makes that assertion.
pub(crate) async fn by_assertion(
    request: &TokenRequest<'_>,
    application: &Application,
    assertion: SecretString,
) -> Result<SecretString, TokenError> {
    let options = ClientAssertionCredentialOptions {
        client_options: sdk::options(Transport::entra(request)?),
    };
    let credential = ClientAssertionCredential::new(
        application.tenant.clone(),
        application.client_id.clone(),
        Assertion(assertion),
        Some(options),
    );
    token(request, credential).await
}

async fn token(
    request: &TokenRequest<'_>,
    credential: azure_core::Result<Arc<impl TokenCredential>>,
) -> Result<SecretString, TokenError> {
    let identity = request.identity;
    let credential = credential
        .map_err(|_| ERRORS.misconfigured(format!("{identity} cannot be used for Entra ID")))?;
    let asked = ERRORS
        .token_call(identity, format!("Entra ID at {}", request.authority))
        .if_refused("compare its client id, tenant id and credential with its registration");
    let token = sdk::token(&*credential, request.audience).await;
    token.map_err(|cause| TokenError::of(&asked, cause))
}

/// An assertion that exists already.
#[derive(Debug)]
struct Assertion(SecretString);

#[async_trait]
impl ClientAssertion for Assertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose_secret().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_not_shown() {
        let shown = format!("{:?}", Assertion("canary".into()));
        assert!(!shown.contains("canary"), "{shown}");
    }
}
