//! moto: AWS's APIs as the Python community fakes them. We did not write it, so it may disagree.

use crate::daemon::Daemon;
use crate::need;

/// A running `moto_server`. Dropping it ends it.
pub struct Moto {
    _daemon: Daemon,
    url: String,
}

impl Moto {
    /// Starts the server; `None` where it is not installed and need not be.
    ///
    /// # Panics
    /// When it is installed and does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        let program = need("moto_server")?;
        let args = ["-H", "127.0.0.1", "-p", "0"];
        let env = [("PYTHONUNBUFFERED", "1")];
        let (daemon, url) = Daemon::start(&program, &args, &env, |line| {
            let (_, url) = line.split_once("Running on ")?;
            Some(url.trim().to_owned())
        });
        Some(Self {
            _daemon: daemon,
            url,
        })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The variables of a client with a key pair of its own.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// The secret key in [`Moto::env`], for tests that search logs for it.
    pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
}
