//! Acting as a service account: an identity that holds `roles/iam.serviceAccountTokenCreator` (or
//! `workloadIdentityUser`) asks the IAM Service Account Credentials API for its token.

use std::path::Path;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{Request, Retry};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::failure::{call_failed, failure};
use crate::reach::Reach;
use crate::settings::CLOUD_PLATFORM;
use crate::sts::{LIMIT, TIMEOUT};
use crate::token::{AccessToken, TokenSource, is_empty, no_secret, secret};

/// A service account's token, for the identity of another source.
pub(crate) struct Impersonation {
    reach: Reach,
    source: Box<dyn TokenSource>,
    /// Whose identity it starts from, for messages: `the pod's identity`.
    whose: String,
    url: String,
    delegates: Vec<String>,
    lifetime_seconds: u32,
}

impl Impersonation {
    /// Acts as the service account with this email, which must have been checked.
    pub(crate) fn of(
        reach: &Reach,
        source: Box<dyn TokenSource>,
        whose: &str,
        email: &str,
    ) -> Self {
        let base = reach.iam_url();
        let url = format!("{base}/v1/projects/-/serviceAccounts/{email}:generateAccessToken");
        Self::at(reach, source, whose, url)
    }

    /// Acts as the service account in the URL, which must have been checked.
    pub(crate) fn at(
        reach: &Reach,
        source: Box<dyn TokenSource>,
        whose: &str,
        url: String,
    ) -> Self {
        Self {
            reach: reach.clone(),
            source,
            whose: whose.to_owned(),
            url,
            delegates: Vec::new(),
            lifetime_seconds: LIFETIME_SECONDS,
        }
    }

    /// The service accounts between the identity and the one acted as, in order.
    #[must_use]
    pub(crate) fn through(mut self, delegates: Vec<String>) -> Self {
        self.delegates = delegates;
        self
    }

    /// Another life than one hour. Google allows up to twelve hours where an organisation does.
    #[must_use]
    pub(crate) fn for_seconds(mut self, seconds: Option<u32>) -> Self {
        self.lifetime_seconds = seconds.unwrap_or(LIFETIME_SECONDS);
        self
    }

    fn account(&self) -> &str {
        let tail = self.url.rsplit('/').next().unwrap_or_default();
        tail.split(':').next().unwrap_or_default()
    }
}

#[async_trait]
impl TokenSource for Impersonation {
    async fn token(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let own = self.source.token(&[CLOUD_PLATFORM.to_owned()]).await?;
        let failed = format!("cannot act as {} with {}", self.account(), self.whose);
        let mut body = json!({
            "lifetime": format!("{}s", self.lifetime_seconds),
            "scope": scopes,
        });
        if !self.delegates.is_empty() {
            body["delegates"] = json!(self.delegates);
        }
        let request = Request::post(&self.url)
            .bearer(&own.secret)
            .json(&body)
            .timeout(TIMEOUT)
            .retry(Retry::gentle());
        let client = self.reach.web()?;
        let answer = async {
            let what = "the IAM Credentials API";
            let response = client.send(request).await?.success(what).await?;
            response.json::<Answer>(LIMIT).await
        };
        let answer = answer.await.map_err(|e| call_failed(&failed, e))?;
        let expires_at = DateTime::parse_from_rfc3339(&answer.expire_time)
            .map(|end| end.with_timezone(&Utc))
            .ok()
            .filter(|end| *end > self.reach.now());
        match expires_at {
            Some(expires_at) if !is_empty(&answer.access_token) => Ok(AccessToken {
                secret: answer.access_token,
                expires_at,
            }),
            _ => Err(failure(
                ErrorKind::Malformed,
                format!("{failed}: the IAM Credentials API answered without a token that is valid"),
            )),
        }
    }
}

/// The identity that a credentials file describes, for messages.
pub(crate) fn whose(file: &Path) -> String {
    format!("the identity in {}", file.display())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default = "no_secret", deserialize_with = "secret")]
    access_token: SecretString,
    #[serde(default)]
    expire_time: String,
}

const LIFETIME_SECONDS: u32 = 3600;
