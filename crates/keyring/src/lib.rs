//! The kubelet's credential keyring: pull secrets, the node's docker configuration and the answers
//! of exec plugins, each ordered by key, one after another (kubernetes
//! `pkg/credentialprovider`).
//!
//! ```
//! use regcred_core::Credentials;
//! use regcred_keyring::{Keyring, CredentialSource};
//!
//! let mut keyring = Keyring::new();
//! let login = |name| Credentials::new(name, "secret");
//! let source = CredentialSource::docker_config("/root/.docker/config.json");
//! keyring.extend(&source, [
//!     ("*.example.com".to_owned(), login("any")),
//!     ("https://registry.example.com/v2/team".to_owned(), login("team")),
//! ]);
//! let found = keyring.lookup("registry.example.com/team/app");
//! let names: Vec<_> = found.iter().map(|c| c.credentials.username.as_str()).collect();
//! assert_eq!(names, ["team", "any"]);
//! ```

mod credential_source;
mod index;
mod inspect;
mod key;
mod keyring;
mod keyrings;
mod node_config;
mod pull_secrets;
mod rules;
mod verdict;

pub use credential_source::CredentialSource;
pub use index::PatternIndex;
pub use inspect::{InspectedEntry, InspectedKey};
pub use keyring::{Candidate, Keyring, RejectedKey};
pub use keyrings::Keyrings;
pub use node_config::{ConfigFile, FileOutcome, NodeConfig, SearchPaths};
pub use pull_secrets::{PullSecretError, PullSecrets, SecretReport};
pub use rules::KeyringRules;
pub use verdict::Verdict;
