//! Which credentials a kubelet would try for an image, in which order: pull secrets, node docker
//! configuration, plugins (kubernetes `pkg/kubelet/images`, `pkg/credentialprovider/secrets`).

use std::sync::Arc;

use futures_util::future::join_all;
use regcred_core::Credentials;
use regcred_keyring::{
    Candidate, Keyring, Keyrings, NodeConfig, PullSecretError, PullSecrets, Source,
};

use crate::engine::Engine;
use crate::plugin::{Plugin, PluginError, Provision};
use crate::pod::Pod;

/// The credentials for one image and where they were looked for.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The logins in the order in which they are tried. None means one anonymous attempt; with any,
    /// there is no anonymous attempt at all.
    pub candidates: Vec<Candidate>,
    /// Every plugin in the order of the configuration, and what came of asking it.
    pub provisions: Vec<(Plugin, Provision)>,
    /// The pod's pull secrets.
    pub pull_secrets: PullSecrets,
    /// The node's docker configuration.
    pub node: Arc<NodeConfig>,
    /// The answers of all plugins in one keyring.
    pub plugins: Keyring,
}

impl Lookup {
    /// Why plugins that were asked gave nothing.
    pub fn failures(&self) -> impl Iterator<Item = &PluginError> {
        self.provisions
            .iter()
            .filter_map(|(_, provision)| match provision {
                Provision::Failed { error, .. } => Some(error),
                _ => None,
            })
    }
}

impl Engine {
    /// Looks an image up, given by its normalised name ([`regcred_core::ImageRef::name`]). Runs the
    /// plugins that match it, side by side; one that fails does not stop the others.
    ///
    /// # Errors
    /// When a pull secret cannot be read or parsed. It fails the whole pull, as in the kubelet.
    pub async fn lookup(&self, image: &str, pod: &Pod) -> Result<Lookup, PullSecretError> {
        self.lookup_with(image, pod, true).await
    }

    /// The same; without running, plugins that match count as not asked.
    pub(crate) async fn lookup_with(
        &self,
        image: &str,
        pod: &Pod,
        run_plugins: bool,
    ) -> Result<Lookup, PullSecretError> {
        let pull_secrets = pod.read_pull_secrets(self.bad_entries(), self.default_registry())?;
        let node = self.node_config();
        let provisions = if run_plugins {
            let asked = self.plugins().iter().map(async |plugin| {
                let provision = plugin.provide(image, pod.account()).await;
                (plugin.clone(), provision)
            });
            join_all(asked).await
        } else {
            Vec::new()
        };
        let plugins = self.keyring_of(&provisions);
        let keyrings = Keyrings {
            pull_secrets: &pull_secrets.keyring,
            node: &node.keyring,
            plugins: &plugins,
        };
        Ok(Lookup {
            candidates: keyrings.lookup(image),
            provisions,
            pull_secrets,
            node,
            plugins,
        })
    }

    /// All answers in one keyring: the order of keys comes before the order of plugins.
    fn keyring_of(&self, provisions: &[(Plugin, Provision)]) -> Keyring {
        let mut keyring = Keyring::with_default_registry(self.default_registry());
        for (plugin, provision) in provisions {
            let Provision::Answered {
                answer,
                service_account,
                ..
            } = provision
            else {
                continue;
            };
            let source = Arc::new(Source::Plugin {
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
