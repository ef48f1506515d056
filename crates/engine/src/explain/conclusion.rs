//! The result of an explanation in one line.

use std::fmt;

use serde::Serialize;

use crate::credentials::CredentialLabel;
use crate::table::plural;

/// The result of a pull. `Display` is one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "result", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Conclusion {
    /// A pull secret fails every pull of the pod.
    PullSecretError {
        /// Why.
        error: String,
    },
    /// A credential works.
    Works {
        /// The first that does.
        credential: CredentialLabel,
        /// Whether it went over the wire: a registry gets it only where it asks for one.
        sent: bool,
    },
    /// The anonymous attempt works.
    WorksAnonymously,
    /// An attempt works with the logins of hosts' own: of a mirror, or of the target of a redirect.
    WorksWithHostLogins {
        /// Each with its host.
        logins: Vec<String>,
    },
    /// The anonymous attempt, the last one, fails.
    Fails {
        /// Why.
        error: String,
        /// Plugins that failed, and why: often the cause.
        failures: Vec<String>,
    },
    /// An attempt fails in a way that no credential can cure.
    Incurable {
        /// Why.
        error: String,
        /// Plugins that failed, and why.
        failures: Vec<String>,
    },
    /// The registry refuses every credential.
    Refused {
        /// Plugins that failed, and why: often the cause.
        failures: Vec<String>,
    },
    /// The registry was not asked.
    Untried {
        /// How many plugins a pull would ask first.
        plugins: usize,
        /// How many credentials there are without them.
        credentials: usize,
        /// The first of these.
        first: Option<CredentialLabel>,
        /// Plugins that failed, and why.
        failures: Vec<String>,
    },
}

impl fmt::Display for Conclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.result(f)?;
        match self {
            Self::Fails { failures, .. }
            | Self::Incurable { failures, .. }
            | Self::Refused { failures }
            | Self::Untried { failures, .. } => failures
                .iter()
                .try_for_each(|failure| write!(f, "; {failure}")),
            Self::PullSecretError { .. }
            | Self::Works { .. }
            | Self::WorksAnonymously
            | Self::WorksWithHostLogins { .. } => Ok(()),
        }
    }
}

impl Conclusion {
    fn result(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PullSecretError { error } => {
                write!(
                    f,
                    "every pull of this pod fails before any attempt: {error}"
                )
            }
            Self::Works { credential, sent } => {
                write!(f, "works with {credential}")?;
                if !sent {
                    f.write_str(", not sent: the registry returned the image without it")?;
                }
                Ok(())
            }
            Self::WorksAnonymously => f.write_str("works without a credential"),
            Self::WorksWithHostLogins { logins } => {
                write!(f, "works with {}", logins.join(" and "))
            }
            Self::Fails { error, .. } => write!(f, "fails: {error}"),
            Self::Incurable { error, .. } => {
                write!(f, "fails, and no credential can help: {error}")
            }
            Self::Refused { .. } => f.write_str(
                "fails: the registry refused every credential, and only a pull without any is \
                 attempted anonymously",
            ),
            Self::Untried {
                plugins: 0,
                credentials,
                first,
                ..
            } => match (first, credentials) {
                (None, _) => f.write_str("no credential: one anonymous attempt"),
                (Some(first), 1) => write!(f, "a pull would try {first}"),
                (Some(first), n) => write!(f, "a pull would try {n} credentials, first {first}"),
            },
            Self::Untried {
                plugins,
                credentials,
                ..
            } => {
                let asked = plural(*plugins, "plugin");
                let known = match credentials {
                    0 => "no credential is known".to_owned(),
                    1 => "1 credential is known".to_owned(),
                    n => format!("{n} credentials are known"),
                };
                let them = if *plugins == 1 { "it" } else { "them" };
                write!(f, "a pull would ask {asked} first; {known} without {them}")
            }
        }
    }
}
