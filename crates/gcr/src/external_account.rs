//! Workload identity federation (`external_account` files): a token of another identity provider,
//! read from a file, a URL, a program, AWS or a certificate, is exchanged at the Security Token
//! Service. <https://google.aip.dev/auth/4117>
//!
//! Such a file can make its reader run programs, read files and send their content elsewhere. So
//! programs run only if the operator allows it, and addresses are checked ([`crate::trusted_urls`]).

mod aws;
mod certificate;
mod executable;
mod subject_text;

use std::path::Path;

use regcred_cloud::{AccessToken, secret};
use regcred_core::{Credentials, ProviderError};
use regcred_http::Client;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use self::aws::Aws;
use self::certificate::Certificate;
use self::executable::Executable;
use self::subject_text::{SubjectFile, SubjectUrl};
use crate::impersonation::Impersonation;
use crate::json_fields::fields;
use crate::settings::{Cloud, Settings};
use crate::sts::Exchange;

/// The fields of the file that are used.
#[derive(Deserialize)]
pub(crate) struct ExternalAccountKey {
    audience: String,
    subject_token_type: String,
    credential_source: Value,
    token_url: Option<String>,
    service_account_impersonation_url: Option<String>,
    #[serde(default)]
    service_account_impersonation: ImpersonationOptions,
    client_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    client_secret: Option<SecretString>,
    workforce_pool_user_project: Option<String>,
    universe_domain: Option<String>,
}

#[derive(Default, Deserialize)]
struct ImpersonationOptions {
    token_lifetime_seconds: Option<u32>,
}

/// A foreign identity and the exchange that makes it one of Google's.
pub(crate) struct ExternalAccount {
    subject: Subject,
    exchange: Exchange,
}

impl ExternalAccount {
    /// The account and the service account as which it acts; `whose` is its name in messages.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub(crate) fn new(
        settings: &Settings,
        path: &Path,
        whose: String,
        key: ExternalAccountKey,
    ) -> Result<(Self, Option<Impersonation>), String> {
        settings.check_universe(key.universe_domain.as_deref())?;
        if key.workforce_pool_user_project.is_some() && !is_workforce_pool(&key.audience) {
            return Err(
                "it has workforce_pool_user_project, but its audience is not a workforce pool"
                    .to_owned(),
            );
        }
        let acts_as = match &key.service_account_impersonation_url {
            None => None,
            Some(url) => {
                let url = settings.named_impersonation_url(url)?;
                let mut account = Impersonation::at(whose, url);
                // Go's encoder writes 0 for what is not set.
                match key.service_account_impersonation.token_lifetime_seconds {
                    None | Some(0) => {}
                    Some(seconds) => account.lifetime_seconds = seconds,
                }
                Some(account)
            }
        };
        let subject = Subject::new(settings, &key, acts_as.as_ref())?;
        let url = match (&key.token_url, &subject) {
            (Some(url), _) => settings.named_exchange_url(url)?,
            (None, Subject::Certificate(_)) => certificate::TOKEN_URL.to_owned(),
            (None, _) => settings.exchange_url(),
        };
        let client = key.client_id.zip(key.client_secret);
        let exchange = Exchange {
            url,
            audience: key.audience,
            subject_token_type: key.subject_token_type,
            client: client.map(|(id, secret)| Credentials::new(id, secret)),
            user_project: key.workforce_pool_user_project,
            whose: format!("the subject token of {}", path.display()),
        };
        Ok((Self { subject, exchange }, acts_as))
    }

    /// The federated token.
    pub(crate) async fn token(
        &self,
        cloud: &Cloud,
        scopes: &str,
    ) -> Result<AccessToken, ProviderError> {
        let audience = &self.exchange.audience;
        let exchange = &self.exchange;
        let subject_token = self.subject.token(cloud, audience).await;
        let (client, subject_token) = subject_token.map_err(|error| {
            error.reworded(|sentence| format!("{}: {sentence}", exchange.whose))
        })?;
        exchange.token(cloud, &client, &subject_token, scopes).await
    }
}

/// Where the foreign token comes from.
enum Subject {
    Aws(Aws),
    File(SubjectFile),
    Url(SubjectUrl),
    Executable(Executable),
    Certificate(Certificate),
}

impl Subject {
    fn new(
        settings: &Settings,
        key: &ExternalAccountKey,
        acts_as: Option<&Impersonation>,
    ) -> Result<Self, String> {
        let source = &key.credential_source;
        let named: Vec<&str> = KINDS
            .into_iter()
            .filter(|name| source.get(name).is_some())
            .collect();
        match named[..] {
            ["environment_id", ..] => Aws::new(settings, fields(SOURCE, source)?).map(Self::Aws),
            ["file"] => fields(SOURCE, source).map(Self::File),
            ["url"] => SubjectUrl::new(settings, fields(SOURCE, source)?).map(Self::Url),
            ["executable"] => {
                let wanted = fields(SOURCE, &source["executable"])?;
                let account = acts_as.map(Impersonation::account);
                Executable::new(wanted, &key.subject_token_type, account).map(Self::Executable)
            }
            ["certificate"] => fields(SOURCE, &source["certificate"]).map(Self::Certificate),
            _ => Err(format!(
                "{SOURCE} must have exactly one of {}",
                KINDS.join(", ")
            )),
        }
    }

    /// The foreign token, and the client for the exchange, which shows a certificate where that is
    /// the subject.
    async fn token(
        &self,
        cloud: &Cloud,
        audience: &str,
    ) -> Result<(Client, SecretString), ProviderError> {
        let token = match self {
            Self::Aws(aws) => aws.token(cloud, audience).await?,
            Self::File(file) => file.token()?,
            Self::Url(url) => url.token(cloud).await?,
            Self::Executable(executable) => executable.token(cloud, audience).await?,
            Self::Certificate(certificate) => return certificate.client_and_token(cloud),
        };
        Ok((cloud.web()?, token))
    }
}

fn is_workforce_pool(audience: &str) -> bool {
    audience
        .strip_prefix("//iam.googleapis.com/locations/")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(location, rest)| !location.is_empty() && rest.starts_with("workforcePools/"))
}

/// How reasons name the part of the file that describes the subject.
const SOURCE: &str = "its credential_source";
/// The fields by which a subject is recognised. AWS's needs only the first, whatever else is there.
const KINDS: [&str; 5] = ["environment_id", "file", "url", "executable", "certificate"];

#[cfg(test)]
mod tests;
