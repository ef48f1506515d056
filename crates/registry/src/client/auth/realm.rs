//! Where a token may be fetched. Any registry can name any address, so a realm is trusted only as
//! far as the registry itself: otherwise a credential could be read off the wire, or a request
//! sent to a server of the inner network.

use regcred_core::plain;
use regcred_http::{Challenge, Network, Url, has_user, is_loopback};

use super::context::AuthContext;
use crate::client::address::{host_and_port, is_private, same_host};

/// A token server and the service it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    pub(super) url: Url,
    pub(super) service: Option<String>,
    /// Whether a credential may be sent to it in clear text.
    pub(super) cleartext: bool,
    /// As [`crate::client::address::NamedAddress::by`].
    pub(super) named_by: Option<Network>,
}

impl Realm {
    /// The token server that a challenge of the registry at `registry` names; an operator may have
    /// marked the registry as plain http. The error is a phrase: which rule was broken.
    pub(super) fn of(
        challenge: &Challenge,
        registry: &Url,
        is_plain: bool,
    ) -> Result<Self, String> {
        let realm = challenge.param("realm").unwrap_or_default();
        // A word such as `registry` is a name for people, and not a path next to the registry's.
        let url = if realm.starts_with('/') {
            registry.join(realm).ok()
        } else {
            Url::parse(realm).ok()
        };
        let url = url.ok_or("the challenge's realm is not a URL")?;
        let refuse = |why: &str| {
            let (scheme, host) = (plain(url.scheme(), LONGEST_SCHEME), host_and_port(&url));
            Err(format!(
                "refusing the token server {scheme}://{host}: {why}"
            ))
        };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return refuse("it is neither http nor https");
        }
        if has_user(&url) {
            return refuse("its address holds user information");
        }
        let both_here = is_loopback(&url) && is_loopback(registry);
        if url.scheme() == "http" && !both_here && !(is_plain && registry.scheme() == "http") {
            return refuse("it is not https, and the registry is not marked as plain http");
        }
        if is_private(&url) && !both_here && !same_host(&url, registry) {
            return refuse("it is a private address and not the registry's own");
        }
        let service = challenge.param("service").filter(|s| !s.is_empty());
        Ok(Self {
            service: service.map(str::to_owned),
            cleartext: is_plain && url.scheme() == "http",
            named_by: None,
            url,
        })
    }

    /// The same, named by the server that a context is about.
    pub(super) fn named_in(mut self, context: &AuthContext<'_>) -> Self {
        self.named_by = if same_host(&self.url, context.url) {
            context.named_by
        } else {
            Some(context.network)
        };
        self
    }

    /// `host[:port]`, for messages.
    pub(super) fn host(&self) -> String {
        host_and_port(&self.url)
    }
}

/// Characters of a scheme in a message: the registry may choose it.
const LONGEST_SCHEME: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    fn realm(realm: &str, registry: &str, plain: bool) -> Result<String, String> {
        let challenge = Challenge {
            scheme: "bearer".into(),
            params: vec![("realm".into(), realm.into())],
        };
        let registry = Url::parse(registry).expect("registry");
        Realm::of(&challenge, &registry, plain).map(|r| r.url.to_string())
    }

    #[test]
    fn realms_of_real_registries_are_taken() {
        for (text, registry) in [
            (
                "https://auth.docker.io/token",
                "https://registry-1.docker.io/v2",
            ),
            (
                "https://gitlab.com/jwt/auth",
                "https://registry.gitlab.com/v2",
            ),
            ("https://10.0.0.5/token", "https://10.0.0.5:5000/v2"),
            ("http://127.0.0.1:5004/token", "http://127.0.0.1:5003/v2"),
            ("http://localhost:5004/token", "http://127.0.0.1:5003/v2"),
            ("http://[::1]:5004/token", "https://localhost:5003/v2"),
        ] {
            assert_eq!(realm(text, registry, false).as_deref(), Ok(text));
        }
        assert_eq!(
            realm("/token?a=b", "https://reg.io/v2/x", false).as_deref(),
            Ok("https://reg.io/token?a=b")
        );
    }

    #[test]
    fn realms_that_lead_elsewhere_are_refused() {
        for (text, registry) in [
            ("http://auth.reg.io/token", "https://reg.io/v2"),
            ("http://auth.corp/token", "http://127.0.0.1:5000/v2"),
            ("https://169.254.169.254/latest", "https://reg.io/v2"),
            ("https://[fd00:ec2::254]/", "https://reg.io/v2"),
            ("https://[::ffff:169.254.169.254]/", "https://reg.io/v2"),
            ("https://100.100.100.200/", "https://reg.io/v2"),
            ("https://127.0.0.1/", "https://reg.io/v2"),
            ("https://localhost/", "https://reg.io/v2"),
            ("https://0.0.0.0/", "https://reg.io/v2"),
            ("https://192.168.1.1/", "https://reg.io/v2"),
            ("https://10.0.0.6/", "https://10.0.0.5/v2"),
            ("https://user:pw@auth.reg.io/", "https://reg.io/v2"),
            ("ftp://auth.reg.io/", "https://reg.io/v2"),
            ("https://", "https://reg.io/v2"),
            ("registry", "https://reg.io/v2"),
            ("Registry Realm", "https://reg.io/v2"),
        ] {
            assert!(realm(text, registry, false).is_err(), "{text}");
        }
        let error = realm("https://u:canary@h/?canary", "https://reg.io/v2", false);
        assert!(!error.expect_err("refused").contains("canary"));
        let long = "x".repeat(5000);
        for text in [format!("http://{long}/"), format!("{long}://reg.io/")] {
            let error = realm(&text, "https://reg.io/v2", false).expect_err("refused");
            assert!(error.len() < 400, "{error}");
        }
    }

    #[test]
    fn plain_http_needs_a_registry_marked_so() {
        let (text, registry) = ("http://auth.corp/token", "http://reg.corp/v2");
        assert!(realm(text, registry, false).is_err());
        assert_eq!(realm(text, registry, true).as_deref(), Ok(text));
        assert!(realm(text, "https://reg.corp/v2", true).is_err());
    }
}
