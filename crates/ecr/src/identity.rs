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
mod no_credentials;
mod process;
mod profile;
mod source;
mod web_identity;

use aws_credential_types::Credentials;
use regcred_core::{Env, ProviderError};
use tokio::time::Instant;

use crate::shared_config::SharedConfig;
use crate::sts::{RoleSession, Sts, session_name};

pub(crate) use metadata::Metadata;
pub(crate) use no_credentials::NoCredentials;
pub(crate) use web_identity::WebIdentity;

use container::Container;
use profile::Profile;
use source::Source;

/// The identity that will be used, with what was read of it.
#[derive(Debug)]
pub(crate) struct Identity {
    /// What messages call the source of its keys.
    source: String,
    origin: Origin,
    /// The sources before it, each with the reason why it is not configured.
    passed_over: Vec<String>,
    /// A role of the role map, assumed with the source's keys.
    role: Option<RoleSession>,
}

/// Where the keys come from.
#[derive(Debug)]
enum Origin {
    Source(Source),
    Profile(Profile),
}

impl Identity {
    /// A pod's own role.
    pub(crate) fn pod(role: WebIdentity) -> Self {
        let name = role.name.clone();
        Self::new(name, Origin::Source(Source::WebIdentity(role)))
    }

    /// The first configured source of the chain. Reads files and asks nothing.
    pub(crate) fn ambient(env: &Env, config: &SharedConfig) -> Result<Self, ProviderError> {
        let mut passed_over = Vec::new();
        for (name, look) in ORDER {
            match look(env, config) {
                Err(NoCredentials::Absent(reason)) => passed_over.push(without(name, &reason)),
                found => {
                    let found = found?;
                    let name = match found {
                        Origin::Profile(_) => profile::named(config),
                        Origin::Source(_) => (*name).to_owned(),
                    };
                    let mut identity = Self::new(name, found);
                    identity.passed_over = passed_over;
                    return Ok(identity);
                }
            }
        }
        let service = Source::Metadata(Metadata::of(env, config));
        Ok(Self {
            passed_over,
            ..Self::new("instance metadata".to_owned(), Origin::Source(service))
        })
    }

    /// The selected profile and nothing else.
    pub(crate) fn profile(env: &Env, config: &SharedConfig) -> Result<Self, ProviderError> {
        let name = profile::named(config);
        let profile = Profile::of(env, config).map_err(|error| error.required(&name))?;
        Ok(Self::new(name, Origin::Profile(profile)))
    }

    /// The same, with a role that it assumes.
    pub(crate) fn assuming(mut self, role: &str, env: &Env) -> Self {
        self.role = Some(RoleSession {
            role: role.to_owned(),
            name: session_name(env).to_owned(),
        });
        self
    }

    /// Whose keys these are, without secrets and the same for each of its sessions.
    pub(crate) fn stable_name(&self) -> String {
        let source = match &self.origin {
            Origin::Source(source) => format!("{}: {}", self.source, source.stable_name()),
            Origin::Profile(profile) => format!("profile {}", profile.stable_name),
        };
        match &self.role {
            Some(session) => format!("{} by {source}", session.role),
            None => source,
        }
    }

    /// Whether the profiles of the configuration files were looked at: the sources before them in the
    /// chain, and a pod's role, need no file.
    pub(crate) fn looked_at_profiles(&self) -> bool {
        !matches!(
            self.origin,
            Origin::Source(Source::Keys(_) | Source::WebIdentity(_))
        )
    }

    /// Whether the keys assume a role of the role map.
    pub(crate) fn has_mapped_role(&self) -> bool {
        self.role.is_some()
    }

    /// What messages call it.
    pub(crate) fn name(&self) -> String {
        match &self.role {
            Some(session) => format!("the role {} by {}", session.role, self.source),
            None => self.source.clone(),
        }
    }

    /// The keys that sign the call of the API. They are absent, with what was tried as the reason,
    /// when no source is configured and the instance has no role.
    pub(crate) async fn credentials(
        &self,
        config: &SharedConfig,
        sts: &Sts<'_>,
    ) -> Result<Credentials, NoCredentials> {
        let base = self.source_credentials(config, sts).await;
        let Some(session) = &self.role else {
            return base;
        };
        let assumed = sts.with_credentials(session, base?, &self.source);
        Ok(assumed.await?)
    }

    async fn source_credentials(
        &self,
        config: &SharedConfig,
        sts: &Sts<'_>,
    ) -> Result<Credentials, NoCredentials> {
        let began = Instant::now();
        let asked = match &self.origin {
            Origin::Source(source) => source.credentials(sts).await,
            Origin::Profile(profile) => profile.credentials(config, sts).await,
        };
        let took = began.elapsed();
        match asked {
            Err(NoCredentials::Absent(mut reason)) => {
                if took.as_millis() >= 50 {
                    reason.push_str(&format!(", {:.1} s", took.as_secs_f32()));
                }
                let mut tried = self.passed_over.clone();
                tried.push(without(&self.source, &reason));
                let tried = tried.join("; ");
                Err(NoCredentials::Absent(format!(
                    "tried in this order: {tried}"
                )))
            }
            asked => asked.inspect(|_| {
                tracing::debug!("AWS identity from {} in {took:?}", self.source);
            }),
        }
    }

    fn new(source: String, origin: Origin) -> Self {
        Self {
            source,
            origin,
            passed_over: Vec::new(),
            role: None,
        }
    }
}

/// A source that is passed over.
fn without(source: &str, reason: &str) -> String {
    tracing::debug!("no AWS identity from {source}: {reason}");
    format!("{source} ({reason})")
}

type Look = fn(&Env, &SharedConfig) -> Result<Origin, NoCredentials>;

/// The order of `resolveCredentialChain` in aws-sdk-go-v2 `config`, before instance metadata.
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
];
