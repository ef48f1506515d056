//! The variables that every https client of ours obeys.

use regcred_core::EnvVar;

/// Proxies and trust, as every program on the machine reads them.
pub const VARS: &[EnvVar] = &[
    EnvVar::new(
        "HTTPS_PROXY",
        "Proxy for https, as URL or host:port. Loopback and link-local addresses never use it.",
        "",
    )
    .secret(),
    EnvVar::new("HTTP_PROXY", "Proxy for plain http, likewise.", "").secret(),
    EnvVar::new(
        "NO_PROXY",
        "Hosts reached directly: names, .suffixes, host:port, addresses, networks, or *.",
        "",
    ),
    EnvVar::new(
        "SSL_CERT_FILE",
        "PEM file with the trusted root certificates.",
        "the distribution's bundle",
    ),
    EnvVar::new(
        "SSL_CERT_DIR",
        "Directories, separated by colons, whose PEM files are trusted as well.",
        "",
    ),
];
