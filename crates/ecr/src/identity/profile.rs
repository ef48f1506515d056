//! The selected profile of the configuration files, by aws-config: static keys, chains of roles,
//! `credential_source`, web identity, SSO and `credential_process`.
//!
//! aws-config reads two things of the process's own environment: `HOME` for the SSO cache and
//! `AWS_ENDPOINT_URL*` of STS and SSO. Everything else is handed to it, the source at the end of the
//! chain of roles included: it would read a token file again and not end a program at its deadline.

use aws_config::profile::{Profile as Section, ProfileFileCredentialsProvider};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use regcred_core::{Env, ErrorKind};
use regcred_http::HttpError;

use super::container::Container;
use super::keys;
use super::metadata::Metadata;
use super::outcome::{NoCredentials, SourceError};
use super::process::Process;
use super::source::{Lent, Source};
use super::web_identity::WebIdentity;
use crate::api_failure::{causes, in_chain};
use crate::endpoint::Endpoint;
use crate::sdk::{Sdk, quiet};
use crate::shared_config::{SharedConfig, value};
use crate::sts::session_name;

/// A profile that names a source of credentials.
#[derive(Clone, Debug)]
pub(super) struct Profile {
    base: Base,
    stable_name: String,
}

/// Where a profile's credentials begin.
#[derive(Clone, Debug)]
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
        let chain = config.chain();
        let is_source =
            |profile: &&Section| SOURCES.iter().any(|key| value(profile, key).is_some());
        if !config.has_files() {
            let absent = format!("there is none of {}", config.files_in_words());
            return Err(NoCredentials::Absent(absent));
        }
        let (Some(first), Some(last)) = (chain.first().filter(|p| is_source(p)), chain.last())
        else {
            let absent = format!("{} names no source of credentials", named(config));
            return Err(NoCredentials::Absent(absent));
        };
        let is_first = first.name() == last.name();
        let base =
            base(last, is_first, env, config).map_err(|error| error.required(named(config)))?;
        let mut stable_name = config.stable_name();
        if let Base::Lent(_, source) = &base {
            stable_name.push_str(&format!(" by {}", source.stable_name()));
        }
        Ok(Self { base, stable_name })
    }

    /// The files, and who is at the end of the chain, without secrets.
    pub(super) fn stable_name(&self) -> &str {
        &self.stable_name
    }

    /// The profile's credentials; the files are those that it was read from.
    pub(super) async fn credentials(
        &self,
        config: &SharedConfig,
        sdk: &Sdk,
        sts: &Endpoint,
    ) -> Result<Credentials, NoCredentials> {
        let provider = ProfileFileCredentialsProvider::builder()
            .configure(&sdk.provider_config(sts))
            .profile_name(config.profile());
        let provider = match &self.base {
            Base::Keys(keys) => return Ok(keys.clone()),
            Base::Sdk => provider.profile_files(config.files(None)),
            Base::Lent(profile, source) => provider
                .profile_files(config.files(Some((profile, OURS))))
                .with_custom_provider(OURS, Lent::new(source, sdk, sts)),
        };
        let asked = quiet(provider.build().provide_credentials()).await;
        asked.map_err(|error| {
            let mut reason = causes(&error);
            if config
                .key("sso_session")
                .or(config.key("sso_start_url"))
                .is_some()
            {
                let name = config.profile();
                reason.push_str(&format!(" (sign in: aws sso login --profile {name})"));
            }
            NoCredentials::failed(named(config), kind(&error), reason)
        })
    }
}

/// The profile in messages.
pub(super) fn named(config: &SharedConfig) -> String {
    format!("the profile {:?}", config.profile())
}

/// The source of the last profile of the chain, by aws-config's order.
fn base(
    profile: &Section,
    is_first: bool,
    env: &Env,
    config: &SharedConfig,
) -> Result<Base, NoCredentials> {
    let get = |key| value(profile, key);
    let lent = |source| Base::Lent(profile.name().to_owned(), source);
    let role = get("role_arn");
    if let (Some(id), Some(secret)) = (get("aws_access_key_id"), get("aws_secret_access_key"))
        && !(is_first && role.is_some())
    {
        // In Go the selected profile's own keys go before its other sources, in the Rust SDK after
        // them.
        let session = get("aws_session_token").map(str::to_owned);
        let keys = Credentials::new(id, secret, session, None, "profile");
        return Ok(if is_first {
            Base::Keys(keys)
        } else {
            Base::Sdk
        });
    }
    Ok(
        match (
            get("credential_source"),
            get("web_identity_token_file"),
            role,
        ) {
            (Some("Environment"), ..) => lent(Source::Keys(keys::of(env)?)),
            (Some("EcsContainer"), ..) => lent(Source::Container(Container::of(env)?)),
            (Some("Ec2InstanceMetadata"), ..) => lent(Source::Metadata(Metadata::of(env, config)?)),
            (None, Some(file), Some(role)) => {
                let session = get("role_session_name").unwrap_or_else(|| session_name(env));
                lent(Source::WebIdentity(WebIdentity::read(file, role, session)?))
            }
            (None, None, None) if GO_BEFORE_PROCESS.iter().all(|key| get(key).is_none()) => {
                let process = get("credential_process");
                process.map_or(Base::Sdk, |line| {
                    lent(Source::Process(Process(line.to_owned())))
                })
            }
            _ => Base::Sdk,
        },
    )
}

fn kind(error: &CredentialsError) -> ErrorKind {
    let text = causes(error);
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if let Some(error) = in_chain::<SourceError>(error) {
        error.kind
    } else if let Some(error) = in_chain::<HttpError>(error) {
        error.kind()
    } else if matches!(error, CredentialsError::InvalidConfiguration(_)) {
        ErrorKind::NotConfigured
    } else if has(&[
        "AccessDenied",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
    ]) {
        ErrorKind::Denied
    } else if has(&["timeout", "timed out"]) {
        ErrorKind::Unreachable
    } else {
        ErrorKind::IdentityUnavailable
    }
}

/// The name of our source for the SDK; no profile can mean another by it.
const OURS: &str = "Regcred";

/// A profile with one of these is a source of credentials.
const SOURCES: [&str; 12] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "role_arn",
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "credential_process",
    "login_session",
];

/// In aws-config these go before a `credential_process`.
const GO_BEFORE_PROCESS: [&str; 6] = [
    "sso_session",
    "sso_start_url",
    "sso_region",
    "sso_account_id",
    "sso_role_name",
    "login_session",
];
