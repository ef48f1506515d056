//! One exec plugin: its patterns, its runs, its cache (kubernetes
//! `pkg/credentialprovider/plugin/plugin.go`, `provide` and `ExecPlugin`).

mod cache;
mod flight;
mod token_mode;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regcred_api::{
    ApiVersion, CredentialProviderRequest, CredentialProviderResponse, ProviderEntry, ResponseError,
};
use regcred_core::{Clock, ImagePattern};
use regcred_exec::{Exec, ExecError};
use regcred_keyring::ServiceAccount;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::time::Instant;

use crate::quote::go_errno;
use crate::service_account::PodServiceAccount;
use cache::{AccountKey, ResponseCache};
use flight::Flights;
use token_mode::{Identity, TokenMode, Unidentified};

/// A registered plugin. Cheap to clone; clones share cache and runs.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    name: String,
    program: PathBuf,
    patterns: Vec<(String, Option<ImagePattern>)>,
    api_version: ApiVersion,
    args: Vec<String>,
    env: Vec<(String, SecretString)>,
    deadline: Duration,
    token_mode: Option<TokenMode>,
    cache: ResponseCache,
    flights: Flights<FlightKey, Answer>,
}

type FlightKey = (String, AccountKey, Option<String>);
type Answer = Result<Arc<CredentialProviderResponse>, PluginError>;

/// What came of asking a plugin.
#[derive(Clone, Debug)]
pub enum Provision {
    /// No pattern matches the image; the plugin was not asked.
    NotMatched,
    /// The plugin works with service accounts, and this pod has not what it needs. The kubelet
    /// keeps silent about it.
    Skipped(SkipReason),
    /// It answered, now or earlier.
    Answered {
        /// The answer; its `auth` may be empty.
        answer: Arc<CredentialProviderResponse>,
        /// The service account whose token it was asked with.
        service_account: Option<ServiceAccount>,
        /// Whether the answer was an earlier one.
        cached: bool,
        /// How long asking took.
        took: Duration,
    },
    /// It gave nothing that counts.
    Failed {
        /// Why.
        error: PluginError,
        /// How long asking took.
        took: Duration,
    },
}

impl Plugin {
    /// A plugin out of a validated entry and its file.
    pub(crate) fn new(
        entry: &ProviderEntry,
        program: PathBuf,
        clock: Clock,
        deadline: Duration,
    ) -> Self {
        let patterns = entry.match_images.iter();
        Self(Arc::new(Inner {
            name: entry.name.clone(),
            program,
            patterns: patterns
                .map(|text| (text.clone(), ImagePattern::parse(text).ok()))
                .collect(),
            api_version: entry.api_version.parse().unwrap_or(ApiVersion::V1),
            args: entry.args.clone(),
            env: entry.env.clone(),
            deadline,
            token_mode: entry.token_attributes.as_ref().map(TokenMode::new),
            cache: ResponseCache::new(clock, entry.default_cache_duration.unwrap_or_default()),
            flights: Flights::new(),
        }))
    }

    /// Its name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its file.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.0.program
    }

    /// Its `matchImages` as written.
    pub fn match_images(&self) -> impl Iterator<Item = &str> {
        self.0.patterns.iter().map(|(text, _)| text.as_str())
    }

    /// Whether it is asked for a normalised image name.
    #[must_use]
    pub fn matches(&self, image: &str) -> bool {
        let mut patterns = self
            .0
            .patterns
            .iter()
            .filter_map(|(_, parsed)| parsed.as_ref());
        patterns.any(|pattern| pattern.matches(image))
    }

    /// Whether it works with the pod's service account.
    #[must_use]
    pub fn is_in_token_mode(&self) -> bool {
        self.0.token_mode.is_some()
    }

    /// Asks it about a normalised image name: first the test of its patterns, then its cache, then
    /// the program. Callers that ask the same at the same time share one run.
    pub async fn provide(&self, image: &str, account: Option<&dyn PodServiceAccount>) -> Provision {
        if !self.matches(image) {
            return Provision::NotMatched;
        }
        let began = Instant::now();
        let identity = match &self.0.token_mode {
            None => Identity::default(),
            Some(mode) => match mode.identify(account).await {
                Ok(identity) => identity,
                Err(Unidentified::Skip(reason)) => return Provision::Skipped(reason),
                Err(Unidentified::Failed(reason)) => {
                    let plugin = self.0.name.clone();
                    return Provision::Failed {
                        error: PluginError::ServiceAccount { plugin, reason },
                        took: began.elapsed(),
                    };
                }
            },
        };
        let service_account = identity.account.clone();
        if let Some(answer) = self.0.cache.find(image, &identity.key) {
            return Provision::Answered {
                answer,
                service_account,
                cached: true,
                took: began.elapsed(),
            };
        }
        let key = (
            image.to_owned(),
            Arc::clone(&identity.key),
            identity.token_hash(),
        );
        let answer = self.0.flights.join(key, || {
            let (inner, image) = (Arc::clone(&self.0), image.to_owned());
            async move { inner.run_and_keep(&image, identity).await }
        });
        match answer.await {
            Ok(answer) => Provision::Answered {
                answer,
                service_account,
                cached: false,
                took: began.elapsed(),
            },
            Err(error) => {
                tracing::debug!(plugin = self.name(), image, %error, "plugin gave nothing");
                Provision::Failed {
                    error,
                    took: began.elapsed(),
                }
            }
        }
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.0.name)
            .field("program", &self.0.program)
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn run_and_keep(&self, image: &str, identity: Identity) -> Answer {
        let key = Arc::clone(&identity.key);
        let answer = Arc::new(self.run(image, identity).await?);
        self.cache.store(image, &key, &answer);
        Ok(answer)
    }

    async fn run(
        &self,
        image: &str,
        identity: Identity,
    ) -> Result<CredentialProviderResponse, PluginError> {
        let mut request = CredentialProviderRequest::new(self.api_version, image);
        request.service_account_token = identity.token;
        request.service_account_annotations = identity.annotations;
        let mut exec = Exec::new(&self.program)
            .args(&self.args)
            .stdin(request.to_vec())
            .deadline(self.deadline)
            .max_stdout(MAX_STDOUT);
        for (name, value) in &self.env {
            exec = exec.env(name, value.expose_secret());
        }
        let output = exec.run().await.map_err(|error| PluginError::Exec {
            plugin: self.name.clone(),
            image: image.to_owned(),
            reason: in_gos_words(&error),
            stderr: error.stderr().trim_end().to_owned(),
        })?;
        let passes_token = self
            .token_mode
            .as_ref()
            .is_some_and(TokenMode::passes_token);
        let not_token = request.service_account_token.filter(|_| !passes_token);
        CredentialProviderResponse::decode(&output.stdout, self.api_version, not_token.as_ref())
            .map_err(|error| PluginError::Response {
                plugin: self.name.clone(),
                error,
            })
    }
}

/// Why a plugin in token mode was left out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SkipReason {
    /// The pod has no service account, and the entry requires one.
    #[error("it requires a service account and the pod has none")]
    NoServiceAccount,
    /// The pod's account lacks a required annotation.
    #[error("required annotation {0} not found")]
    NoAnnotation(String),
}

/// Why a plugin gave nothing, in the kubelet's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PluginError {
    /// It did not run, failed, or had to be killed.
    #[error(
        "{FAILED}: error execing credential provider plugin {plugin} for image {image}: {reason}{}",
        after_colon(stderr)
    )]
    Exec {
        /// The plugin's name.
        plugin: String,
        /// The normalised name of the image.
        image: String,
        /// `exit status N`, `signal: killed`, `context deadline exceeded`, ...
        reason: String,
        /// What it wrote to standard error, bounded.
        stderr: String,
    },
    /// It printed something that a kubelet throws away.
    #[error("{FAILED}: {error}")]
    Response {
        /// The plugin's name.
        plugin: String,
        /// What is wrong with it.
        error: ResponseError,
    },
    /// The pod's service account or its token could not be had.
    #[error("{FAILED}: {reason}")]
    ServiceAccount {
        /// The plugin's name.
        plugin: String,
        /// What its source said.
        reason: String,
    },
}

impl PluginError {
    /// The name of the plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        match self {
            Self::Exec { plugin, .. }
            | Self::Response { plugin, .. }
            | Self::ServiceAccount { plugin, .. } => plugin,
        }
    }

    /// What the kubelet keeps to itself: which part of the answer is malformed.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Response {
                error: ResponseError::Malformed(detail),
                ..
            } => Some(detail.to_string()),
            _ => None,
        }
    }
}

fn in_gos_words(error: &ExecError) -> String {
    match error {
        ExecError::Start { program, source } => {
            format!("fork/exec {}: {}", program.display(), go_errno(source))
        }
        ExecError::Status { status, .. } => status.clone(),
        ExecError::TimedOut { .. } => "context deadline exceeded".to_owned(),
        ExecError::TooMuchOutput { limit, .. } => {
            format!("more than {limit} bytes on standard output")
        }
        ExecError::Io { source, .. } => go_errno(source),
    }
}

fn after_colon(stderr: &str) -> String {
    if stderr.is_empty() {
        return String::new();
    }
    format!(": {stderr}")
}

const FAILED: &str = "failed to get credential from external registry credential provider";
/// The kubelet has no limit; a Secret, the largest place for logins, holds 1 MiB.
const MAX_STDOUT: usize = 4 << 20;

#[cfg(test)]
mod tests;
