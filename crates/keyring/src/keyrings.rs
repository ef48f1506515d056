//! The three keyrings of a pull, one after another (kubernetes `UnionDockerKeyring`).

use crate::CredentialSource;
use crate::keyring::{Candidate, Keyring};

/// The keyrings of a pod, as the kubelet orders them: a better match in a later keyring still comes
/// later.
#[derive(Clone, Copy, Debug)]
pub struct Keyrings<'a> {
    /// The pod's pull secrets.
    pub pull_secrets: &'a Keyring,
    /// The node's docker configuration.
    pub node: &'a Keyring,
    /// The answers of all plugins that were asked for the image, in the order of the configuration.
    pub plugins: &'a Keyring,
}

impl Keyrings<'_> {
    /// The logins to try for an image, in order. An empty list means one anonymous pull.
    #[must_use]
    pub fn lookup(&self, image: &str) -> Vec<Candidate> {
        [self.pull_secrets, self.node, self.plugins]
            .into_iter()
            .flat_map(|keyring| keyring.lookup(image))
            .collect()
    }

    /// The login for a host that a configuration or a redirect names in place of the image's registry,
    /// given as the image's name there: of the source whose login has its turn, so that each has one,
    /// else the first by the order of a look-up.
    #[must_use]
    pub fn login_at_host(&self, name: &str, turn: Option<&CredentialSource>) -> Option<Candidate> {
        let mut found = self.logins_at_host(name);
        let has_turn = |one: &Candidate| turn == Some(&*one.source);
        let at = found.iter().position(has_turn).unwrap_or_default();
        (at < found.len()).then(|| found.swap_remove(at))
    }

    /// As [`Keyrings::login_at_host`], of every source, in the order of a look-up.
    #[must_use]
    pub fn logins_at_host(&self, name: &str) -> Vec<Candidate> {
        [self.pull_secrets, self.node, self.plugins]
            .into_iter()
            .flat_map(|keyring| keyring.lookup_at_host(name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::Credentials;

    use super::*;

    fn keyring(server: &str, username: &str) -> Keyring {
        let mut keyring = Keyring::new();
        let login = Credentials::new(username, "p");
        keyring.add(server, login, &CredentialSource::plugin("x"));
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
    }

    #[test]
    fn a_host_gets_the_login_that_is_for_it_and_docker_hubs_is_for_docker_hub() {
        let hub = keyring("https://index.docker.io/v1/", "hub");
        let keyrings = Keyrings {
            pull_secrets: &hub,
            node: &keyring("mirror.corp:5000/quay.io", "mirror"),
            plugins: &keyring("*.corp:5000", "any"),
        };
        let user = |name: &str| {
            let found = keyrings.login_at_host(name, None);
            found.map(|one| one.credentials.username)
        };
        assert_eq!(user("mirror.corp:5000/quay.io/a"), Some("mirror".into()));
        assert_eq!(user("mirror.corp:5000/other/a"), Some("any".into()));
        assert_eq!(user("docker.io/library/nginx"), Some("hub".into()));
        assert_eq!(user("mirror/library/nginx"), None, "not a short name");
        assert_eq!(keyrings.lookup("mirror/library/nginx").len(), 1);
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
