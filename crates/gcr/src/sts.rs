//! Google's Security Token Service: a foreign token is exchanged for a federated access token
//! (RFC 8693, <https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token>).

use regcred_cloud::AccessToken;
use regcred_core::{Credentials, ProviderError};
use regcred_http::FormValue::{Secret, Text};
use regcred_http::{Client, Request};
use secrecy::SecretString;
use serde_json::json;

use crate::ERRORS;
use crate::call;
use crate::settings::Cloud;

/// What stays the same from one exchange to the next.
pub(crate) struct Exchange {
    pub(crate) url: String,
    /// The pool provider, or GKE's identity namespace followed by the cluster.
    pub(crate) audience: String,
    /// The subject token's type as a URN.
    pub(crate) subject_token_type: String,
    /// The client's own login, where the pool requires one.
    pub(crate) client: Option<Credentials>,
    /// The project that is billed, for workforce pools.
    pub(crate) user_project: Option<String>,
    /// Whose token it is, for messages: `the pod's service account token`.
    pub(crate) whose: String,
}

impl Exchange {
    /// The federated token for a subject token.
    pub(crate) async fn token(
        &self,
        cloud: &Cloud,
        client: &Client,
        subject_token: &SecretString,
        scopes: &str,
    ) -> Result<AccessToken, ProviderError> {
        let project = self.user_project.as_ref();
        let options = project.map(|project| json!({ "userProject": project }).to_string());
        let mut form = vec![
            ("audience", Text(&self.audience)),
            ("grant_type", Text(TOKEN_EXCHANGE)),
            ("requested_token_type", Text(ACCESS_TOKEN)),
            ("scope", Text(scopes)),
            ("subject_token", Secret(subject_token)),
            ("subject_token_type", Text(&self.subject_token_type)),
        ];
        // A client's login names the project already.
        if let (Some(options), None) = (&options, &self.client) {
            form.push(("options", Text(options)));
        }
        let mut request = Request::post(&self.url).form(&form);
        if let Some(login) = &self.client {
            request = request.basic(login);
        }
        let whose = format!("{} (audience {})", self.whose, self.audience);
        let asked = ERRORS
            .token_call(whose, call::server(SECURITY_TOKEN_SERVICE, &self.url))
            .if_refused(IF_REFUSED);
        call::token(cloud, client, request, &asked).await
    }
}

/// The service's name in messages.
pub(crate) const SECURITY_TOKEN_SERVICE: &str = "the Security Token Service";
/// The subject token type of service account tokens.
pub(crate) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// RFC 8693's grant type.
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const IF_REFUSED: &str = "compare the token's issuer, audience and claims with the provider of the workload identity pool";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
