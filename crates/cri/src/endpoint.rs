//! Where a container runtime listens.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// The sockets of the runtimes and distributions, each with its name.
pub const WELL_KNOWN: &[(&str, &str)] = &[
    ("/run/containerd/containerd.sock", "containerd"),
    ("/run/k3s/containerd/containerd.sock", "k3s or RKE2"),
    ("/run/k0s/containerd.sock", "k0s"),
    ("/var/snap/microk8s/common/run/containerd.sock", "MicroK8s"),
    ("/run/crio/crio.sock", "CRI-O"),
    ("/run/cri-dockerd.sock", "cri-dockerd"),
];

/// An endpoint that is not a Unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the endpoint {0:?} is not a Unix socket: write unix:///run/containerd/containerd.sock or a path"
)]
pub struct EndpointError(String);

impl EndpointError {
    pub(crate) fn of(endpoint: &str) -> Self {
        Self(endpoint.to_owned())
    }
}

/// The socket's path in an endpoint as the kubelet and crictl write it: `unix:///path`, or the path.
///
/// # Errors
/// For another scheme, and for a relative path.
pub fn socket_of(endpoint: &str) -> Result<PathBuf, EndpointError> {
    let path = endpoint.strip_prefix("unix://").unwrap_or(endpoint);
    let path = path.strip_prefix("unix:").unwrap_or(path);
    if Path::new(path).is_absolute() {
        Ok(path.into())
    } else {
        Err(EndpointError::of(endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_or_a_path() {
        for text in ["unix:///run/a.sock", "unix:/run/a.sock", "/run/a.sock"] {
            assert_eq!(socket_of(text), Ok("/run/a.sock".into()), "{text}");
        }
        for text in [
            "",
            "a.sock",
            "unix://a.sock",
            "tcp://127.0.0.1:1",
            "npipe:////./pipe/x",
        ] {
            assert!(socket_of(text).is_err(), "{text}");
        }
    }
}
