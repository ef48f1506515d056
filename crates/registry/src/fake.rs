//! What the tests of this crate share besides the scripted server.

use std::fs;
use std::time::Duration;

use regcred_core::{Env, ImageRef};
use regcred_http::Retry;
pub(crate) use regcred_http_testing::{Ca, Fake, Reply, Seen, bind};
use tempfile::TempDir;

use crate::{Hosts, RegistryClient};

/// The image under which a server has everything.
pub(crate) fn image(server: &Fake) -> ImageRef {
    let name = format!("{}/team/app:v1", server.host());
    ImageRef::parse(&name).expect("image")
}

/// A `certs.d` directory with this `hosts.toml` for the registry.
pub(crate) fn hosts_toml(registry: &str, text: &str) -> (TempDir, Hosts) {
    let root = tempfile::tempdir().expect("directory");
    let directory = root.path().join(registry);
    fs::create_dir_all(&directory).expect("directory");
    fs::write(directory.join("hosts.toml"), text).expect("file");
    let hosts = Hosts::new([root.path().to_owned()]);
    (root, hosts)
}

/// A client that does not wait long.
pub(crate) fn client(hosts: Hosts) -> RegistryClient {
    let retry = Retry {
        attempts: 3,
        base: Duration::from_millis(1),
        cap: Duration::from_millis(5),
    };
    RegistryClient::with_retry(&Env::default(), hosts, retry).expect("client")
}

/// The offsets of `Range: bytes=first-last`.
pub(crate) fn range(seen: &Seen) -> Option<(usize, usize)> {
    let range = seen.header("range")?.strip_prefix("bytes=")?;
    let (first, last) = range.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// What a server sends for a range.
pub(crate) fn partial(content: &[u8], (first, last): (usize, usize)) -> Reply {
    let total = content.len();
    Reply::new(206)
        .header("content-range", format!("bytes {first}-{last}/{total}"))
        .body(&content[first..=last])
}
