//! Workload identity federation (`external_account` files): a token of another identity provider,
//! read from a file, a URL, a program, AWS or a certificate, is exchanged at the Security Token
//! Service. <https://google.aip.dev/auth/4117>
//!
//! Such a file can make its reader run programs, read files and send what they hold elsewhere. So
//! programs run only on the operator's word, and addresses are checked ([`crate::trusted`]).

mod aws;
mod certificate;
mod executable;
mod format;
mod subject_file;
mod subject_url;

use std::path::Path;

use async_trait::async_trait;
use regcred_core::{Credentials, ProviderError};
use regcred_http::Client;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use self::aws::Aws;
use self::certificate::Certificate;
use self::executable::Executable;
use self::subject_file::SubjectFile;
use self::subject_url::SubjectUrl;
use crate::impersonation::{Impersonation, whose};
use crate::reach::Reach;
use crate::settings::{CLOUD_PLATFORM, Settings};
use crate::sts::Exchange;
use crate::token::{AccessToken, TokenSource, secret};

/// The fields of the file that are used.
#[derive(Deserialize)]
pub(crate) struct ExternalAccountKey {
    audience: String,
    subject_token_type: String,
    credential_source: Value,
    #[serde(default)]
    token_url: Option<String>,
    #[serde(default)]
    service_account_impersonation_url: Option<String>,
    #[serde(default)]
    service_account_impersonation: ImpersonationOptions,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default, deserialize_with = "optional_secret")]
    client_secret: Option<SecretString>,
    #[serde(default)]
    workforce_pool_user_project: Option<String>,
    #[serde(default)]
    universe_domain: Option<String>,
}

#[derive(Default, Deserialize)]
struct ImpersonationOptions {
    #[serde(default)]
    token_lifetime_seconds: Option<u32>,
}

/// The token source of such a file.
///
/// # Errors
/// What is wrong with the file.
pub(crate) fn source(
    reach: &Reach,
    path: &Path,
    key: ExternalAccountKey,
) -> Result<Box<dyn TokenSource>, String> {
    let settings = &reach.settings;
    settings.check_universe(key.universe_domain.as_deref())?;
    if key.workforce_pool_user_project.is_some() && !is_workforce_pool(&key.audience) {
        return Err(
            "it has workforce_pool_user_project, but its audience is no workforce pool".to_owned(),
        );
    }
    let impersonation_url = key
        .service_account_impersonation_url
        .as_deref()
        .map(|url| settings.trusted_url("service_account_impersonation_url", url))
        .transpose()?;
    let subject = Subject::new(settings, &key, impersonation_url.as_deref())?;
    let token_url = match &key.token_url {
        Some(url) => settings.trusted_url("token_url", url)?,
        None => subject
            .token_url()
            .map_or_else(|| reach.sts_url(), str::to_owned),
    };
    let account = Box::new(ExternalAccount {
        reach: reach.clone(),
        label: format!("the subject token of {}", path.display()),
        audience: key.audience,
        subject_token_type: key.subject_token_type,
        subject,
        token_url,
        client: key
            .client_id
            .zip(key.client_secret)
            .map(|(id, secret)| Credentials::new(id, secret)),
        user_project: key.workforce_pool_user_project,
        impersonates: impersonation_url.is_some(),
    });
    Ok(match impersonation_url {
        None => account,
        Some(url) => Box::new(
            Impersonation::at(reach, account, &whose(path), url)
                .for_seconds(key.service_account_impersonation.token_lifetime_seconds),
        ),
    })
}

struct ExternalAccount {
    reach: Reach,
    label: String,
    audience: String,
    subject_token_type: String,
    subject: Subject,
    token_url: String,
    client: Option<Credentials>,
    user_project: Option<String>,
    impersonates: bool,
}

#[async_trait]
impl TokenSource for ExternalAccount {
    async fn token(&self, scopes: &[String]) -> Result<AccessToken, ProviderError> {
        let client = self.subject.client(&self.reach)?;
        let subject_token = self.subject.token(&self.reach, &self.audience).await?;
        // What is narrowed is the service account's token, not the one that asks for it.
        let broad = [CLOUD_PLATFORM.to_owned()];
        Exchange {
            url: &self.token_url,
            audience: &self.audience,
            subject_token: &subject_token,
            subject_token_type: &self.subject_token_type,
            scopes: if self.impersonates { &broad } else { scopes },
            client: self.client.as_ref(),
            user_project: self.user_project.as_deref(),
            whose: &self.label,
        }
        .send(&self.reach, &client)
        .await
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
        impersonation_url: Option<&str>,
    ) -> Result<Self, String> {
        let source = &key.credential_source;
        let has = |name: &str| source.get(name).is_some_and(|value| !value.is_null());
        if has("environment_id") {
            return Aws::new(settings, part(source)?).map(Self::Aws);
        }
        let named: Vec<&str> = KINDS.into_iter().filter(|name| has(name)).collect();
        match named[..] {
            ["file"] => Ok(Self::File(part(source)?)),
            ["url"] => SubjectUrl::new(settings, part(source)?).map(Self::Url),
            ["executable"] => {
                let wanted = part(&source["executable"])?;
                Executable::new(wanted, &key.subject_token_type, impersonation_url)
                    .map(Self::Executable)
            }
            ["certificate"] => Ok(Self::Certificate(part(&source["certificate"])?)),
            _ => Err(format!(
                "its credential_source must have exactly one of environment_id, {}",
                KINDS.join(", ")
            )),
        }
    }

    async fn token(&self, reach: &Reach, audience: &str) -> Result<SecretString, ProviderError> {
        match self {
            Self::Aws(aws) => aws.token(reach, audience).await,
            Self::File(file) => file.token(),
            Self::Url(url) => url.token(reach).await,
            Self::Executable(executable) => executable.token(reach, audience).await,
            Self::Certificate(certificate) => certificate.token(&reach.env),
        }
    }

    /// The client of the exchange: with a certificate, it has to show it.
    fn client(&self, reach: &Reach) -> Result<Client, ProviderError> {
        match self {
            Self::Certificate(certificate) => {
                reach.web_with_identity(&certificate.identity(&reach.env)?)
            }
            _ => reach.web(),
        }
    }

    /// The endpoint that this kind of token needs, when the file names none.
    fn token_url(&self) -> Option<&'static str> {
        match self {
            Self::Certificate(_) => Some(certificate::TOKEN_URL),
            _ => None,
        }
    }
}

/// The fields of a part of the file. Values are never repeated.
fn part<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|e| {
        let message = e.to_string();
        if message.starts_with("missing field `") {
            format!("its credential_source: {message}")
        } else {
            "a field of its credential_source has another form than expected".to_owned()
        }
    })
}

fn optional_secret<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<SecretString>, D::Error> {
    secret(from).map(Some)
}

fn is_workforce_pool(audience: &str) -> bool {
    audience
        .strip_prefix("//iam.googleapis.com/locations/")
        .and_then(|rest| rest.split_once('/'))
        .is_some_and(|(location, rest)| !location.is_empty() && rest.starts_with("workforcePools/"))
}

const KINDS: [&str; 4] = ["file", "url", "executable", "certificate"];

#[cfg(test)]
mod tests;
