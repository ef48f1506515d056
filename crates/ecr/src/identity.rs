//! The AWS identity that asks for the token: the default chain in the order of the Go SDK, which
//! upstream's programs use.
//!
//! As in Go, the first source that is configured is chosen, and its failure is final; only sources
//! that are not configured are passed over. The Rust SDK's own default chain puts the profile
//! before the web identity and cannot be given an environment, so the order is made here out of
//! its parts.

mod container;
mod key_document;
mod keys;
mod metadata;
mod outcome;
mod process;
mod profile;
mod source;
mod web_identity;

use std::time::Duration;

use aws_credential_types::Credentials;
use regcred_core::{Env, ErrorKind};
use tokio::time::{Instant, timeout};

use crate::current_step::CurrentStep;
use crate::endpoint::Endpoint;
use crate::sdk::Sdk;
use crate::shared_config::SharedConfig;

pub(crate) use metadata::Metadata;
pub(crate) use outcome::NoCredentials;

use container::Container;
use outcome::PassedOver;
use profile::Profile;
use source::Source;
use web_identity::WebIdentity;

/// Keys, and where they came from in words.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) credentials: Credentials,
    pub(crate) source: String,
}

/// The source that will be asked, with what was read of it.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// What messages call it.
    name: String,
    origin: Origin,
    passed_over: PassedOver,
}

#[derive(Debug)]
enum Origin {
    Source(Source),
    Profile(Profile),
    /// No source is configured.
    Nowhere,
}

impl Chosen {
    /// The first configured source of the chain. Reads files and asks nothing.
    ///
    /// # Errors
    /// When a source is configured that cannot be used.
    pub(crate) fn ambient(env: &Env, config: &SharedConfig) -> Result<Self, NoCredentials> {
        let mut passed_over = PassedOver::default();
        for (name, look) in ORDER {
            match look(env, config) {
                Err(NoCredentials::Absent(reason)) => passed_over.push(name, reason),
                found => {
                    return Ok(Self {
                        name: (*name).to_owned(),
                        origin: found?,
                        passed_over,
                    });
                }
            }
        }
        Ok(Self {
            name: String::new(),
            origin: Origin::Nowhere,
            passed_over,
        })
    }

    /// The selected profile and nothing else.
    ///
    /// # Errors
    /// When it names no source of credentials, or one that cannot be used.
    pub(crate) fn profile(env: &Env, config: &SharedConfig) -> Result<Self, NoCredentials> {
        let name = profile::named(config);
        let profile = Profile::of(env, config).map_err(|error| error.required(name.clone()))?;
        Ok(Self {
            name,
            origin: Origin::Profile(profile),
            passed_over: PassedOver::default(),
        })
    }

    /// Whom the source stands for, without secrets and the same for each of its sessions.
    pub(crate) fn stable_name(&self) -> String {
        match &self.origin {
            Origin::Source(source) => source.stable_name(),
            Origin::Profile(profile) => format!("profile {}", profile.stable_name()),
            Origin::Nowhere => "no identity".to_owned(),
        }
    }

    /// Asks the source.
    ///
    /// # Errors
    /// [`NoCredentials::Absent`], with what was tried, when no source is configured and the
    /// instance has none; [`NoCredentials::Failed`] otherwise.
    pub(crate) async fn identity(
        &self,
        config: &SharedConfig,
        sdk: &Sdk,
        sts: &Endpoint,
        step: &CurrentStep,
    ) -> Result<Identity, NoCredentials> {
        step.asks(&self.name);
        let began = Instant::now();
        let asked = timeout(LONGEST, async {
            match &self.origin {
                Origin::Source(source) => source.credentials(sdk, sts).await,
                Origin::Profile(profile) => profile.credentials(config, sdk, sts).await,
                Origin::Nowhere => Err(NoCredentials::Absent(self.passed_over.to_string())),
            }
        });
        let credentials = match asked.await {
            Ok(Err(NoCredentials::Absent(reason))) if matches!(self.origin, Origin::Source(_)) => {
                let tried = self.passed_over.clone();
                let tried = tried.asked(METADATA, reason, began.elapsed());
                return Err(NoCredentials::Absent(tried.to_string()));
            }
            Ok(asked) => asked?,
            Err(_) => {
                let text = format!("no answer within {} s", LONGEST.as_secs());
                return Err(NoCredentials::failed(
                    &self.name,
                    ErrorKind::Unreachable,
                    text,
                ));
            }
        };
        tracing::debug!("AWS identity from {} in {:?}", self.name, began.elapsed());
        Ok(Identity {
            credentials,
            source: self.name.clone(),
        })
    }
}

type Look = fn(&Env, &SharedConfig) -> Result<Origin, NoCredentials>;

/// The order of `resolveCredentialChain` in aws-sdk-go-v2 `config`.
const ORDER: &[(&str, Look)] = &[
    ("environment keys", |env, _| {
        keys::of(env).map(|keys| Origin::Source(Source::Keys(keys)))
    }),
    ("web identity", |env, _| {
        WebIdentity::of(env).map(|token| Origin::Source(Source::WebIdentity(token)))
    }),
    ("profile", |env, config| {
        Profile::of(env, config).map(Origin::Profile)
    }),
    ("container credentials", |env, _| {
        Container::of(env).map(|agent| Origin::Source(Source::Container(agent)))
    }),
    (METADATA, |env, config| {
        Metadata::of(env, config).map(|service| Origin::Source(Source::Metadata(service)))
    }),
];

const METADATA: &str = "instance metadata";
/// A profile may sign in elsewhere or run a program; the other sources have shorter limits.
const LONGEST: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
