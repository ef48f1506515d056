//! The selected profile of the configuration files, by aws-config: static keys, chains of roles,
//! `credential_source`, web identity, SSO and `credential_process`.
//!
//! aws-config reads two things of the process's own environment: `HOME` for the SSO cache and
//! `AWS_ENDPOINT_URL*` of STS and SSO. Everything else is handed to it, the keys at the end of the
//! chain of roles included: it would read a token file a second time and not end a program at its
//! deadline.

use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use regcred_core::{Env, ErrorKind, ProviderError};
use regcred_http::HttpError;
use tokio::time::{Instant, timeout_at};

use super::container::Container;
use super::keys;
use super::metadata::Metadata;
use super::no_credentials::NoCredentials;
use super::process::Process;
use super::source::Source;
use super::web_identity::WebIdentity;
use crate::api_failure::{DENIED, UNKNOWN_KEYS, causes, in_chain};
use crate::sdk::{provider_config, quiet};
use crate::shared_config::{Section, SharedConfig};
use crate::sts::{Sts, session_name};

/// A profile that names a source of credentials.
#[derive(Debug)]
pub(super) struct Profile {
    base: Base,
    /// The files, and who is at the end of the chain, without secrets.
    pub(super) stable_name: String,
}

/// Where a profile's credentials begin.
#[derive(Debug)]
enum Base {
    /// The profile's own keys.
    Keys(Credentials),
    /// One of our sources, in place of what the profile of this name has.
    Lent(String, Source),
    /// What aws-config does itself.
    Sdk,
}

impl Profile {
    /// The selected profile.
    pub(super) fn of(env: &Env, config: &SharedConfig) -> Result<Self, NoCredentials> {
        config.files.usable()?;
        if config.files.texts.is_empty() {
            let absent = format!("not found: {}", config.files.places());
            return Err(NoCredentials::Absent(config.with_notes(absent)));
        }
        let chain = config.chain();
        let (first, last) = match (chain.first(), chain.last()) {
            (Some(first), Some(last)) if is_source(first.1) => (first, last),
            _ => {
                let absent = format!("{} names no source of credentials", named(config));
                return Err(NoCredentials::Absent(config.with_notes(absent)));
            }
        };
        if let Some((name, _)) = chain.iter().find(|(_, profile)| profile.has_half_a_key) {
            let text = format!(
                "the profile {name:?} has only one of aws_access_key_id and aws_secret_access_key"
            );
            let kind = ErrorKind::NotConfigured;
            return Err(NoCredentials::failed(
                &named(config),
                kind,
                config.with_notes(text),
            ));
        }
        let base = base(*last, first.0 == last.0, env, config);
        let base = base.map_err(|error| error.required(&named(config)))?;
        let mut stable_name = config.stable_name();
        if let Base::Lent(_, source) = &base {
            stable_name.push_str(&format!(" by {}", source.stable_name()));
        }
        Ok(Self { base, stable_name })
    }

    /// The profile's credentials; the files are those that it was read from.
    pub(super) async fn credentials(
        &self,
        config: &SharedConfig,
        sts: &Sts<'_>,
    ) -> Result<Credentials, NoCredentials> {
        let name = named(config);
        let end = Instant::now() + LONGEST;
        let provider = ProfileFileCredentialsProvider::builder()
            .configure(&provider_config(sts.cloud, &sts.endpoint)?);
        let (provider, lent) = match &self.base {
            Base::Keys(keys) => return Ok(keys.clone()),
            Base::Sdk => (provider, None),
            Base::Lent(profile, source) => {
                let keys = source.credentials(sts).await;
                let keys = keys.map_err(|error| within(&name, error))?;
                let provider = provider.with_custom_provider(OURS, keys);
                (provider, Some((profile.as_str(), OURS)))
            }
        };
        let (files, profile) = config.for_sdk(lent);
        let provider = provider.profile_files(files).profile_name(profile);
        let provider = provider.build();
        let asked = timeout_at(end, quiet(provider.provide_credentials()));
        let asked = asked.await.map_err(|_| {
            let text = format!("no response within {} s", LONGEST.as_secs());
            NoCredentials::failed(&name, ErrorKind::Unreachable, text)
        })?;
        asked.map_err(|error| {
            let mut reason = causes(&error);
            if config.key("sso_session").is_some() || config.key("sso_start_url").is_some() {
                let profile = &config.profile;
                reason.push_str(&format!(" (sign in: aws sso login --profile {profile})"));
            }
            let step = in_chain::<HttpError>(&error).and_then(HttpError::next_step);
            NoCredentials::failed(&name, kind(&error), reason).with_next_step(step)
        })
    }
}

/// The failure of the source that a profile begins with.
fn within(profile: &str, error: NoCredentials) -> NoCredentials {
    let error = ProviderError::from(error);
    NoCredentials::failed(profile, error.kind(), error.reason())
}

/// The profile in messages.
pub(super) fn named(config: &SharedConfig) -> String {
    format!("the profile {:?}", config.profile)
}

fn is_source(profile: &Section) -> bool {
    SOURCES.iter().any(|key| profile.get(key).is_some()) || signs_in(profile)
}

fn signs_in(profile: &Section) -> bool {
    SIGN_IN.iter().any(|key| profile.get(key).is_some())
}

/// The source of the last profile of the chain, by Go's order.
fn base(
    (name, profile): (&str, &Section),
    is_first: bool,
    env: &Env,
    config: &SharedConfig,
) -> Result<Base, NoCredentials> {
    let get = |key| profile.get(key);
    let lent = |source| Base::Lent(name.to_owned(), source);
    let role = get("role_arn");
    if let (Some(id), Some(secret)) = (get("aws_access_key_id"), get("aws_secret_access_key")) {
        let session = get("aws_session_token").map(str::to_owned);
        let keys = || Credentials::new(id, secret, session, None, "profile");
        // In Go the selected profile's own keys go before its other sources, in the Rust SDK after
        // them.
        return Ok(match (is_first, role) {
            (true, None) => Base::Keys(keys()),
            (true, Some(_)) => lent(Source::Keys(keys())),
            (false, _) => Base::Sdk,
        });
    }
    let token = get("web_identity_token_file");
    Ok(match (get("credential_source"), token, role) {
        (Some("Environment"), ..) => lent(Source::Keys(keys::of(env)?)),
        (Some("EcsContainer"), ..) => lent(Source::Container(Container::of(env)?)),
        (Some("Ec2InstanceMetadata"), ..) => lent(instance(env, config)?),
        (None, Some(file), Some(role)) => {
            let session = get("role_session_name").unwrap_or_else(|| session_name(env));
            lent(Source::WebIdentity(WebIdentity::read(file, role, session)?))
        }
        (None, None, role) if !signs_in(profile) && get("sso_region").is_none() => {
            match (get(PROCESS), role) {
                (Some(line), _) => lent(Source::Process(Process(line.to_owned()))),
                // A role alone is assumed by the machine's identity.
                (None, Some(_)) => lent(match Container::of(env) {
                    Err(NoCredentials::Absent(_)) => instance(env, config)?,
                    agent => Source::Container(agent?),
                }),
                (None, None) => Base::Sdk,
            }
        }
        _ => Base::Sdk,
    })
}

fn instance(env: &Env, config: &SharedConfig) -> Result<Source, NoCredentials> {
    let service = Metadata::of(env, config);
    service.address()?;
    Ok(Source::Metadata(service))
}

fn kind(error: &CredentialsError) -> ErrorKind {
    let text = causes(error);
    let has = |texts: &[&str]| texts.iter().any(|part| text.contains(part));
    if let Some(error) = in_chain::<HttpError>(error) {
        error.kind()
    } else if matches!(error, CredentialsError::InvalidConfiguration(_)) {
        ErrorKind::NotConfigured
    } else if has(DENIED) || has(UNKNOWN_KEYS) {
        ErrorKind::Denied
    } else if has(&["timeout", "timed out"]) {
        ErrorKind::Unreachable
    } else {
        ErrorKind::IdentityUnavailable
    }
}

/// The name of our source for the SDK, which profiles cannot use for another.
const OURS: &str = "Regcred";

/// A profile with one of these, or of [`SIGN_IN`], is a source of credentials.
const SOURCES: [&str; 7] = [
    PROCESS,
    "aws_access_key_id",
    "aws_secret_access_key",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
];

/// These go before a `credential_process`, as a lone `sso_region` does.
const SIGN_IN: [&str; 5] = [
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "login_session",
];

const PROCESS: &str = "credential_process";
/// A profile may sign in elsewhere, or assume several roles.
const LONGEST: Duration = Duration::from_secs(30);
