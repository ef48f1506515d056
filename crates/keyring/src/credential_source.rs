//! Where a credential comes from, for people and for the kubelet's pull records.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcred_core::ServiceAccountCoordinates;
use serde::Serializer;

/// Where a credential comes from. Displays as a label without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CredentialSource {
    /// A docker configuration file of the node.
    DockerConfig {
        /// The file.
        path: PathBuf,
    },
    /// A pull secret of the pod.
    PullSecret {
        /// The file it was read from.
        path: PathBuf,
        /// The Secret's namespace; empty where it has none.
        namespace: String,
        /// The Secret's name; empty for a bare docker configuration.
        name: String,
        /// The Secret's UID; empty where it has none.
        uid: String,
    },
    /// An exec plugin.
    Plugin {
        /// The provider's name in the kubelet's configuration.
        name: String,
        /// The service account whose token the plugin was sent.
        service_account: Option<ServiceAccountCoordinates>,
    },
}

impl CredentialSource {
    /// A docker configuration file of the node.
    pub fn docker_config(path: impl AsRef<Path>) -> Arc<Self> {
        Arc::new(Self::DockerConfig {
            path: path.as_ref().to_owned(),
        })
    }

    /// An exec plugin that was not sent a token.
    pub fn plugin(name: impl Into<String>) -> Arc<Self> {
        Arc::new(Self::Plugin {
            name: name.into(),
            service_account: None,
        })
    }
}

/// Writes the label.
pub(crate) fn label<S: Serializer>(
    source: &Arc<CredentialSource>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(source)
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DockerConfig { path } => write!(f, "docker config {}", path.display()),
            Self::PullSecret { path, name, .. } if name.is_empty() => {
                write!(f, "pull secret {}", path.display())
            }
            Self::PullSecret {
                path,
                namespace,
                name,
                ..
            } => {
                let slash = if namespace.is_empty() { "" } else { "/" };
                let path = path.display();
                write!(f, "pull secret {namespace}{slash}{name} ({path})")
            }
            Self::Plugin { name, .. } => write!(f, "plugin {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_name_the_place() {
        let secret = |namespace: &str, name: &str| CredentialSource::PullSecret {
            path: "/s.yaml".into(),
            namespace: namespace.into(),
            name: name.into(),
            uid: "u".into(),
        };
        for (source, label) in [
            (
                CredentialSource::DockerConfig {
                    path: "/c.json".into(),
                },
                "docker config /c.json",
            ),
            (secret("", ""), "pull secret /s.yaml"),
            (secret("", "regcred"), "pull secret regcred (/s.yaml)"),
            (secret("n", "regcred"), "pull secret n/regcred (/s.yaml)"),
            (
                (*CredentialSource::plugin("ecr-credential-provider")).clone(),
                "plugin ecr-credential-provider",
            ),
        ] {
            assert_eq!(source.to_string(), label);
        }
    }
}
