//! Which credentials a kubelet would try for an image, in which order: pull secrets, node docker
//! configuration, plugins (kubernetes `pkg/kubelet/images`, `pkg/credentialprovider/secrets`).

use std::sync::Arc;

use futures_util::future::join_all;
use regcred_core::{Credentials, ImagePattern, ImageRef};
use regcred_keyring::{
    Candidate, CredentialSource, InspectedEntry, InspectedKey, Keyring, Keyrings, NodeConfig,
    PullSecretError, PullSecrets,
};
use regcred_registry::{HostLogin, HostLogins};

use super::attempt::CredentialLabel;
use super::conclusion::FailureContext;
use super::pod::Pod;
use crate::blocking_read::{READ_DEADLINE, read_in_time};
use crate::engine::Engine;
use crate::plugin::{Plugin, PluginEnvironment, PluginError, Provision};

/// The credentials for one image, and every source that was searched for them.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The normalised name of the image.
    pub image: String,
    /// The logins in the order in which they are tried. An empty list means one anonymous attempt, or
    /// one for each source that has another login for a mirror. A list with logins means no anonymous attempt.
    pub candidates: Vec<Candidate>,
    /// Every plugin in the order of the configuration, with the result of asking it.
    pub provisions: Vec<(Plugin, Provision)>,
    /// The pod's pull secrets.
    pub pull_secrets: Arc<PullSecrets>,
    /// The node's docker configuration.
    pub node: Arc<NodeConfig>,
    /// The answers of all plugins in one keyring.
    pub plugins: Arc<Keyring>,
    /// The image's names at servers that may have logins of their own.
    pub(crate) mirror_names: Vec<String>,
    /// The environment that plugins have.
    pub(crate) plugin_environment: PluginEnvironment,
}

impl Lookup {
    /// Why plugins failed.
    pub fn failures(&self) -> impl Iterator<Item = &PluginError> {
        self.provisions
            .iter()
            .filter_map(|(_, provision)| match provision {
                Provision::Failed { error, .. } => Some(error),
                _ => None,
            })
    }

    /// What a kubelet passes over without an error, a line each: files and Secrets that cannot be
    /// used, parts of those that are, oddities of the logins for the image, plugins that were
    /// skipped. Often the cause of a failed pull.
    #[must_use]
    pub fn passed_over(&self) -> Vec<String> {
        let mut all = self.pull_secrets.passed_over();
        all.extend(self.node.passed_over());
        for keyring in [&self.pull_secrets.keyring, &self.node.keyring] {
            let keys = keyring.inspect(&self.image).into_iter();
            for entry in keys
                .filter(InspectedKey::is_used)
                .flat_map(|key| key.entries)
            {
                let InspectedEntry { source, server, .. } = &entry;
                let notes = entry.notes.iter();
                all.extend(notes.map(|note| format!("{source}: entry {server:?}: {note}")));
            }
        }
        for (plugin, provision) in &self.provisions {
            if let Provision::Skipped { reason } = provision {
                all.push(format!("plugin {} is skipped: {reason}", plugin.name()));
            }
        }
        all
    }

    /// What is known of the sources when every attempt fails.
    pub(crate) fn context(&self) -> FailureContext {
        let failures: Vec<_> = self.failures().cloned().collect();
        let environment = (!failures.is_empty()).then(|| self.plugin_environment.clone());
        FailureContext {
            failures,
            plugin_environment: environment,
            passed_over: self.passed_over(),
            looked_at: self.candidates.is_empty().then(|| self.looked_at()),
        }
    }

    /// The sources, none of which has a login for the image.
    fn looked_at(&self) -> String {
        let secrets = if self.pull_secrets.secrets.is_empty() {
            "no pull secret was named".to_owned()
        } else {
            "no key of the pull secrets matches".to_owned()
        };
        let node = match self.node.used() {
            Some(file) => format!("no key of {} matches", file.display()),
            None => "no docker configuration was found".to_owned(),
        };
        let is_matched =
            |(_, state): &&(Plugin, Provision)| !matches!(state, Provision::NotMatched);
        let asked = self.provisions.iter().filter(is_matched);
        let asked: Vec<_> = asked.map(|(plugin, _)| plugin.name()).collect();
        let plugins = if self.provisions.is_empty() {
            "no credential provider is configured".to_owned()
        } else if asked.is_empty() {
            "no matchImages of a credential provider matches".to_owned()
        } else {
            format!("no login for it from plugin {}", asked.join(", "))
        };
        format!("{secrets}, {node}, {plugins}")
    }

    /// Finds the login of a host at which a request for the image arrives: a server of a hosts.toml, or
    /// the target of a redirect. `turn` is the source of the login that has its turn. The plugins were
    /// asked for the image alone.
    pub(crate) fn at_hosts(&self, turn: Option<Arc<CredentialSource>>) -> Arc<HostLogins> {
        let (pull_secrets, node) = (Arc::clone(&self.pull_secrets), Arc::clone(&self.node));
        let plugins = Arc::clone(&self.plugins);
        Arc::new(move |name: &str| {
            let keyrings = Keyrings {
                pull_secrets: &pull_secrets.keyring,
                node: &node.keyring,
                plugins: &plugins,
            };
            let found = keyrings.login_at_host(name, turn.as_deref())?;
            Some(HostLogin {
                label: CredentialLabel::from(&found).to_string(),
                credentials: found.credentials,
            })
        })
    }

    fn keyrings(&self) -> Keyrings<'_> {
        Keyrings {
            pull_secrets: &self.pull_secrets.keyring,
            node: &self.node.keyring,
            plugins: &self.plugins,
        }
    }

    /// How many plugins match but were not asked.
    pub(crate) fn would_run(&self) -> usize {
        let states = self.provisions.iter();
        let waiting = states.filter(|(_, state)| matches!(state, Provision::WouldRun));
        waiting.count()
    }

    /// The position of the first candidate, at or after `from`, whose logins no earlier one has.
    pub(crate) fn next_distinct(&self, from: usize) -> Option<usize> {
        (from..self.candidates.len()).find(|at| self.same_before(*at).is_none())
    }

    /// The position of an earlier candidate whose attempt sends the same logins, to mirrors too.
    pub(crate) fn same_before(&self, at: usize) -> Option<usize> {
        let (candidate, earlier) = (&self.candidates[at], &self.candidates[..at]);
        let at_mirrors = self.mirror_logins(&candidate.source);
        earlier.iter().position(|one| {
            one.credentials == candidate.credentials
                && self.mirror_logins(&one.source) == at_mirrors
        })
    }

    /// The sources that have a turn without a login for the image, each with other logins for mirrors.
    pub(crate) fn anonymous_turns(&self) -> Vec<Arc<CredentialSource>> {
        let names = self.mirror_names.iter();
        let found = names.flat_map(|name| self.keyrings().logins_at_host(name));
        let mut turns: Vec<(Arc<CredentialSource>, Vec<Option<Credentials>>)> = Vec::new();
        for Candidate { source, .. } in found {
            let at_mirrors = self.mirror_logins(&source);
            if turns.iter().all(|(_, known)| *known != at_mirrors) {
                turns.push((source, at_mirrors));
            }
        }
        turns.into_iter().map(|(source, _)| source).collect()
    }

    /// The login for each mirror in the turn of a source.
    fn mirror_logins(&self, turn: &CredentialSource) -> Vec<Option<Credentials>> {
        let keyrings = self.keyrings();
        let login = |name: &String| keyrings.login_at_host(name, Some(turn));
        let found = self.mirror_names.iter().map(login);
        found.map(|one| Some(one?.credentials)).collect()
    }
}

impl Engine {
    /// Looks up the credentials for an image, given by its normalised name
    /// ([`regcred_core::ImageRef::name`]). Runs the plugins that match it, at the same time; a failure
    /// of one does not affect the others.
    ///
    /// # Errors
    /// When a pull secret cannot be read or parsed. It fails the whole pull, as in the kubelet.
    pub async fn lookup(&self, image: &str, pod: &Pod) -> Result<Lookup, PullSecretError> {
        self.lookup_with(image, pod, true).await
    }

    /// As [`Engine::lookup`]. If plugins are not to be run, those that match count as not asked.
    pub(crate) async fn lookup_with(
        &self,
        image: &str,
        pod: &Pod,
        run_plugins: bool,
    ) -> Result<Lookup, PullSecretError> {
        let (pull_secrets, node, mirror_names) = self.read_files(image, pod).await?;
        let provisions = if run_plugins {
            self.ask_plugins(image, pod).await
        } else {
            self.unasked_plugins(image)
        };
        let mut lookup = Lookup {
            image: image.to_owned(),
            candidates: Vec::new(),
            plugins: Arc::new(self.keyring_of(&provisions)),
            provisions,
            pull_secrets: Arc::new(pull_secrets),
            node,
            mirror_names,
            plugin_environment: self.plugin_environment().clone(),
        };
        lookup.candidates = lookup.keyrings().lookup(image);
        Ok(lookup)
    }

    /// Reads the pod's pull secrets, the node's docker configuration and the mirrors of a hosts.toml.
    async fn read_files(
        &self,
        image: &str,
        pod: &Pod,
    ) -> Result<(PullSecrets, Arc<NodeConfig>, Vec<String>), PullSecretError> {
        let (engine, image, pod) = (self.clone(), ImageRef::parse(image).ok(), pod.clone());
        let read = read_in_time(move || {
            let pull_secrets = pod.read_pull_secrets(engine.improvements().keyring)?;
            let mirrors = image.map(|image| engine.registry().mirror_names(&image));
            Ok((
                pull_secrets,
                engine.node_config(),
                mirrors.unwrap_or_default(),
            ))
        });
        read.await
            .unwrap_or(Err(PullSecretError::TimedOut(READ_DEADLINE)))
    }

    /// Asks all plugins whose patterns match, at the same time.
    async fn ask_plugins(&self, image: &str, pod: &Pod) -> Vec<(Plugin, Provision)> {
        let plugins = self.unasked_plugins(image).into_iter();
        let asked = plugins.map(|(plugin, mut state)| async {
            if matches!(state, Provision::WouldRun) {
                state = plugin.ask(image, pod.account(), None).await;
            }
            (plugin, state)
        });
        join_all(asked).await
    }

    /// Every plugin, and whether it would be asked.
    pub(crate) fn unasked_plugins(&self, image: &str) -> Vec<(Plugin, Provision)> {
        let image = ImagePattern::parse(image).ok();
        let plugins = self.plugins().iter().map(|plugin| {
            let matches = |image| plugin.matches_parsed(image);
            let provision = if image.as_ref().is_some_and(matches) {
                Provision::WouldRun
            } else {
                Provision::NotMatched
            };
            (plugin.clone(), provision)
        });
        plugins.collect()
    }

    /// Asks the plugins again whose cached answers contain a login that the registry refused, and
    /// adds new logins to the candidates.
    pub(crate) async fn ask_again(
        &self,
        pod: &Pod,
        lookup: &mut Lookup,
        refused: &[Arc<CredentialSource>],
    ) {
        let mut asked = false;
        for (plugin, provision) in &mut lookup.provisions {
            let Provision::Answered {
                answer,
                cached: true,
                ..
            } = provision
            else {
                continue;
            };
            let is_its = |source: &Arc<CredentialSource>| match &**source {
                CredentialSource::Plugin { name, .. } => name == plugin.name(),
                _ => false,
            };
            if refused.iter().any(is_its) {
                let (plugin_name, image) = (plugin.name(), &lookup.image);
                tracing::debug!(plugin = plugin_name, image, "asking again after a refusal");
                let stale = Arc::clone(answer);
                *provision = plugin.ask(image, pod.account(), Some(&stale)).await;
                asked = true;
            }
        }
        if asked {
            lookup.plugins = Arc::new(self.keyring_of(&lookup.provisions));
            let mut found = lookup.plugins.lookup(&lookup.image);
            let known = &lookup.candidates;
            found.retain(|new| known.iter().all(|old| old.credentials != new.credentials));
            lookup.candidates.extend(found);
        }
    }

    /// All answers in one keyring: the order of keys comes before the order of plugins.
    fn keyring_of(&self, provisions: &[(Plugin, Provision)]) -> Keyring {
        let mut keyring = Keyring::with_rules(self.improvements().keyring);
        for (plugin, provision) in provisions {
            let Provision::Answered {
                answer,
                service_account,
                ..
            } = provision
            else {
                continue;
            };
            let source = Arc::new(CredentialSource::Plugin {
                name: plugin.name().to_owned(),
                service_account: service_account.clone(),
            });
            let logins = answer.auth.iter().map(|(key, login)| {
                let login = Credentials::new(login.username.clone(), login.password.clone());
                (key.clone(), login)
            });
            keyring.extend(&source, logins);
        }
        keyring
    }
}

#[cfg(test)]
mod tests;
