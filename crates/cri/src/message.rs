//! The generated messages, clients and, for tests, servers.

use std::fmt;

/// `runtime.v1`
#[expect(unused_qualifications, reason = "generated")]
#[cfg_attr(
    feature = "server",
    expect(missing_docs, clippy::allow_attributes, reason = "generated")
)]
#[cfg_attr(not(feature = "server"), expect(unreachable_pub, reason = "generated"))]
pub mod runtime {
    include!("generated/runtime.v1.rs");
}

/// `containerd.services.content.v1`
#[expect(unused_qualifications, reason = "generated")]
#[cfg_attr(
    feature = "server",
    expect(missing_docs, clippy::allow_attributes, reason = "generated")
)]
#[cfg_attr(not(feature = "server"), expect(unreachable_pub, reason = "generated"))]
pub mod containerd {
    include!("generated/containerd.services.content.v1.rs");
}

/// Without the password.
impl fmt::Debug for runtime::AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthConfig")
            .field("username", &self.username)
            .field("server_address", &self.server_address)
            .finish_non_exhaustive()
    }
}
