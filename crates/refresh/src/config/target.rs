//! Where logins are written to: a Secret in each selected namespace, or a docker configuration file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use regcred_api::docker_config::Format;
use serde::{Deserialize, Serialize};

use super::selector::LabelSelector;

/// One target: exactly one of `secret` and `dockerConfig`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Target {
    /// The name used by logs, metrics and the status page.
    pub(crate) name: String,
    /// Names of registries, merged in this order; defaults to all.
    #[serde(default)]
    pub(crate) registries: Vec<String>,
    /// A Secret in each namespace.
    pub(crate) secret: Option<SecretTarget>,
    /// The namespaces that get the Secret.
    #[serde(default)]
    pub(crate) namespaces: Namespaces,
    /// The service accounts that list the Secret as an image pull secret; defaults to none.
    #[serde(default)]
    pub(crate) service_accounts: ServiceAccounts,
    /// A file on this machine.
    pub(crate) docker_config: Option<DockerConfigTarget>,
}

/// The desired Secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SecretTarget {
    /// Name of the Secret. `{namespace}` is replaced by the namespace; `{registry}` makes one Secret
    /// for each registry.
    pub(crate) name: String,
    /// `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`.
    #[serde(default = "config_json", rename = "type")]
    pub(crate) kind: String,
    /// Labels in addition to the refresher's own.
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    /// Annotations in addition to the refresher's own.
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    /// How to treat a Secret that the refresher did not create.
    #[serde(default)]
    pub(crate) ownership: Ownership,
}

/// How to treat a Secret that the refresher did not create.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Ownership {
    /// Leave it alone and report it.
    #[default]
    Refuse,
    /// Take it over; replace one that is immutable or of another type.
    Force,
    /// Leave it to its owner, and keep only the entries of the registries' hosts fresh.
    Merge,
}

/// Selection of namespaces. `kube-node-lease`, terminating namespaces and those with an opt-out
/// annotation are never selected.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Namespaces {
    /// Names and patterns: `*` is any run of characters, `?` one character. If all are names, no
    /// right to list namespaces is needed.
    pub(crate) include: Vec<String>,
    /// Names and patterns of namespaces to leave out.
    pub(crate) exclude: Vec<String>,
    /// Only namespaces with these labels.
    pub(crate) selector: Option<LabelSelector>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct ServiceAccounts {
    pub(crate) names: Vec<String>,
    pub(crate) all: bool,
    /// Service accounts with these labels.
    pub(crate) selector: Option<LabelSelector>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct DockerConfigTarget {
    /// Entries of other hosts, and everything else in the file, stay as they are.
    pub(crate) path: PathBuf,
    /// `user`, `user:group` or numbers; defaults to the file's owner.
    pub(crate) owner: Option<String>,
    /// Permissions in octal; defaults to those of the file, `0600` for a new one.
    pub(crate) mode: Option<String>,
}

impl fmt::Display for Namespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.include.join(" "))?;
        if !self.exclude.is_empty() {
            write!(f, ", except {}", self.exclude.join(" "))?;
        }
        match &self.selector {
            Some(selector) => write!(f, ", with labels {selector}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ServiceAccounts {
    /// Nothing, or what follows the namespaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut which = self.names.clone();
        if self.all {
            which = vec!["all".to_owned()];
        } else if let Some(selector) = &self.selector {
            which.push(format!("those with labels {selector}"));
        }
        if which.is_empty() {
            return Ok(());
        }
        write!(f, "; service accounts {}", which.join(" "))
    }
}

impl Default for Namespaces {
    fn default() -> Self {
        Self {
            include: vec!["*".to_owned()],
            exclude: Vec::new(),
            selector: None,
        }
    }
}

impl ServiceAccounts {
    /// True if no service account is selected.
    pub(crate) fn is_none(&self) -> bool {
        self.names.is_empty() && !self.all && self.selector.is_none()
    }
}

fn config_json() -> String {
    Format::ConfigJson.secret_type().to_owned()
}
