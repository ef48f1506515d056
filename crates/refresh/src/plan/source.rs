//! One source of logins: a registry entry of the configuration.

use std::path::PathBuf;

use regcred_core::ProviderSpec;

use crate::config::{Registry, STATIC, StaticLogin};

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
    /// A cloud.
    Provider(&'static ProviderSpec),
    /// A docker configuration file.
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
