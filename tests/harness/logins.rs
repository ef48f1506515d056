//! The logins that are good at the moment, shared between a fake cloud, which issues them, and a
//! fake registry, which checks them.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::Issued;
use secrecy::ExposeSecret;

use crate::server::{Seen, lock};

/// The pattern, user name and password of what a provider issued.
///
/// # Panics
/// When that is not one login.
#[must_use]
#[track_caller]
pub fn only_login(issued: &Issued) -> (String, String, String) {
    let [(pattern, login)] = issued.auth.as_slice() else {
        panic!("one login, not {}", issued.auth.len());
    };
    let password = login.password.expose_secret().to_owned();
    (pattern.clone(), login.username.clone(), password)
}

/// A set of user names and passwords. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Logins(Arc<Mutex<Vec<(String, String)>>>);

impl Logins {
    /// An empty set: everybody is refused.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of one.
    #[must_use]
    pub fn of(username: &str, password: &str) -> Self {
        let logins = Self::new();
        logins.add(username, password);
        logins
    }

    /// Makes a login good.
    pub fn add(&self, username: &str, password: &str) {
        lock(&self.0).push((username.to_owned(), password.to_owned()));
    }

    /// Makes every login bad.
    pub fn revoke_all(&self) {
        lock(&self.0).clear();
    }

    /// Whether the login is good.
    #[must_use]
    pub fn accepts(&self, username: &str, password: &str) -> bool {
        lock(&self.0)
            .iter()
            .any(|(u, p)| u == username && p == password)
    }

    /// Every password of the set, for tests that search logs for them.
    #[must_use]
    pub fn passwords(&self) -> Vec<String> {
        lock(&self.0).iter().map(|(_, p)| p.clone()).collect()
    }

    /// Who sends the request, by its `Authorization: Basic`; `None` unless the login is good.
    #[must_use]
    pub fn user_of(&self, request: &Seen) -> Option<String> {
        let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
        let plain = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (username, password) = plain.split_once(':')?;
        self.accepts(username, password)
            .then(|| username.to_owned())
    }
}
