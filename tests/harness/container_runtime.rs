//! A container runtime behind its Unix socket: the image service of the CRI, in the words of
//! containerd. It pulls from registries for real, and refuses what a kubelet does not send.

mod images;
mod transport;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tonic::Status;

use crate::server::lock;
use images::Images;
use transport::Listener;

/// A running runtime. Dropping it ends it; its images stay in its directory, for the next one there.
pub struct FakeRuntime {
    _listener: Listener,
    socket: PathBuf,
    shared: Arc<Shared>,
}

/// A pull that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The image as it was sent.
    pub image: String,
    /// The user name of the login.
    pub username: Option<String>,
    /// The only host that may get the login.
    pub server: String,
}

/// What the socket's side and the test's side share.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) pulls: Mutex<Vec<Pull>>,
    /// Answers of the next pulls.
    pub(super) failures: Mutex<Vec<Status>>,
    /// Whether pulls fail with what they were sent.
    pub(super) repeats: Mutex<bool>,
    /// Whether pulls do not end.
    pub(super) held: Mutex<bool>,
    /// Pulls that run.
    pub(super) running: Mutex<usize>,
    /// The most that ran at the same time.
    pub(super) most: Mutex<usize>,
}

impl FakeRuntime {
    /// Starts a runtime with its socket and its images in that directory, and with that directory of
    /// hosts.toml files.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(directory: &Path, hosts: &Path) -> Self {
        let socket = directory.join("runtime.sock");
        let shared = Arc::<Shared>::default();
        let images = Images::open(&directory.join("images"), hosts, Arc::clone(&shared));
        Self {
            _listener: Listener::start(&socket, images),
            socket,
            shared,
        }
    }

    /// Its endpoint: `unix:///...`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// The pulls that were asked for, in order.
    #[must_use]
    pub fn pulls(&self) -> Vec<Pull> {
        lock(&self.shared.pulls).clone()
    }

    /// The next pull fails with that answer; of several the first comes first.
    pub fn fail_next(&self, answer: Status) {
        lock(&self.shared.failures).push(answer);
    }

    /// From now on pulls fail, and the failure repeats the login.
    pub fn repeat_logins(&self) {
        *lock(&self.shared.repeats) = true;
    }

    /// From now on pulls do not end, until they are cancelled.
    pub fn hold_pulls(&self) {
        *lock(&self.shared.held) = true;
    }

    /// How many pulls run now: one that was cancelled does not.
    #[must_use]
    pub fn running(&self) -> usize {
        *lock(&self.shared.running)
    }

    /// How many pulls ran at the same time at most.
    #[must_use]
    pub fn most_at_once(&self) -> usize {
        *lock(&self.shared.most)
    }
}
