//! Why an image is pulled with which credential: every source, key and pattern in the kubelet's
//! order, with the reason why it is used or not. As data, and as text ([`Display`]). User names are
//! shown, passwords never.
//!
//! [`Display`]: std::fmt::Display

mod explanation;
mod servers;
mod text;

use std::sync::{Mutex, PoisonError};

use regcred_core::{Credentials, ImageRef, ReferenceError, report};
use regcred_keyring::Verdict;
use regcred_registry::Logins;

pub use explanation::{
    CandidateReport, Explanation, HostsReport, PatternReport, ProviderReport, Trial,
};

use crate::config::pattern_doubts;
use crate::credentials::{Attempt, Conclusion, CredentialLabel, FailureContext, Lookup, Pod};
use crate::engine::Engine;
use crate::image::PullPolicy;
use crate::plugin::{Plugin, Provision};

/// What an explanation does besides reading files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Runs the plugins that match.
    pub plugins: bool,
    /// Asks the registry for the manifest with each credential in turn, as a pull would. No layer
    /// is downloaded.
    pub registry: bool,
}

impl Tries {
    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Self {
            plugins: true,
            registry: true,
        }
    }
}

/// A request for the manifest, when it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrialEvent {
    /// The registry is asked with this credential, or anonymously.
    Begins(String),
    /// It returned the manifest, or why not.
    Ends(Result<(), String>),
}

impl Engine {
    /// Explains an image as written in a container.
    ///
    /// # Errors
    /// When the name is not an image reference. Every other error is part of the explanation.
    pub async fn explain(
        &self,
        image: &str,
        pod: &Pod,
        tries: Tries,
    ) -> Result<Explanation, ReferenceError> {
        self.explain_with(image, pod, tries, &|_| {}).await
    }

    /// As [`Engine::explain`], and reports each request to the registry.
    ///
    /// # Errors
    /// As [`Engine::explain`].
    pub async fn explain_with(
        &self,
        image: &str,
        pod: &Pod,
        tries: Tries,
        on_trial: &(dyn Fn(TrialEvent) + Sync),
    ) -> Result<Explanation, ReferenceError> {
        let reference = ImageRef::parse(image)?.with_default_tag();
        let name = reference.name();
        let (mut lookup, failure) = match self.lookup_with(&name, pod, tries.plugins).await {
            Ok(lookup) => (lookup, None),
            Err(error) => (self.without_pull_secrets(&name).await, Some(report(&error))),
        };
        let would_run = lookup.would_run();
        let hosts = self.hosts_report(&reference, &lookup);
        let mut trials = Vec::new();
        if tries.registry && failure.is_none() && would_run == 0 {
            trials = self.try_all(&reference, pod, &mut lookup, on_trial).await;
        }
        let mut trials = trials.into_iter();
        let candidates = (0..lookup.candidates.len()).map(|at| {
            let same_as = lookup.same_before(at);
            CandidateReport {
                credential: CredentialLabel::from(&lookup.candidates[at]),
                same_as: same_as.map(|earlier| earlier + 1),
                trial: match same_as {
                    Some(_) => None,
                    None => trials.next(),
                },
            }
        });
        let candidates: Vec<_> = candidates.collect();
        let mut anonymous_before: Vec<_> = trials.collect();
        let anonymous = anonymous_before.pop();
        Ok(Explanation {
            image: image.to_owned(),
            reference: reference.to_string(),
            default_policy: PullPolicy::default_for(image),
            plugin_environment: self.plugin_environment().clone(),
            plugins_run: tries.plugins && failure.is_none(),
            registry_asked: tries.registry && failure.is_none(),
            verdict: match failure.clone() {
                Some(error) => Conclusion::PullSecretError { error },
                None => {
                    let anonymous = anonymous_before.iter().chain(&anonymous);
                    conclude(would_run, &candidates, anonymous, &lookup.context())
                }
            },
            pull_secret_error: failure,
            pull_secrets: lookup.pull_secrets.secrets.clone(),
            pull_secret_keys: lookup.pull_secrets.keyring.inspect(&name),
            docker_configs: lookup.node.files.clone(),
            docker_config_keys: lookup.node.keyring.inspect(&name),
            has_provider_config: self.provider_config().is_some(),
            provider_keys: lookup.plugins.inspect(&name),
            providers: self.provider_reports(&name, lookup.provisions),
            hosts,
            candidates,
            anonymous_before,
            anonymous,
            name,
        })
    }

    /// What the other sources have when a pull secret fails every pull. Nothing of it is tried.
    async fn without_pull_secrets(&self, name: &str) -> Lookup {
        let found = self.lookup_with(name, &Pod::new(), false).await;
        let mut lookup = found.unwrap_or_default();
        lookup.candidates.clear();
        lookup
    }

    fn hosts_report(&self, image: &ImageRef, lookup: &Lookup) -> HostsReport {
        let turn = lookup.anonymous_turns().into_iter().next();
        let logins = self.logins(lookup, lookup.candidates.first(), turn);
        let servers = self.registry().repository(image, logins).servers();
        HostsReport {
            file: self.registry().hosts_file(image),
            warnings: self.registry().hosts_warnings(image),
            error: servers.as_ref().err().map(|error| report(error.as_ref())),
            servers: servers.unwrap_or_default(),
        }
    }

    fn provider_reports(
        &self,
        name: &str,
        provisions: Vec<(Plugin, Provision)>,
    ) -> Vec<ProviderReport> {
        let rules = self.improvements().keyring;
        let pattern = |text: &str| PatternReport {
            pattern: text.to_owned(),
            verdict: Verdict::of(text, name, rules),
            warnings: pattern_doubts(text)
                .iter()
                .map(|doubt| format!("{}: {}", doubt.what, doubt.fix))
                .collect(),
        };
        let provisions = provisions.into_iter();
        let reports = provisions.map(|(plugin, state)| ProviderReport {
            name: plugin.name().to_owned(),
            program: plugin.program().to_owned(),
            token_mode: plugin.is_in_token_mode(),
            match_images: plugin.match_images().map(pattern).collect(),
            state,
        });
        reports.collect()
    }

    /// Asks the registry for the manifest as a pull would: one trial for each distinct candidate
    /// that had its turn, in order, then the anonymous one.
    async fn try_all(
        &self,
        image: &ImageRef,
        pod: &Pod,
        lookup: &mut Lookup,
        on_trial: &(dyn Fn(TrialEvent) + Sync),
    ) -> Vec<Trial> {
        let registry = self.registry();
        let servers = Mutex::new(Vec::new());
        let asked = &servers;
        let candidates = lookup.candidates.iter();
        let labels = candidates.map(|one| (one.credentials.clone(), CredentialLabel::from(one)));
        let labels: &Vec<_> = &labels.collect();
        // By GET, as a pull: the answer to a HEAD has no body, and so no reason of a refusal.
        let get = move |logins: Logins| async move {
            on_trial(TrialEvent::Begins(shown(logins.image(), labels)));
            let repository = registry.repository(image, logins);
            let wanted = image.digest().or(image.tag()).unwrap_or("latest");
            let result = repository.manifest(wanted).await;
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            asked.push(repository.servers().unwrap_or_default());
            let ended = result.as_ref().map(drop);
            on_trial(TrialEvent::Ends(ended.map_err(|error| report(error))));
            result
        };
        let results = match self.try_in_turn(pod, lookup, get).await {
            Ok(turn) => {
                let failed = turn.attempts.into_iter();
                let mut results: Vec<_> = failed.map(|one| (Err(one.error), one.took)).collect();
                results.push((Ok(turn.value.digest.to_string()), turn.took));
                results
            }
            Err(error) => {
                let failed = error.attempts().iter().cloned();
                failed.map(|one| (Err(one.error), one.took)).collect()
            }
        };
        let servers = servers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let trials = results.into_iter().zip(servers);
        trials
            .map(|((result, took), servers)| Trial {
                result,
                took,
                servers,
            })
            .collect()
    }
}

/// A login as it may be shown. One that a plugin returned when it was asked again has no label yet.
fn shown(login: Option<&Credentials>, labels: &[(Credentials, CredentialLabel)]) -> String {
    let Some(login) = login else {
        return "anonymous".to_owned();
    };
    let label = labels.iter().find(|(known, _)| known == login);
    label.map_or_else(
        || format!("user {}", login.username),
        |(_, label)| label.to_string(),
    )
}

fn conclude<'a>(
    plugins: usize,
    candidates: &'a [CandidateReport],
    anonymous: impl Iterator<Item = &'a Trial>,
    context: &FailureContext,
) -> Conclusion {
    let tried = candidates.iter();
    let tried = tried.filter_map(|one| Some((Some(&one.credential), one.trial.as_ref()?)));
    let tried: Vec<_> = tried.chain(anonymous.map(|trial| (None, trial))).collect();
    let Some((credential, last)) = tried.last() else {
        return Conclusion::Untried {
            plugins,
            credentials: candidates.len(),
            first: candidates.first().map(|one| one.credential.clone()),
            failures: context.failure_lines(),
        };
    };
    if last.result.is_ok() {
        return match (last.host_logins(), *credential) {
            (logins, _) if !logins.is_empty() => Conclusion::WorksWithHostLogins { logins },
            (_, None) => Conclusion::WorksAnonymously,
            (_, Some(credential)) => Conclusion::Works {
                credential: credential.clone(),
                sent: last.sent_image_login(),
            },
        };
    }
    let failed = tried.into_iter().filter_map(|(credential, trial)| {
        Some(Attempt {
            credential: credential.cloned(),
            error: trial.result.as_ref().err()?.clone(),
            took: trial.took,
        })
    });
    Conclusion::failed(&failed.collect::<Vec<_>>(), context)
}

#[cfg(test)]
mod tests;
