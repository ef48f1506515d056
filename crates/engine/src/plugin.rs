//! One exec plugin: its patterns, its runs, its cache (kubernetes
//! `pkg/credentialprovider/plugin/plugin.go`, `provide` and `ExecPlugin`).

mod cache;
mod environment;
mod error;
mod flight;
mod provision;
mod scopes;
mod token_file;
mod token_mode;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regcred_api::{
    ApiVersion, CredentialProviderRequest, CredentialProviderResponse, ProviderEntry,
};
use regcred_core::{CacheScope, Clock, ImagePattern, PodServiceAccount, SecretText as _};
use regcred_exec::{Exec, ProcessEnvironment};
use regcred_keyring::PatternIndex;
use secrecy::ExposeSecret;
use tokio::time::{Instant, sleep};

pub use environment::PluginEnvironment;
pub(crate) use environment::env_of;
pub use error::{PluginError, SkipReason};
pub use provision::Provision;
pub(crate) use provision::seconds;
pub use token_file::TokenFile;

use crate::improvements::Improvements;
use cache::{AccountKey, ResponseCache};
use error::{advice_on_start, in_go_words};
use flight::Flights;
use scopes::Scopes;
use token_mode::{Identity, TokenMode, Unidentified};

/// A registered plugin. Cheap to clone; clones share cache and runs.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    entry: ProviderEntry,
    program: PathBuf,
    patterns: PatternIndex<()>,
    api_version: ApiVersion,
    token_mode: Option<TokenMode>,
    options: PluginOptions,
    cache: ResponseCache,
    scopes: Scopes,
    flights: Flights<FlightKey, Landing>,
}

/// What all plugins of an engine have in common.
#[derive(Clone, Debug)]
pub(crate) struct PluginOptions {
    pub(crate) clock: Clock,
    pub(crate) deadline: Duration,
    pub(crate) improvements: Improvements,
    /// Called with a plugin's name when it has run for a while.
    pub(crate) on_waiting: Option<fn(&str)>,
    /// Called with a plugin's name and the result of asking it.
    pub(crate) on_answer: Option<fn(&str, &Provision)>,
    /// The environment that plugins inherit, if it is not this process's.
    pub(crate) environment: Option<ProcessEnvironment>,
}

type Response = Arc<CredentialProviderResponse>;
type FlightKey = (String, AccountKey, Option<String>);
type Landing = Result<Landed, PluginError>;

/// The outcome of a run, for all who waited for it.
#[derive(Clone)]
struct Landed {
    /// The image it was made for.
    image: Arc<str>,
    answer: Response,
    /// Whether another caller's run had just filled the cache.
    cached: bool,
}

impl Plugin {
    /// A plugin from a validated entry and its file.
    pub(crate) fn new(entry: &ProviderEntry, program: PathBuf, options: PluginOptions) -> Self {
        let improvements = options.improvements;
        let mut patterns = PatternIndex::new();
        for pattern in &entry.match_images {
            if let Ok(pattern) = ImagePattern::parse(pattern) {
                patterns.insert(&improvements.keyring.read(pattern), ());
            }
        }
        let lifetimes = entry.default_cache_duration.unwrap_or_default();
        let (clock, short_empty) = (options.clock.clone(), improvements.short_empty_answers);
        Self(Arc::new(Inner {
            program,
            patterns,
            api_version: entry.api_version.parse().unwrap_or(ApiVersion::LATEST),
            token_mode: entry.token_attributes.clone().map(TokenMode),
            cache: ResponseCache::new(clock, lifetimes, short_empty),
            entry: entry.clone(),
            options,
            scopes: Scopes::default(),
            flights: Flights::new(),
        }))
    }

    /// The name in the configuration.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.entry.name
    }

    /// The plugin's file.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.0.program
    }

    /// The patterns of `matchImages` as written.
    pub fn match_images(&self) -> impl Iterator<Item = &str> {
        self.0.entry.match_images.iter().map(String::as_str)
    }

    /// Whether a pattern matches a normalised image name.
    #[must_use]
    pub fn matches(&self, image: &str) -> bool {
        ImagePattern::parse(image).is_ok_and(|image| self.matches_parsed(&image))
    }

    pub(crate) fn matches_parsed(&self, image: &ImagePattern) -> bool {
        self.0.patterns.any(image)
    }

    /// Whether the plugin uses the pod's service account.
    #[must_use]
    pub fn is_in_token_mode(&self) -> bool {
        self.0.token_mode.is_some()
    }

    /// Asks for a normalised image name: first tests the patterns, then reads the cache, then runs the
    /// program. Callers that ask the same at the same time share one run.
    pub async fn provide(&self, image: &str, account: Option<&dyn PodServiceAccount>) -> Provision {
        if !self.matches(image) {
            return Provision::NotMatched;
        }
        self.ask(image, account, None).await
    }

    /// As [`Plugin::provide`], for an image that is known to match. An answer that a registry has
    /// refused is dropped from the cache first.
    pub(crate) async fn ask(
        &self,
        image: &str,
        account: Option<&dyn PodServiceAccount>,
        refused: Option<&Response>,
    ) -> Provision {
        let began = Instant::now();
        let identity = match &self.0.token_mode {
            None => Identity::default(),
            Some(mode) => match mode.identify(account).await {
                Ok(identity) => identity,
                Err(Unidentified::Skip(reason)) => return Provision::Skipped { reason },
                Err(Unidentified::Failed(reason)) => {
                    let plugin = self.0.entry.name.clone();
                    return Provision::Failed {
                        error: PluginError::ServiceAccount { plugin, reason },
                        took: began.elapsed(),
                    };
                }
            },
        };
        if let Some(refused) = refused {
            self.0.cache.forget(image, &identity.key, refused);
        }
        let service_account = identity.account.clone();
        let landing = match self.0.cache.find(image, &identity.key) {
            Some(answer) => Ok((answer, true)),
            None => self.run_or_join(image, identity).await,
        };
        let took = began.elapsed();
        let provision = match landing {
            Ok((answer, cached)) => Provision::Answered {
                answer,
                service_account,
                cached,
                took,
            },
            Err(error) => {
                tracing::debug!(plugin = self.name(), image, %error, "plugin failed");
                Provision::Failed { error, took }
            }
        };
        if let Some(report) = self.0.options.on_answer {
            report(self.name(), &provision);
        }
        provision
    }

    /// The answer of a new run or of one under way, and whether it came from the cache after all.
    async fn run_or_join(
        &self,
        image: &str,
        identity: Identity,
    ) -> Result<(Response, bool), PluginError> {
        let base = if self.0.options.improvements.one_run_per_registry {
            self.0.scopes.base(image)
        } else {
            image
        };
        let Landed {
            image: made_for,
            answer,
            cached,
        } = self.fly(base, image, identity.clone()).await?;
        if answer.cache_key_type == CacheScope::Image && &*made_for != image {
            // Earlier answers were valid for the whole registry; this one is not.
            let landed = self.fly(image, image, identity).await?;
            return Ok((landed.answer, landed.cached));
        }
        Ok((answer, cached))
    }

    async fn fly(&self, base: &str, image: &str, identity: Identity) -> Landing {
        let (key, hash) = (Arc::clone(&identity.key), identity.token_hash());
        let flight = self.0.flights.join((base.to_owned(), key, hash), || {
            let (inner, image) = (Arc::clone(&self.0), Arc::from(image));
            async move { inner.run_and_keep(image, identity).await }
        });
        flight.await
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin")
            .field("name", &self.0.entry.name)
            .field("program", &self.0.program)
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn run_and_keep(&self, image: Arc<str>, identity: Identity) -> Landing {
        let key = Arc::clone(&identity.key);
        if self.options.improvements.one_run_per_registry
            && let Some(answer) = self.cache.find(&image, &key)
        {
            return Ok(Landed {
                image,
                answer,
                cached: true,
            });
        }
        let answer = Arc::new(self.run(&image, identity).await?);
        self.scopes.learn(&image, answer.cache_key_type);
        self.cache.store(&image, &key, &answer);
        Ok(Landed {
            image,
            answer,
            cached: false,
        })
    }

    /// Waits for a run of the plugin, and reports it when it takes long.
    async fn report_wait<T>(&self, run: impl Future<Output = T>) -> T {
        let mut run = std::pin::pin!(run);
        tokio::select! {
            biased;
            done = &mut run => return done,
            () = sleep(PATIENCE) => {}
        }
        if let Some(report) = self.options.on_waiting {
            report(&self.entry.name);
        }
        run.await
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
            .args(&self.entry.args)
            .stdin(request.to_vec())
            .deadline(self.options.deadline)
            .max_stdout(MAX_STDOUT);
        if let Some(environment) = &self.options.environment {
            exec = exec.inherit(environment.clone());
        }
        for (name, value) in &self.entry.env {
            exec = exec.env(name, value.expose_secret());
        }
        // A plugin may repeat the token that it does not accept.
        if let Some(token) = &request.service_account_token {
            token.never_shown();
        }
        let output = self
            .report_wait(exec.run())
            .await
            .map_err(|error| PluginError::Exec {
                plugin: self.entry.name.clone(),
                image: image.to_owned(),
                reason: in_go_words(&error),
                advice: advice_on_start(&error),
                stderr: error.stderr().trim_end().to_owned(),
            })?;
        let passes_token = self
            .token_mode
            .as_ref()
            .is_some_and(TokenMode::passes_token);
        let not_token = request
            .service_account_token
            .filter(|token| !passes_token && !token.is_empty());
        CredentialProviderResponse::decode(&output.stdout, self.api_version, not_token.as_ref())
            .map_err(|error| PluginError::Response {
                plugin: self.entry.name.clone(),
                error,
            })
    }
}

/// How long a plugin runs before it is reported.
const PATIENCE: Duration = Duration::from_millis(1500);
/// The kubelet has no limit; a Secret, the largest place for logins, holds 1 MiB.
const MAX_STDOUT: usize = 4 << 20;

#[cfg(test)]
mod tests;
