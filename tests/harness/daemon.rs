//! A server of other people as a child process: started, heard until it says that it listens,
//! killed with its handle.
#![expect(
    clippy::disallowed_methods,
    reason = "the harness starts other people's servers"
)]

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// The child. Dropping it kills it.
pub(crate) struct Daemon(Child);

impl Daemon {
    /// Starts the program with an environment of its own and waits for the line on stderr from
    /// which `listening` reads an address.
    ///
    /// # Panics
    /// When no such line comes within a minute, with what was said instead.
    pub(crate) fn start<A: AsRef<OsStr>>(
        program: &Path,
        args: &[A],
        env: &[(&str, &str)],
        listening: fn(&str) -> Option<String>,
    ) -> (Self, String) {
        let mut child = Command::new(program)
            .args(args)
            .env_clear()
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}", program.display()));
        let stderr = BufReader::new(child.stderr.take().expect("a piped stderr"));
        let daemon = Self(child);
        let (sender, receiver) = mpsc::channel();
        // It must be read for as long as it writes, or it would stand still.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let mut said = Vec::new();
        while let Ok(line) = receiver.recv_timeout(Duration::from_secs(60)) {
            if let Some(address) = listening(&line) {
                return (daemon, address);
            }
            said.push(line);
        }
        panic!("{} did not start: {}", program.display(), said.join("\n"));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
