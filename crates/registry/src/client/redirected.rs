//! The hosts to which a server redirects, when they want an authorization of their own.

use std::sync::{Arc, Mutex, PoisonError};

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

    /// The authorization at a host that asked for one before.
    pub(crate) fn known(&self, url: &Url) -> Option<Arc<Auth>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut known = known.iter();
        let found = known.find(|(one, _)| one.origin() == url.origin());
        found.map(|(_, auth)| Arc::clone(auth))
    }

    /// The authorization at a host that asks for one now; `None` if it gets none. What is written goes
    /// with a login only to the server itself.
    pub(crate) fn admit(&self, url: &Url, is_write: bool) -> Option<Arc<Auth>> {
        let known = self.known(url);
        if known.is_some() {
            return known;
        }
        let is_upgrade = self.server.scheme() == "http"
            && url.scheme() == "https"
            && same_host(url, &self.server);
        let login = if is_upgrade {
            self.login.clone()
        } else if is_write {
            return None;
        } else {
            self.logins.of_redirect(url)
        };
        let auth = Arc::new(Auth::new(login));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.push((url.clone(), Arc::clone(&auth)));
        Some(auth)
    }

    /// Every host that asked, with its authorization.
    pub(crate) fn all(&self) -> Vec<(Url, Arc<Auth>)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}
