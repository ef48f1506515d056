//! The plan as a whole.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use regcred_core::ProviderSpec;
use regcred_docker_config::DockerFile;

use super::secret::SecretPlan;
use crate::config::{
    ConfigError, Intervals, LeaderElection, Limits, NamespaceIdentity, Registry, STATIC, Server,
    StaticLogin,
};
use crate::names::OPT_OUT;

/// Everything to keep fresh, and how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where logins come from.
    pub(crate) sources: Vec<SourcePlan>,
    /// Secrets, one in each selected namespace.
    pub(crate) secrets: Vec<SecretPlan>,
    /// Docker configuration files on this machine.
    pub(crate) files: Vec<FilePlan>,
    pub(crate) intervals: Intervals,
    pub(crate) limits: Limits,
    pub(crate) server: Server,
    pub(crate) leader_election: LeaderElection,
}

/// A docker configuration file to keep fresh.
#[derive(Clone, Debug)]
pub(crate) struct FilePlan {
    /// The target's name in the configuration.
    pub(crate) target: String,
    /// Indices into [`Plan::sources`].
    pub(crate) sources: Vec<usize>,
    pub(crate) file: DockerFile,
}

impl Plan {
    /// The namespaces that can be selected, if their names alone decide; `None` if all must be listed,
    /// since some rule needs their names, labels or annotations.
    pub(crate) fn named_namespaces(&self) -> Option<BTreeSet<Arc<str>>> {
        let mut named = BTreeSet::new();
        for secret in &self.secrets {
            let mut sources = secret.sources.iter().map(|source| &self.sources[*source]);
            let tenants = sources.any(|source| source.registry.namespace_identity.is_some());
            let names = secret.literal_namespaces().filter(|_| !tenants)?;
            named.extend(names.into_iter().map(Arc::from));
        }
        Some(named)
    }

    /// The rules of all sources whose tokens are issued to namespaces.
    pub(crate) fn identities(&self) -> impl Iterator<Item = &NamespaceIdentity> {
        let registries = self.sources.iter().map(|source| &source.registry);
        registries.filter_map(|registry| registry.namespace_identity.as_ref())
    }

    /// Annotations of namespaces and service accounts that decide something.
    pub(crate) fn annotations(&self) -> BTreeSet<String> {
        let mut keys: BTreeSet<_> = self
            .identities()
            .flat_map(|identity| identity.also_pass.iter().chain([&identity.annotation]))
            .cloned()
            .collect();
        keys.extend(OPT_OUT.iter().map(|(key, _)| (*key).to_owned()));
        keys
    }

    /// Whether service accounts decide anything: some target adds to their pull secrets, or they
    /// prove the identity of a namespace.
    pub(crate) fn looks_at_accounts(&self) -> bool {
        let mut secrets = self.secrets.iter();
        self.identities().next().is_some() || secrets.any(|secret| !secret.accounts.is_none())
    }

    /// The sources of a target, or all.
    ///
    /// # Errors
    /// If the target does not exist; the message names those that do.
    pub(crate) fn sources_of(&self, target: Option<&str>) -> Result<Vec<usize>, ConfigError> {
        let Some(target) = target else {
            return Ok((0..self.sources.len()).collect());
        };
        let names = self.secrets.iter().map(|secret| &*secret.target);
        let names = names.chain(self.files.iter().map(|file| &*file.target));
        let names: BTreeSet<&str> = names.collect();
        if !names.contains(target) {
            let names = names.into_iter().collect::<Vec<_>>().join(", ");
            let text = format!("target {target:?} does not exist; the targets are {names}");
            return Err(ConfigError(text));
        }
        let secrets = self.secrets.iter().filter(|s| s.target == target);
        let files = self.files.iter().filter(|f| f.target == target);
        let secrets = secrets.flat_map(|secret| &secret.sources);
        let all = secrets.chain(files.flat_map(|file| &file.sources));
        Ok(all.copied().collect())
    }
}

/// One source of logins.
#[derive(Clone, Debug)]
pub(crate) struct SourcePlan {
    /// Its entry in the configuration. The hosts are bare names, that of an ECR account among them.
    pub(crate) registry: Registry,
    /// Who issues the logins.
    pub(crate) kind: SourceKind,
}

/// Who issues a source's logins.
#[derive(Clone, Debug)]
pub(crate) enum SourceKind {
    Provider(&'static ProviderSpec),
    File(PathBuf),
    /// A login that does not expire.
    Static(StaticLogin),
}

impl SourceKind {
    /// The provider's name, or the file's path.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Provider(spec) => spec.name.to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Static(_) => STATIC.to_owned(),
        }
    }
}
