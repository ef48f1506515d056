//! The hosts to which a server redirects and which ask for an authorization themselves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regcred_http::Url;

use super::address::same_host;
use super::auth::Auth;
use super::logins::{Logins, ServerLogin};

/// What is known of these hosts. Each gets the login that the keyring has for it, never the one of the
/// server that redirected: any registry can name any address.
pub(crate) struct RedirectedHosts {
    logins: Logins,
    /// The server that redirects, and its login.
    server: Url,
    login: ServerLogin,
    known: Mutex<Vec<(Url, Arc<Auth>)>>,
}

impl RedirectedHosts {
    pub(crate) fn new(logins: Logins, server: Url, login: ServerLogin) -> Self {
        Self {
            logins,
            server,
            login,
            known: Mutex::default(),
        }
    }

    /// The authorization at a host that asked for one before; `None` for a write to it.
    pub(crate) fn known(&self, url: &Url, is_write: bool) -> Option<Arc<Auth>> {
        let may_log_in = !is_write || self.is_upgrade(url);
        found(&self.lock(), url).filter(|_| may_log_in)
    }

    /// The authorization at a host that asks for one now; `None` if it gets none. A write carries a login
    /// only to the server itself.
    pub(crate) fn admit(&self, url: &Url, is_write: bool) -> Option<Arc<Auth>> {
        let is_upgrade = self.is_upgrade(url);
        if is_write && !is_upgrade {
            return None;
        }
        // Requests that run together share one authorization.
        let mut known = self.lock();
        if let Some(auth) = found(&known, url) {
            return Some(auth);
        }
        let login = if is_upgrade {
            self.login.clone()
        } else {
            self.logins.of_redirect(url)
        };
        let auth = Arc::new(Auth::new(login));
        known.push((url.clone(), Arc::clone(&auth)));
        Some(auth)
    }

    /// Every host that asked, with its authorization.
    pub(crate) fn all(&self) -> Vec<(Url, Arc<Auth>)> {
        self.lock().clone()
    }

    /// Whether it is the server itself, over https instead of plain http.
    pub(crate) fn is_upgrade(&self, url: &Url) -> bool {
        self.server.scheme() == "http" && url.scheme() == "https" && same_host(url, &self.server)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Url, Arc<Auth>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn found(known: &[(Url, Arc<Auth>)], url: &Url) -> Option<Arc<Auth>> {
    let found = known.iter().find(|(one, _)| one.origin() == url.origin());
    found.map(|(_, auth)| Arc::clone(auth))
}
