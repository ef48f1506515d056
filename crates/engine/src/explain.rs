//! Why an image is pulled with which credential: every source, key and pattern in the kubelet's
//! order, with the reason why it counts or not. As data, and as text for people ([`Display`]).
//! User names are shown, passwords never.
//!
//! [`Display`]: std::fmt::Display

mod explanation;
mod text;

use regcred_core::{Credentials, ErrorKind, ImageRef, ReferenceError, report};
use regcred_keyring::{
    ConfigFile, InspectedEntry, Inspection, Ipv6Literals, NodeConfig, Outcome, PullSecretError,
    PullSecrets,
};

pub use explanation::{
    Answer, CandidateReport, Explanation, FileReport, KeyReport, LoginReport, PatternReport,
    PluginState, ProviderReport, SecretReport, Trial,
};

use crate::config::{pattern_verdict, pattern_warnings};
use crate::credentials::{Attempt, CredentialLabel, CredentialsError, Lookup, Pod, Turn};
use crate::engine::Engine;
use crate::image::PullPolicy;
use crate::plugin::{Plugin, Provision};

/// What to find out beyond reading files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// Runs the plugins that match.
    pub plugins: bool,
    /// Asks the registry for the manifest with each credential in turn, as a pull would. Nothing
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

impl Engine {
    /// Explains an image as written in a container.
    ///
    /// # Errors
    /// When the name is no image reference. Whatever else goes wrong is part of the explanation.
    pub async fn explain(
        &self,
        image: &str,
        pod: &Pod,
        tries: Tries,
    ) -> Result<Explanation, ReferenceError> {
        let reference = ImageRef::parse(image)?.with_default_tag();
        let name = reference.name();
        let mut lookup = match self.lookup_with(&name, pod, tries.plugins).await {
            Ok(lookup) => lookup,
            Err(error) => return Ok(self.stopped(image, &reference, &error)),
        };
        let mut trials = Vec::new();
        if tries.registry && (tries.plugins || self.matching(&name).next().is_none()) {
            trials = self.try_all(&reference, pod, &mut lookup).await;
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
        let candidates = candidates.collect();
        let anonymous = trials.next();
        Ok(Explanation {
            pull_secrets: secret_reports(&lookup.pull_secrets),
            pull_secret_keys: key_reports(lookup.pull_secrets.keyring.inspect(&name)),
            docker_configs: file_reports(&lookup.node),
            docker_config_keys: key_reports(lookup.node.keyring.inspect(&name)),
            providers: self.provider_reports(&name, &lookup.provisions),
            provider_keys: key_reports(lookup.plugins.inspect(&name)),
            candidates,
            anonymous,
            ..self.blank(image, &reference, tries)
        })
    }

    fn blank(&self, image: &str, reference: &ImageRef, tries: Tries) -> Explanation {
        Explanation {
            image: image.to_owned(),
            reference: reference.to_string(),
            name: reference.name(),
            default_policy: PullPolicy::default_for(image),
            plugins_run: tries.plugins,
            registry_asked: tries.registry,
            pull_secret_error: None,
            pull_secrets: Vec::new(),
            pull_secret_keys: Vec::new(),
            docker_configs: Vec::new(),
            docker_config_keys: Vec::new(),
            has_provider_config: self.provider_config().is_some(),
            providers: Vec::new(),
            provider_keys: Vec::new(),
            candidates: Vec::new(),
            anonymous: None,
        }
    }

    /// What is left when a pull secret fails the whole pull.
    fn stopped(&self, image: &str, reference: &ImageRef, error: &PullSecretError) -> Explanation {
        Explanation {
            pull_secret_error: Some(report(error)),
            providers: self.provider_reports(&reference.name(), &[]),
            ..self.blank(image, reference, Tries::default())
        }
    }

    fn matching(&self, name: &str) -> impl Iterator<Item = &Plugin> {
        self.plugins()
            .iter()
            .filter(move |plugin| plugin.matches(name))
    }

    fn provider_reports(
        &self,
        name: &str,
        provisions: &[(Plugin, Provision)],
    ) -> Vec<ProviderReport> {
        let reports = self.plugins().iter().enumerate().map(|(at, plugin)| {
            let state = match provisions.get(at) {
                Some((_, provision)) => state_of(provision),
                None if plugin.matches(name) => PluginState::WouldRun,
                None => PluginState::NotMatched,
            };
            ProviderReport {
                name: plugin.name().to_owned(),
                program: plugin.program().to_owned(),
                token_mode: plugin.is_in_token_mode(),
                match_images: plugin
                    .match_images()
                    .map(|text| PatternReport::of(text, name, self.improvements().ipv6()))
                    .collect(),
                state,
            }
        });
        reports.collect()
    }

    /// Asks the registry for the manifest as a pull would: one trial for each distinct candidate
    /// that had its turn, in order, then the anonymous one.
    async fn try_all(&self, image: &ImageRef, pod: &Pod, lookup: &mut Lookup) -> Vec<Trial> {
        let registry = self.registry();
        let head = move |login: Option<Credentials>| async move {
            let repository = registry.repository(image, login.as_ref());
            let wanted = image.digest().or(image.tag()).unwrap_or("latest");
            repository.head_manifest(wanted).await
        };
        match self.try_in_turn(pod, lookup, head).await {
            Ok(Turn {
                value,
                took,
                attempts,
                ..
            }) => {
                let worked = Trial {
                    worked: true,
                    digest: Some(value.digest.to_string()),
                    error: None,
                    kind: None,
                    curable: false,
                    took,
                };
                attempts
                    .into_iter()
                    .map(Trial::from)
                    .chain([worked])
                    .collect()
            }
            Err(CredentialsError::Failed { attempts, .. }) => {
                attempts.into_iter().map(Trial::from).collect()
            }
            Err(CredentialsError::PullSecret(_)) => Vec::new(),
        }
    }
}

impl From<Attempt> for Trial {
    fn from(Attempt { error, took, .. }: Attempt) -> Self {
        Self {
            worked: false,
            digest: None,
            error: Some(error.message),
            kind: Some(error.kind),
            curable: error.curable,
            took,
        }
    }
}

impl Explanation {
    /// What kind of failure stands between the image and its pull; `None` when a credential or the
    /// anonymous attempt worked, or when nothing was tried.
    #[must_use]
    pub fn failure(&self) -> Option<ErrorKind> {
        let trials = || self.candidates.iter().filter_map(|c| c.trial.as_ref());
        let mut all = trials().chain(&self.anonymous);
        if all.any(|trial| trial.worked) {
            return None;
        }
        trials()
            .chain(&self.anonymous)
            .last()
            .and_then(|trial| trial.kind)
    }
}

impl PatternReport {
    fn of(text: &str, name: &str, ipv6: Ipv6Literals) -> Self {
        let verdict = pattern_verdict(text, name, ipv6);
        Self {
            pattern: text.to_owned(),
            matched: verdict == regcred_keyring::Verdict::Matched,
            verdict: verdict.to_string(),
            warnings: pattern_warnings(text),
        }
    }
}

fn state_of(provision: &Provision) -> PluginState {
    match provision {
        Provision::NotMatched => PluginState::NotMatched,
        Provision::Skipped(reason) => PluginState::Skipped {
            reason: reason.to_string(),
        },
        Provision::Failed { error, took } => PluginState::Failed {
            error: error.to_string(),
            detail: error.detail(),
            took: *took,
        },
        Provision::Answered {
            answer,
            cached,
            took,
            ..
        } => PluginState::Answered(Answer {
            keys: answer.auth.iter().map(|(key, _)| key.clone()).collect(),
            cache_key_type: answer.cache_key_type.as_str().to_owned(),
            cache_duration: answer.cache_duration.map(|duration| duration.to_string()),
            cached: *cached,
            took: *took,
        }),
    }
}

fn secret_reports(secrets: &PullSecrets) -> Vec<SecretReport> {
    let reports = secrets.secrets.iter().map(|secret| SecretReport {
        source: secret.source.to_string(),
        skipped: secret.skipped.clone(),
        notes: secret.notes.clone(),
    });
    reports.collect()
}

fn file_reports(node: &NodeConfig) -> Vec<FileReport> {
    let report = |file: &ConfigFile| FileReport {
        path: file.path.clone(),
        used: matches!(file.outcome, Outcome::Used),
        missing: matches!(file.outcome, Outcome::Missing),
        outcome: file.outcome.to_string(),
        notes: file.notes.clone(),
    };
    node.files.iter().map(report).collect()
}

/// Every key of a keyring, then the servers that made no key.
fn key_reports(inspection: Inspection) -> Vec<KeyReport> {
    let keys = inspection.keys.into_iter().map(|key| KeyReport {
        used: key.is_used(),
        verdict: key.verdict.to_string(),
        logins: key.entries.iter().map(login_report).collect(),
        key: key.key,
    });
    let rejected = inspection.rejected.into_iter().map(|rejected| KeyReport {
        key: rejected.server,
        used: false,
        verdict: rejected.error.to_string(),
        logins: Vec::new(),
    });
    keys.chain(rejected).collect()
}

fn login_report(entry: &InspectedEntry) -> LoginReport {
    LoginReport {
        source: entry.source.to_string(),
        server: entry.server.clone(),
        username: entry.username.clone(),
        notes: entry.notes.clone(),
    }
}

#[cfg(test)]
mod tests;
