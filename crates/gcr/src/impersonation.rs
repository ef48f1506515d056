//! Acting as a service account: an identity that holds `roles/iam.serviceAccountTokenCreator` (or
//! `workloadIdentityUser`) requests its token from the IAM Service Account Credentials API.

use regcred_cloud::AccessToken;
use regcred_core::ProviderError;
use regcred_http::Request;
use secrecy::SecretString;
use serde_json::json;

use crate::ERRORS;
use crate::call;
use crate::settings::{CLOUD_PLATFORM, Cloud, Settings};

/// A service account to act as.
pub(crate) struct Impersonation {
    /// Whose identity it starts from, for messages: `the pod's identity`.
    whose: String,
    url: String,
    /// The service accounts between the identity and the one acted as, in order.
    pub(crate) delegates: Vec<String>,
    /// An hour by default. Google allows up to twelve hours where an organisation does.
    pub(crate) lifetime_seconds: u32,
}

impl Impersonation {
    /// Acts as the service account with this email, which must have been checked.
    pub(crate) fn of(settings: &Settings, whose: &str, email: &str) -> Self {
        Self::at(whose.to_owned(), settings.impersonation_url(email))
    }

    /// Acts as the service account in the URL, which must have been checked.
    pub(crate) fn at(whose: String, url: String) -> Self {
        Self {
            whose,
            url,
            delegates: Vec::new(),
            lifetime_seconds: 3600,
        }
    }

    /// The email of the account in the URL.
    pub(crate) fn account(&self) -> &str {
        let tail = self.url.rsplit('/').next().unwrap_or_default();
        tail.split(':').next().unwrap_or_default()
    }

    async fn token(
        &self,
        cloud: &Cloud,
        own: &SecretString,
        scopes: &str,
    ) -> Result<AccessToken, ProviderError> {
        let scopes: Vec<&str> = scopes.split(' ').collect();
        let mut body = json!({
            "lifetime": format!("{}s", self.lifetime_seconds),
            "scope": scopes,
        });
        if !self.delegates.is_empty() {
            body["delegates"] = json!(self.delegates);
        }
        let request = Request::post(&self.url).bearer(own).json(&body);
        let identity = format!("{} as {}", self.whose, self.account());
        let server = call::server("the IAM Credentials API", &self.url);
        let asked = ERRORS.token_call(identity, server).if_refused(IF_REFUSED);
        call::token(cloud, &cloud.web()?, request, &asked).await
    }
}

const IF_REFUSED: &str = "grant it roles/iam.serviceAccountTokenCreator on that account, or \
     roles/iam.workloadIdentityUser if it is of a workload identity pool";

/// The scopes with which an identity requests its own token: if it acts as a service account, that
/// account's token is narrowed and not its own.
pub(crate) fn own_scopes<'a>(accounts: &[Impersonation], scopes: &'a str) -> &'a str {
    if accounts.is_empty() {
        scopes
    } else {
        CLOUD_PLATFORM
    }
}

/// The token of the last account, each acted as with the token of the one before; `own` is the
/// first.
pub(crate) async fn act_as(
    cloud: &Cloud,
    own: AccessToken,
    accounts: &[Impersonation],
    scopes: &str,
) -> Result<AccessToken, ProviderError> {
    let mut token = own;
    for (number, account) in accounts.iter().enumerate() {
        let scopes = own_scopes(&accounts[number + 1..], scopes);
        token = account.token(cloud, &token.secret, scopes).await?;
    }
    Ok(token)
}
