//! The selected profile of the configuration files, by aws-config: static keys, chains of roles,
//! `credential_source`, web identity, SSO and `credential_process`.
//!
//! What aws-config reads of the process's own environment here: `HOME` for the SSO cache,
//! `AWS_ENDPOINT_URL*` of STS and SSO, and what a `credential_process` inherits. Everything else
//! is handed to it.

use std::error::Error;

use aws_config::imds::client::error::ImdsError;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use regcred_core::{Env, ErrorKind};

use super::container::Container;
use super::metadata::Metadata;
use super::{Chain, IdentityError, Outcome, keys};
use crate::sdk::quiet;

/// Takes the profile when it names a source of credentials.
pub(super) async fn step(chain: &Chain<'_>) -> Result<Outcome, IdentityError> {
    let config = chain.config;
    let name = config.profile();
    let Some(files) = config.files() else {
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
        .profile_files(files.clone())
        .profile_name(name)
        .with_custom_provider("Environment", Keys(chain.env.clone()))
        .with_custom_provider("EcsContainer", Container::new(chain.env, chain.sdk))
        .with_custom_provider("Ec2InstanceMetadata", Metadata::new(chain.sdk, config))
        .build();
    match quiet(provider.provide_credentials()).await {
        Ok(credentials) => Ok(Outcome::Found(credentials)),
        Err(error) => Err(IdentityError::failed(
            format!("the profile {name:?}"),
            kind(&error),
            why(&error),
        )),
    }
}

/// The words of an SDK error chain that say something. Never a body, and bounded.
pub(super) fn why(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(ImdsError::ErrorResponse(answer)) = error.downcast_ref() {
            // Its Display prints the whole response.
            parts.push(format!("HTTP {}", answer.response().status().as_u16()));
            break;
        }
        let text = error.to_string();
        if !NOISE.contains(&text.as_str()) && !parts.contains(&text) {
            parts.push(text);
        }
        next = error.source();
    }
    let text = parts.join(": ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MAX_WHY) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

fn kind(error: &CredentialsError) -> ErrorKind {
    let text = why(error);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if matches!(error, CredentialsError::InvalidConfiguration(_)) {
        ErrorKind::NotConfigured
    } else if has(&[
        "AccessDenied",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
    ]) {
        ErrorKind::Denied
    } else if has(&["timeout", "timed out", "connect", "dns error"]) {
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

const MAX_WHY: usize = 300;

/// Sentences of the SDK's wrappers.
const NOISE: &[&str] = &[
    "an error occurred while loading credentials",
    "the credential provider was not enabled",
    "the credentials provider was not properly configured",
    "unexpected credentials error",
    "service error",
    "dispatch failure",
    "client error",
    "failed to construct request",
    "could not communicate with IMDS",
];
