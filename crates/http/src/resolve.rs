//! The addresses of a name: as the C library finds them, or, in a static program, by a resolver of
//! our own.
//!
//! glibc loads the modules that `/etc/nsswitch.conf` names at run time. A static program cannot: it
//! would need the very glibc that it was linked with. So it resolves names as Go's programs do, the
//! kubelet and containerd among them: `/etc/hosts` first, then the servers of `/etc/resolv.conf`.

mod exchange;
mod hosts;
mod message;
mod order;
mod resolv_conf;
mod stub;

use std::io;
use std::net::IpAddr;

use tokio::net::lookup_host;

use self::stub::StubResolver;

/// Whether this program resolves names without the C library. A library that asks the C library is not
/// linked into such a program: see `crates/gcr/src/without_sdk.rs`.
const RESOLVES_NAMES_ITSELF: bool = cfg!(target_feature = "crt-static");

/// The addresses of a host, best first. At least one.
///
/// # Errors
/// When the name has no address or cannot be resolved now. The text of an error that may pass has the
/// word "temporary".
pub async fn resolve(name: &str) -> io::Result<Vec<IpAddr>> {
    if RESOLVES_NAMES_ITSELF {
        StubResolver::of_machine().addresses(name).await
    } else {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that asks the C library"
        )]
        let found = lookup_host((name, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

#[cfg(test)]
mod tests;
