//! The server, the proxy or the closed port in the place of a step's server.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use regcred_tests::server::{Reply, Seen, Server, forward};
use regcred_tests::{ClosedPort, Tls};
use tempfile::TempDir;

use super::fault::Fault;
use super::step::{Address, Step};

/// What makes a step fail; it ends with the value.
pub(super) struct Stage {
    /// The server, or the proxy.
    server: Server,
    closed: Option<ClosedPort>,
    /// Where a redirect leads.
    elsewhere: Server,
    /// The server's certificate.
    tls: Option<Tls>,
    /// The authority that is trusted.
    trusted: Option<Tls>,
    /// The directory of a file of roots that cannot be used, and the file.
    roots: Option<(TempDir, PathBuf)>,
    is_proxy: bool,
}

impl Stage {
    /// A step that fails so.
    pub(super) fn of(fault: Fault, step: &Step) -> Self {
        let elsewhere = Server::start(|_: &Seen| Reply::ok("{}"));
        let reply = if fault.is_of_proxy() {
            Reply::new(403)
        } else {
            fault.reply(&elsewhere.url())
        };
        let tls = match fault {
            Fault::OtherName => Some(Tls::of(&["other.invalid"])),
            Fault::UnknownAuthority | Fault::RootsNotFound | Fault::RootsEmpty => {
                Some(Tls::loopback())
            }
            Fault::PlainHttp => None,
            _ => step.is_tls.then(Tls::loopback),
        };
        let script = script(step, reply);
        let server = match &tls {
            Some(tls) => Server::start_tls(script, tls),
            None => Server::start(script),
        };
        let is_closed = matches!(fault, Fault::ProxyClosed | Fault::Refused);
        Self {
            server,
            closed: is_closed.then(ClosedPort::take),
            elsewhere,
            tls,
            trusted: (fault == Fault::UnknownAuthority).then(Tls::loopback),
            roots: fault.is_of_roots().then(|| unusable_roots(fault)),
            is_proxy: fault.is_of_proxy(),
        }
    }

    /// The address of the server that is asked, as it is in the line.
    pub(super) fn address(&self) -> String {
        if self.is_proxy {
            "cloud.invalid".to_owned()
        } else {
            self.authority()
        }
    }

    /// The variables that lead a plugin there.
    pub(super) fn env(&self, fault: Fault, step: &Step) -> Vec<(String, String)> {
        let tls = self.trusted.as_ref().or(self.tls.as_ref());
        let ca = tls.map(Tls::ca_file);
        let ca = self.roots.as_ref().map(|(_, file)| file.clone()).or(ca);
        let ca = ca.map(|file| file.display().to_string());
        let is_tls = self.is_proxy || step.is_tls || fault.is_of_tls();
        let address = Address {
            scheme: if is_tls { "https" } else { "http" },
            authority: self.address(),
            ca: ca.clone(),
        };
        let mut env = (step.leads)(&address);
        if self.is_proxy {
            let proxy = format!("http://{}", self.authority());
            env.push(("HTTPS_PROXY".to_owned(), proxy));
        }
        env.extend(ca.map(|ca| ("SSL_CERT_FILE".to_owned(), ca)));
        env
    }

    /// How many requests followed a redirect.
    pub(super) fn led_elsewhere(&self) -> usize {
        self.elsewhere.seen().len()
    }

    fn authority(&self) -> String {
        match &self.closed {
            Some(closed) => closed.authority(),
            None => self.server.authority(),
        }
    }
}

/// A file of roots that is empty or does not exist.
fn unusable_roots(fault: Fault) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("roots.pem");
    if fault == Fault::RootsEmpty {
        std::fs::write(&file, "").expect("a file");
    }
    (directory, file)
}

/// Answers the step's request so, and lets the cloud's own server answer those before it.
pub(super) fn script(step: &Step, reply: Reply) -> impl Fn(&Seen) -> Reply + Send + Sync + use<> {
    // Google's metadata server is known by its header.
    let reply = reply.header("metadata-flavor", "Google");
    let (before, asked) = (step.before.clone(), AtomicUsize::new(0));
    move |seen: &Seen| {
        let number = asked.fetch_add(1, Ordering::Relaxed);
        match &before {
            Some((cloud, requests)) if number < *requests => forward(cloud, seen),
            _ => reply.clone(),
        }
    }
}
