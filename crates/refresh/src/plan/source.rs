//! One source of logins: a registry entry of the configuration.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regcred_core::ProviderSpec;

use crate::config::{NamespaceIdentity, Period, STATIC, StaticLogin};

/// One source of logins.
#[derive(Clone, Debug)]
pub struct SourcePlan {
    /// The registry's name in the configuration.
    pub name: String,
    /// Who issues the logins.
    pub kind: SourceKind,
    /// The hosts that the login is written for; empty for all of a file's.
    pub hosts: Vec<String>,
    /// Variables that override those of the process.
    pub env: BTreeMap<String, String>,
    /// Variables whose values are read from files.
    pub env_files: BTreeMap<String, PathBuf>,
    /// Renew at this age at the latest.
    pub max_age: Option<Period>,
    /// A token for each namespace, under its own identity.
    pub identity: Option<NamespaceIdentity>,
}

/// Who issues a source's logins.
#[derive(Clone, Debug)]
pub enum SourceKind {
    /// A cloud.
    Provider(&'static ProviderSpec),
    /// A docker configuration file.
    File(PathBuf),
    /// A login that does not expire.
    Static(StaticLogin),
}

impl SourceKind {
    /// The provider's name, or the file's path.
    #[must_use]
    pub fn shown(&self) -> String {
        match self {
            Self::Provider(spec) => spec.name.to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Static(_) => STATIC.to_owned(),
        }
    }
}
