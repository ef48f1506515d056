//! A person's login: a refresh token that is exchanged for an access token (RFC 6749 section 6), as
//! `gcloud auth application-default login` writes it. Google's OAuth2 endpoint exchanges the one of
//! a Google account (by gcp_auth where it can, see [`crate::sdk`]), the Security Token Service the
//! one of a workforce pool.

use regcred_cloud::{AccessToken, secret};
use regcred_core::{Credentials, ProviderError, SecretText as _};
use regcred_http::FormValue::{Secret, Text};
use regcred_http::Request;
use secrecy::SecretString;
use serde::Deserialize;

use crate::credential_file::CredentialFile;
use crate::settings::{Cloud, Settings};
use crate::sts::SECURITY_TOKEN_SERVICE;
use crate::{ERRORS, call, sdk};

/// The fields of the file that are used.
#[derive(Deserialize)]
pub(crate) struct UserKey {
    client_id: String,
    /// OAuth clients of installed programs may have none.
    #[serde(default, deserialize_with = "secret")]
    client_secret: SecretString,
    #[serde(deserialize_with = "secret")]
    refresh_token: SecretString,
    token_url: Option<String>,
    universe_domain: Option<String>,
}

/// A login. The scopes of its tokens are those that it was made with.
pub(crate) struct UserLogin {
    file: CredentialFile,
    client: Credentials,
    refresh_token: SecretString,
    /// The Security Token Service's endpoint, for a login of a workforce pool.
    federated: Option<String>,
}

impl UserLogin {
    /// A login of a workforce pool, if `is_federated`, else of a Google account.
    ///
    /// # Errors
    /// When the file is of another universe or names an address that is not trusted.
    pub(crate) fn new(
        settings: &Settings,
        file: &CredentialFile,
        key: UserKey,
        is_federated: bool,
    ) -> Result<Self, String> {
        settings.check_universe(key.universe_domain.as_deref())?;
        let federated = if is_federated {
            Some(settings.renewal_url(key.token_url.as_deref())?)
        } else {
            None
        };
        Ok(Self {
            file: file.clone(),
            client: Credentials::new(key.client_id, key.client_secret),
            refresh_token: key.refresh_token,
            federated,
        })
    }

    /// An access token.
    pub(crate) async fn token(&self, cloud: &Cloud) -> Result<AccessToken, ProviderError> {
        let mut form = vec![
            ("grant_type", Text("refresh_token")),
            ("refresh_token", Secret(&self.refresh_token)),
        ];
        let (request, server) = if let Some(url) = &self.federated {
            let request = Request::post(url).basic(&self.client).form(&form);
            (request, call::server(SECURITY_TOKEN_SERVICE, url))
        } else {
            // gcp_auth reads it by itself.
            self.refresh_token.never_shown();
            if let Some(token) = sdk::user_token(cloud, &self.file).await {
                return Ok(token);
            }
            form.push(("client_id", Text(&self.client.username)));
            form.push(("client_secret", Secret(&self.client.password)));
            let settings = &cloud.settings;
            let public = || format!("https://oauth2.{}/token", settings.universe);
            let url = settings.oauth_url.clone().unwrap_or_else(public);
            let request = Request::post(&url).form(&form);
            (request, call::server("Google's token endpoint", &url))
        };
        let identity = format!("the login in {}", self.file.path.display());
        let asked = ERRORS
            .token_call(identity, server)
            .if_refused("renew it with gcloud auth application-default login");
        call::token(cloud, &cloud.web()?, request, &asked).await
    }
}
