//! Where a keyring may differ from the kubelet's, by choice.

use regcred_core::ImagePattern;

/// The choices. The default is the kubelet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KeyringRules {
    /// Which images the logins of Docker Hub may serve.
    pub default_registry: DefaultRegistry,
    /// How a host in brackets is read.
    pub ipv6: Ipv6Literals,
}

/// Which images may be served by the logins for `index.docker.io` when no key matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum DefaultRegistry {
    /// The kubelet's rule: `docker.io`, and every host that has neither a dot nor a port. It hands
    /// the logins of Docker Hub to hosts such as `localhost`.
    #[default]
    Kubelet,
    /// Only `docker.io`. Differs from the kubelet for hosts with neither a dot nor a port.
    DockerIoOnly,
}

/// How a pattern or key with an IPv6 literal and no port, `[fe80::1]/team`, is read. With a port both
/// mean the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Ipv6Literals {
    /// The kubelet's way: the brackets are a glob's, and match hardly anything.
    #[default]
    Kubelet,
    /// As the address it is.
    Literal,
}

impl Ipv6Literals {
    /// A pattern or key, read this way.
    #[must_use]
    pub fn read(self, pattern: ImagePattern) -> ImagePattern {
        match self {
            Self::Kubelet => pattern.with_brackets_as_glob(),
            Self::Literal => pattern,
        }
    }
}
