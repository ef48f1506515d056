//! The kubelet's credential keyring: pull secrets, the node's docker configuration and the answers
//! of exec plugins, each ordered by key, one behind the other (kubernetes
//! `pkg/credentialprovider`).
//!
//! ```
//! use regcred_core::Credentials;
//! use regcred_keyring::{Keyring, Source};
//!
//! let mut keyring = Keyring::new();
//! let login = |name| Credentials::new(name, "secret");
//! let source = Source::docker_config("/root/.docker/config.json");
//! keyring.extend(&source, [
//!     ("*.example.com".to_owned(), login("any")),
//!     ("https://registry.example.com/v2/team".to_owned(), login("team")),
//! ]);
//! let found = keyring.lookup("registry.example.com/team/app");
//! let names: Vec<_> = found.iter().map(|c| c.credentials.username.as_str()).collect();
//! assert_eq!(names, ["team", "any"]);
//! ```

mod index;
mod inspect;
mod key;
mod keyring;
mod merged;
mod node_config;
mod pull_secrets;
mod rules;
mod source;

pub use index::PatternIndex;
pub use inspect::{InspectedEntry, InspectedKey, Inspection, Verdict};
pub use keyring::{Candidate, Keyring, RejectedKey};
pub use merged::{KeyringKind, Keyrings};
pub use node_config::{ConfigFile, NodeConfig, Outcome, SearchPaths};
pub use pull_secrets::{PullSecretError, PullSecrets, SecretReport};
pub use regcred_api::docker_config::BadEntries;
pub use rules::{DefaultRegistry, Ipv6Literals, KeyringRules};
pub use source::Source;
