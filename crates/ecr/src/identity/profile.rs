//! The selected profile of the configuration files, by aws-config: static keys, chains of roles,
//! `credential_source`, web identity, SSO and `credential_process`.
//!
//! What aws-config reads of the process's own environment here: `HOME` for the SSO cache and
//! `AWS_ENDPOINT_URL*` of STS and SSO. Everything else is handed to it, the program of a
//! `credential_process` included, which it would not end when its time is over.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use regcred_core::{Env, ErrorKind};

use super::container::Container;
use super::metadata::Metadata;
use super::process::Process;
use super::{Chain, IdentityError, Outcome, keys};
use crate::failure::{causes, http_error};
use crate::sdk::quiet;
use crate::shared_config::SharedConfig;

/// Takes the profile when it names a source of credentials.
pub(super) async fn step(chain: &Chain<'_>) -> Result<Outcome, IdentityError> {
    let config = chain.config;
    let name = config.profile();
    if let Some(credentials) = own_keys(config) {
        return Ok(Outcome::Found(credentials));
    }
    let process = config.process();
    let source = process.map(|(profile, _)| (profile, PROCESS));
    let Some(files) = config.files(source) else {
        let files = config.files_in_words();
        return Ok(Outcome::Absent(format!("there is none of {files}")));
    };
    if !config.has_credentials() {
        return Ok(Outcome::Absent(format!(
            "the profile {name:?} names no source of credentials"
        )));
    }
    let provider = ProfileFileCredentialsProvider::builder()
        .configure(&chain.sdk.provider_config(chain.sts))
        .profile_files(files)
        .profile_name(name)
        .with_custom_provider("Environment", Keys(chain.env.clone()))
        .with_custom_provider("EcsContainer", Container::new(chain.env, chain.sdk))
        .with_custom_provider("Ec2InstanceMetadata", Metadata::new(chain.sdk, config))
        .with_custom_provider(PROCESS, Process::new(process.map(|(_, command)| command)))
        .build();
    match quiet(provider.provide_credentials()).await {
        Ok(credentials) => Ok(Outcome::Found(credentials)),
        Err(error) => {
            let mut reason = causes(&error);
            if ["sso_session", "sso_start_url"]
                .iter()
                .any(|key| config.key(key).is_some())
            {
                reason.push_str(&format!(" (sign in: aws sso login --profile {name})"));
            }
            let profile = format!("the profile {name:?}");
            Err(IdentityError::failed(profile, kind(&error), reason))
        }
    }
}

/// The profile's own keys. In Go they go before its other sources, in the Rust SDK behind them.
fn own_keys(config: &SharedConfig) -> Option<Credentials> {
    if config.key("role_arn").is_some() {
        return None;
    }
    let id = config.key("aws_access_key_id")?;
    let secret = config.key("aws_secret_access_key")?;
    let session = config.key("aws_session_token").map(str::to_owned);
    Some(Credentials::new(id, secret, session, None, "profile"))
}

fn kind(error: &CredentialsError) -> ErrorKind {
    let text = causes(error);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if matches!(error, CredentialsError::InvalidConfiguration(_)) {
        ErrorKind::NotConfigured
    } else if has(&[
        "AccessDenied",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
    ]) {
        ErrorKind::Denied
    } else if let Some(error) = http_error(error) {
        error.kind()
    } else if has(&["timeout", "timed out", "did not end within"]) {
        ErrorKind::Unreachable
    } else {
        ErrorKind::IdentityUnavailable
    }
}

/// `credential_source = Environment`.
#[derive(Debug)]
struct Keys(Env);

impl ProvideCredentials for Keys {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(match keys::step(&self.0) {
            Outcome::Found(credentials) => Ok(credentials),
            Outcome::Absent(reason) => Err(CredentialsError::not_loaded(reason)),
        })
    }
}

/// The name of our provider for a `credential_process`; no profile can mean another by it.
const PROCESS: &str = "RegcredProcess";
