//! A token as it was issued.

use std::collections::BTreeMap;

use regcred_core::Credentials;
use regcred_docker_config::{Document, EntryForm, EntryLogin};

use crate::life::Life;

/// The logins of one source, all from the same request.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The login for each host.
    pub(crate) logins: BTreeMap<String, Credentials>,
    pub(crate) life: Life,
}

impl Token {
    /// Adds its logins to a docker configuration; entries of earlier sources stay.
    pub(crate) fn add_to(&self, document: &mut Document, form: EntryForm) {
        for (host, login) in &self.logins {
            if !document.has(host) {
                document.set(host, &written(login), form);
            }
        }
    }
}

/// A login as it is written into a docker configuration.
pub(crate) fn written(login: &Credentials) -> EntryLogin<'_> {
    EntryLogin {
        username: &login.username,
        password: &login.password,
        email: "",
    }
}
