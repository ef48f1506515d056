//! What is to be kept fresh: a checked configuration, as lists of sources, Secrets and files.
//!
//! Pure: nothing is read but the environment that the providers are made with.

mod check;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use regcred_api::docker_config::Format;
use regcred_core::{Env, ProviderSpec};
use regcred_docker_config::DockerFile;
use sha2::{Digest, Sha256};

use crate::config::{
    Config, ConfigError, Intervals, LeaderElection, Limits, NamespaceIdentity, Namespaces,
    Ownership, Period, Server, ServiceAccounts, StaticLogin,
};

/// Everything there is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where tokens come from.
    pub sources: Vec<SourcePlan>,
    /// Secrets, one in each matching namespace.
    pub secrets: Vec<SecretPlan>,
    /// Docker configuration files on this machine.
    pub files: Vec<FilePlan>,
    /// When things happen.
    pub intervals: Intervals,
    /// How fast the API server is asked.
    pub limits: Limits,
    /// Where the daemon listens.
    pub server: Server,
    /// Which daemon works.
    pub leader_election: LeaderElection,
}

/// One token source.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// The registry's name in the configuration.
    pub name: String,
    /// Who issues.
    pub kind: SourceKind,
    /// The hosts that get the login; empty for all of a file.
    pub hosts: Vec<String>,
    /// Variables over those of the process.
    pub env: BTreeMap<String, String>,
    /// Variables whose values are in files.
    pub env_files: BTreeMap<String, PathBuf>,
    /// Renew at this age at the latest.
    pub max_age: Option<Period>,
    /// A token for each namespace.
    pub identity: Option<NamespaceIdentity>,
}

/// Who issues a source's logins.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// A cloud.
    Provider(&'static ProviderSpec),
    /// A docker configuration file.
    File(PathBuf),
    /// A login that is written down.
    Static(StaticLogin),
}

/// A Secret in each of some namespaces.
#[derive(Clone, Debug)]
pub struct SecretPlan {
    /// The target's name in the configuration.
    pub target: String,
    /// Places in [`Plan::sources`], in order of merging.
    pub sources: Vec<usize>,
    /// The name, still with `{namespace}` where that was written.
    pub name: String,
    /// The Secret's form.
    pub form: Form,
    /// Labels beside our own.
    pub labels: BTreeMap<String, String>,
    /// Annotations beside our own.
    pub annotations: BTreeMap<String, String>,
    /// What becomes of others' Secrets.
    pub ownership: Ownership,
    /// Which namespaces.
    pub namespaces: Namespaces,
    /// Which service accounts.
    pub accounts: ServiceAccounts,
    /// A hash of everything that decides the content beside the tokens.
    pub inputs: String,
}

/// The two types of pull secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `kubernetes.io/dockerconfigjson`
    ConfigJson,
    /// `kubernetes.io/dockercfg`
    Dockercfg,
}

/// A docker configuration file.
#[derive(Clone, Debug)]
pub struct FilePlan {
    /// The target's name in the configuration.
    pub target: String,
    /// Places in [`Plan::sources`].
    pub sources: Vec<usize>,
    /// Where it is.
    pub path: PathBuf,
    /// `user`, `user:group` or numbers.
    pub owner: Option<String>,
    /// Permissions.
    pub mode: Option<u32>,
}

/// What is known of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// Its name.
    pub name: Arc<str>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Of its annotations those that decide something.
    pub annotations: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

/// Which namespaces must be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All: some rule needs their names, labels or annotations.
    Cluster,
    /// These alone, each by its name.
    Named(BTreeSet<Arc<str>>),
}

impl Plan {
    /// Checks a configuration and makes the plan.
    ///
    /// # Errors
    /// A sentence that names the registry or target and what is wrong with it.
    pub fn new(
        config: &Config,
        specs: &[&'static ProviderSpec],
        env: &Env,
    ) -> Result<Self, ConfigError> {
        check::plan(config, specs, env)
    }

    /// Which namespaces must be looked at.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let mut named = BTreeSet::new();
        for secret in &self.secrets {
            let tenant = secret
                .sources
                .iter()
                .any(|s| self.sources[*s].identity.is_some());
            let Some(names) = secret.literal_namespaces().filter(|_| !tenant) else {
                return Scope::Cluster;
            };
            named.extend(names.into_iter().map(Arc::from));
        }
        Scope::Named(named)
    }

    /// Annotations of namespaces and service accounts that decide something.
    #[must_use]
    pub fn annotations(&self) -> BTreeSet<String> {
        let identities = self.sources.iter().filter_map(|s| s.identity.as_ref());
        let mut keys: BTreeSet<_> = identities
            .flat_map(|identity| identity.also_pass.iter().chain([&identity.annotation]))
            .cloned()
            .collect();
        keys.extend(OPT_OUT.iter().map(|(key, _)| (*key).to_owned()));
        keys
    }

    /// Whether service accounts decide anything: some target adds to them, or they prove who a
    /// namespace is.
    #[must_use]
    pub fn looks_at_accounts(&self) -> bool {
        let tenants = self.sources.iter().any(|source| source.identity.is_some());
        tenants || self.secrets.iter().any(|secret| !secret.accounts.is_none())
    }
}

impl SecretPlan {
    /// The Secret's name in a namespace.
    #[must_use]
    pub fn name_in(&self, namespace: &str) -> String {
        self.name.replace(NAMESPACE, namespace)
    }

    /// Whether a namespace gets the Secret; if not, why.
    ///
    /// # Errors
    /// The reason.
    pub fn covers(&self, namespace: &Namespace) -> Result<(), &'static str> {
        if !self.wants(namespace) {
            return Err("not selected");
        }
        if namespace.terminating {
            return Err("the namespace is being deleted");
        }
        if namespace.has_opted_out() {
            return Err("the namespace opted out");
        }
        Ok(())
    }

    /// The inputs of a Secret whose logins belong to these roles of a namespace.
    pub(crate) fn inputs_with<'a>(&'a self, roles: impl Iterator<Item = &'a str>) -> String {
        let mut parts = vec![self.inputs.as_str()];
        parts.extend(roles);
        match parts[..] {
            [alone] => alone.to_owned(),
            _ => hash(parts),
        }
    }

    /// Whether the namespace is worth a word: its name is meant, though something else may keep it
    /// out.
    pub(crate) fn mentions(&self, namespace: &Namespace) -> bool {
        self.wants(namespace)
    }

    fn wants(&self, namespace: &Namespace) -> bool {
        let rule = &self.namespaces;
        let listed = |patterns: &[String]| {
            let name = &namespace.name;
            patterns.iter().any(|p| crate::config::glob(p, name))
        };
        &*namespace.name != NODE_LEASES
            && listed(&rule.include)
            && !listed(&rule.exclude)
            && rule
                .selector
                .as_ref()
                .is_none_or(|s| s.matches(&namespace.labels))
    }

    /// The namespaces by name, where no rule needs more than names.
    fn literal_namespaces(&self) -> Option<Vec<&str>> {
        let rule = &self.namespaces;
        let literal = rule.selector.is_none()
            && !rule
                .include
                .iter()
                .any(|name| crate::config::is_pattern(name));
        literal.then(|| {
            let names = rule.include.iter().map(String::as_str);
            let excluded = |name: &&str| rule.exclude.iter().any(|p| crate::config::glob(p, name));
            names.filter(|name| !excluded(name)).collect()
        })
    }
}

impl Form {
    /// The Secret's type.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::ConfigJson => crate::config::CONFIG_JSON,
            Self::Dockercfg => crate::config::DOCKERCFG,
        }
    }

    /// The key of its data.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::ConfigJson => ".dockerconfigjson",
            Self::Dockercfg => ".dockercfg",
        }
    }
}

impl SourceKind {
    /// In a word: the provider, or the file's path.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Provider(spec) => spec.name.to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Static(_) => STATIC.to_owned(),
        }
    }
}

impl From<Form> for Format {
    fn from(form: Form) -> Self {
        match form {
            Form::ConfigJson => Self::ConfigJson,
            Form::Dockercfg => Self::Dockercfg,
        }
    }
}

impl FilePlan {
    /// The file to be written.
    pub(crate) fn file(&self) -> DockerFile {
        DockerFile {
            path: self.path.clone(),
            owner: self.owner.clone(),
            mode: self.mode,
        }
    }
}

impl Namespace {
    /// A namespace of which nothing but the name is known.
    #[must_use]
    pub fn named(name: Arc<str>) -> Self {
        Self {
            name,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            terminating: false,
        }
    }

    fn has_opted_out(&self) -> bool {
        OPT_OUT.iter().any(|(key, values)| {
            let value = self.annotations.get(*key);
            value.is_some_and(|value| values.contains(&value.as_str()))
        })
    }
}

/// The first half of a SHA-256 over the parts.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> [u8; 16] {
    let mut sum = Sha256::new();
    for part in parts {
        sum.update((part.len() as u64).to_be_bytes());
        sum.update(part.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&sum.finalize()[..16]);
    half
}

/// The same in hexadecimal.
pub(crate) fn hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    digest(parts).iter().map(|b| format!("{b:02x}")).collect()
}

/// Annotations that keep a namespace out: our own, and those of the tools that came before.
const OPT_OUT: &[(&str, &[&str])] = &[
    ("refresh.regcred.dev/ignore", &["true", "1"]),
    ("alexellis.io/registry-creds.ignore", &["true", "1"]),
    (
        "k8s.titansoft.com/imagepullsecret-patcher-exclude",
        &["true"],
    ),
];
/// It holds nothing but Leases of nodes, one a node.
const NODE_LEASES: &str = "kube-node-lease";
/// The providers that are no clouds.
pub(crate) const FILE: &str = "file";
pub(crate) const STATIC: &str = "static";
pub(crate) const NAMESPACE: &str = "{namespace}";
pub(crate) const REGISTRY: &str = "{registry}";

#[cfg(test)]
mod tests;
