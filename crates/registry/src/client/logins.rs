//! The logins of one attempt: the image's, and those of other hosts that receive its requests.

use std::fmt;
use std::sync::Arc;

use regcred_core::{Credentials, ImageRef, SecretText as _};
use regcred_http::{Url, host_and_port};

use super::hosts::HostConfig;
use super::server_report::OfferedLogin;

/// The login that the keyring has for a host.
#[derive(Clone, Debug)]
pub struct HostLogin {
    /// User name and password.
    pub credentials: Credentials,
    /// Its origin, for messages: without the password.
    pub label: String,
}

/// Finds the login of a host, which is given as the image's name there: `host[:port]/path`.
pub type HostLogins = dyn Fn(&str) -> Option<HostLogin> + Send + Sync;

/// The image's login, and the look-up for other hosts. A mirror without its own login gets the image's,
/// as from containerd.
#[derive(Clone, Default)]
pub struct Logins {
    image: Option<Credentials>,
    hosts: Option<Arc<HostLogins>>,
    withheld_from_mirrors: bool,
}

/// The login of one server.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerLogin {
    pub(crate) credentials: Option<Credentials>,
    pub(crate) offered: OfferedLogin,
    /// Whether the image has a login, which this server may not get.
    pub(crate) has_image_login: bool,
}

impl Logins {
    /// Only the image's login, or none. One without user name and password counts as none.
    #[must_use]
    pub fn of_image(login: Option<Credentials>) -> Self {
        Self {
            image: login.filter(is_login),
            ..Self::default()
        }
    }

    /// Adds the look-up for other hosts.
    #[must_use]
    pub fn with_hosts(mut self, hosts: Arc<HostLogins>) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// Keeps the image's login from mirrors; their own logins are not affected.
    #[must_use]
    pub fn withheld_from_mirrors(mut self, withheld: bool) -> Self {
        self.withheld_from_mirrors = withheld;
        self
    }

    /// The image's login.
    #[must_use]
    pub fn image(&self) -> Option<&Credentials> {
        self.image.as_ref()
    }

    /// The login for a server of `hosts.toml`: its own before the image's.
    pub(crate) fn of_server(&self, server: &HostConfig, image: &ImageRef) -> ServerLogin {
        let name = name_at_mirror(server, image);
        if let Some(own) = name.and_then(|name| self.of_host(&name)) {
            return self.own(own);
        }
        if self.withheld_from_mirrors && !server.is_registry {
            return self.withheld();
        }
        ServerLogin {
            credentials: self.image.clone(),
            offered: OfferedLogin::Image,
            has_image_login: self.image.is_some(),
        }
    }

    /// The login for the target of a redirect: only its own.
    pub(crate) fn of_redirect(&self, url: &Url) -> ServerLogin {
        let own = self.of_host(name_at(url, "").trim_end_matches('/'));
        own.map_or_else(|| self.withheld(), |own| self.own(own))
    }

    fn own(&self, own: HostLogin) -> ServerLogin {
        ServerLogin {
            credentials: Some(own.credentials),
            offered: OfferedLogin::Own(own.label),
            has_image_login: self.image.is_some(),
        }
    }

    fn withheld(&self) -> ServerLogin {
        ServerLogin {
            credentials: None,
            offered: OfferedLogin::Withheld,
            has_image_login: self.image.is_some(),
        }
    }

    fn of_host(&self, name: &str) -> Option<HostLogin> {
        let find = self.hosts.as_ref()?;
        find(name).filter(|found| is_login(&found.credentials))
    }
}

impl From<Option<&Credentials>> for Logins {
    fn from(login: Option<&Credentials>) -> Self {
        Self::of_image(login.cloned())
    }
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins")
            .field("image", &self.image.is_some())
            .field("hosts", &self.hosts.is_some())
            .field("withheld_from_mirrors", &self.withheld_from_mirrors)
            .finish()
    }
}

fn is_login(login: &Credentials) -> bool {
    !login.username.is_empty() || !login.password.is_empty()
}

/// The image's name at a server that may have a login of its own; `None` at the image's registry.
pub(crate) fn name_at_mirror(server: &HostConfig, image: &ImageRef) -> Option<String> {
    let name = name_at(&server.url, image.path());
    let is_at_registry = name.split('/').next() == Some(image.domain());
    (!is_at_registry).then_some(name)
}

/// The name of a repository at a server, without the `/v2` of the registry's API.
fn name_at(url: &Url, path: &str) -> String {
    let host = match host_and_port(url) {
        hub if hub == "registry-1.docker.io" => "docker.io".to_owned(),
        other => other,
    };
    let base = url.path().trim_end_matches('/');
    let base = base.strip_suffix("/v2").unwrap_or(base);
    let base = match base.strip_prefix("/v2/") {
        Some(rest) => format!("/{rest}"),
        None => base.to_owned(),
    };
    format!("{host}{base}/{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_has_the_servers_name_for_it() {
        for (url, expected) in [
            ("https://m.corp/v2", "m.corp/team/app"),
            (
                "http://m.corp:5000/v2/quay.io",
                "m.corp:5000/quay.io/team/app",
            ),
            (
                "https://m.corp/artifactory/api/docker/hub/v2",
                "m.corp/artifactory/api/docker/hub/team/app",
            ),
            ("https://registry-1.docker.io/v2", "docker.io/team/app"),
            ("http://[::1]:5000/", "[::1]:5000/team/app"),
        ] {
            let url = Url::parse(url).expect(url);
            assert_eq!(name_at(&url, "team/app"), expected);
        }
    }

    #[test]
    fn nothing_of_a_login_is_shown() {
        let logins = Logins::of_image(Some(Credentials::new("alice", "canary")));
        assert!(!format!("{logins:?}").contains("canary"));
    }
}
