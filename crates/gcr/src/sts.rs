//! Google's Security Token Service: a foreign token is exchanged for a federated access token
//! (RFC 8693, <https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token>).

use std::time::Duration;

use regcred_core::{Credentials, ProviderError};
use regcred_http::{Client, Request, Retry};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::failure::call_failed;
use crate::reach::Reach;
use crate::token::{AccessToken, TokenAnswer};

/// One exchange.
pub(crate) struct Exchange<'a> {
    pub(crate) url: &'a str,
    /// The pool provider, or GKE's identity namespace with the cluster behind it.
    pub(crate) audience: &'a str,
    pub(crate) subject_token: &'a SecretString,
    /// The subject token's type as a URN.
    pub(crate) subject_token_type: &'a str,
    pub(crate) scopes: &'a [String],
    /// The client's own login, where the pool demands one.
    pub(crate) client: Option<&'a Credentials>,
    /// The project that is billed, for workforce pools.
    pub(crate) user_project: Option<&'a str>,
    /// Whose token it is, for messages: `the pod's service account token`.
    pub(crate) whose: &'a str,
}

impl Exchange<'_> {
    /// Sends the request.
    pub(crate) async fn send(
        &self,
        reach: &Reach,
        client: &Client,
    ) -> Result<AccessToken, ProviderError> {
        let scope = self.scopes.join(" ");
        let options = self
            .user_project
            .filter(|_| self.client.is_none())
            .map(|project| json!({ "userProject": project }).to_string());
        let mut form = vec![
            ("audience", self.audience),
            ("grant_type", TOKEN_EXCHANGE),
            ("requested_token_type", ACCESS_TOKEN),
            ("scope", &scope),
            ("subject_token", self.subject_token.expose_secret()),
            ("subject_token_type", self.subject_token_type),
        ];
        if let Some(options) = &options {
            form.push(("options", options));
        }
        let mut request = Request::post(self.url).form(&form).secret_body();
        if let Some(login) = self.client {
            request = request.basic(login);
        }
        ask_for_token(
            reach,
            client,
            request,
            &format!(
                "the Security Token Service did not exchange {} (audience {})",
                self.whose, self.audience
            ),
            "the Security Token Service",
        )
        .await
    }
}

/// Sends a request to a token endpoint and reads its answer. `failed` says what could not be done,
/// `issuer` who answers.
pub(crate) async fn ask_for_token(
    reach: &Reach,
    client: &Client,
    request: Request,
    failed: &str,
    issuer: &str,
) -> Result<AccessToken, ProviderError> {
    let request = request.timeout(TIMEOUT).retry(Retry::gentle());
    let answer = async {
        let response = client.send(request).await?.success("its answer").await?;
        response.json::<TokenAnswer>(LIMIT).await
    };
    let answer = answer.await.map_err(|e| call_failed(failed, e))?;
    answer.accept(reach.now(), issuer)
}

/// RFC 8693's grant type.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The subject token type of service account tokens.
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// For one call with its repeats: three of them fit into the provider's deadline.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(14);
/// Longest token answer that is read, in bytes.
pub(crate) const LIMIT: usize = 256 * 1024;
