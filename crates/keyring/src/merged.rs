//! The three keyrings of a pull, one behind the other (kubernetes `UnionDockerKeyring`).

use std::fmt;

use crate::{Candidate, Inspection, Keyring};

/// What a kubelet has for a pod: a better match in a later keyring still comes later.
#[derive(Clone, Copy, Debug)]
pub struct Keyrings<'a> {
    /// The pod's pull secrets.
    pub pull_secrets: &'a Keyring,
    /// The node's docker configuration.
    pub node: &'a Keyring,
    /// The answers of all plugins that were asked for the image, in the order of the configuration.
    pub plugins: &'a Keyring,
}

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyringKind {
    /// The pod's pull secrets.
    PullSecrets,
    /// The node's docker configuration.
    Node,
    /// The plugins' answers.
    Plugins,
}

impl<'a> Keyrings<'a> {
    /// The logins to try for an image, in order. None means: one anonymous pull.
    #[must_use]
    pub fn lookup(&self, image: &str) -> Vec<Candidate> {
        self.all()
            .into_iter()
            .flat_map(|(_, keyring)| keyring.lookup(image))
            .collect()
    }

    /// Every key of each keyring with the reason why it is or is not used for an image.
    #[must_use]
    pub fn inspect(&self, image: &str) -> Vec<(KeyringKind, Inspection)> {
        self.all()
            .into_iter()
            .map(|(kind, keyring)| (kind, keyring.inspect(image)))
            .collect()
    }

    fn all(&self) -> [(KeyringKind, &'a Keyring); 3] {
        [
            (KeyringKind::PullSecrets, self.pull_secrets),
            (KeyringKind::Node, self.node),
            (KeyringKind::Plugins, self.plugins),
        ]
    }
}

impl fmt::Display for KeyringKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::PullSecrets => "pull secrets",
            Self::Node => "node docker config",
            Self::Plugins => "plugins",
        })
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::Credentials;

    use super::*;
    use crate::Source;

    fn keyring(server: &str, username: &str) -> Keyring {
        let mut keyring = Keyring::new();
        let login = Credentials::new(username, "p");
        keyring.add(server, login, &Source::plugin("x"));
        keyring
    }

    #[test]
    fn keyrings_follow_each_other_whatever_their_keys() {
        let keyrings = Keyrings {
            pull_secrets: &keyring("*.io", "secret"),
            node: &keyring("h.io", "node"),
            plugins: &keyring("h.io/team/app", "plugin"),
        };
        let found = keyrings.lookup("h.io/team/app");
        let names: Vec<_> = found.iter().map(|c| &*c.credentials.username).collect();
        assert_eq!(names, ["secret", "node", "plugin"]);
        let kinds: Vec<_> = keyrings
            .inspect("h.io/x")
            .into_iter()
            .map(|(kind, found)| format!("{kind}: {}", found.keys[0].verdict))
            .collect();
        assert_eq!(
            kinds,
            [
                "pull secrets: matches",
                "node docker config: matches",
                "plugins: the path `/team/app` is not a prefix of `/x`"
            ]
        );
    }

    #[test]
    fn the_default_registry_is_each_keyrings_own_affair() {
        // A match in the first does not suppress Docker Hub's logins in the second.
        let keyrings = Keyrings {
            pull_secrets: &keyring("docker.io", "secret"),
            node: &keyring("https://index.docker.io/v1/", "node"),
            plugins: &Keyring::new(),
        };
        let found = keyrings.lookup("docker.io/library/nginx");
        let names: Vec<_> = found.iter().map(|c| &*c.credentials.username).collect();
        assert_eq!(names, ["secret", "node"]);
    }
}
