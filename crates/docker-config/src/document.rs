//! A docker configuration as a text in which some entries change and everything else stays as it is
//! written: order, spacing, numbers, unknown members.

mod object;

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};

use regcred_api::docker_config::{DockerConfigEntry, Format};
use regcred_core::Credentials;
use regcred_go::json;
use secrecy::SecretString;
use serde_json::value::RawValue;

pub use object::DocumentError;
use object::{Object, raw, text};

/// A configuration, and where its entries are. Without `Debug`: it holds logins.
pub struct Document {
    /// The whole file; `None` for `.dockercfg`, which is entries alone.
    whole: Option<Object>,
    entries: Object,
    entries_changed: bool,
    whole_changed: bool,
}

/// A login for a host's entry.
#[derive(Clone, Copy, Debug)]
pub struct EntryLogin<'a> {
    /// User name.
    pub username: &'a str,
    /// Password.
    pub password: &'a SecretString,
    /// Email address; omitted if empty.
    pub email: &'a str,
}

impl<'a> From<&'a Credentials> for EntryLogin<'a> {
    fn from(login: &'a Credentials) -> Self {
        Self {
            username: &login.username,
            password: &login.password,
            email: "",
        }
    }
}

impl<'a> From<&'a DockerConfigEntry> for EntryLogin<'a> {
    fn from(entry: &'a DockerConfigEntry) -> Self {
        Self {
            username: &entry.username,
            password: &entry.password,
            email: &entry.email,
        }
    }
}

/// A host's credential helper before and after an edit; `None` where it has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelperChange {
    /// The host, as the key of `credHelpers`.
    pub host: String,
    /// Its helper before.
    pub before: Option<String>,
    /// Its helper after.
    pub after: Option<String>,
}

/// Which members an entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryForm {
    /// User name, password and `auth`, as `kubectl` writes them; empty ones are omitted.
    Full,
    /// Only `auth`, which docker and the kubelet also accept: half the size.
    AuthOnly,
}

/// A new `config.json` in one line: what `kubectl create secret docker-registry` makes.
pub fn config_json<'a>(
    logins: impl IntoIterator<Item = (&'a str, EntryLogin<'a>)>,
) -> SecretString {
    let mut document = Document::empty(Format::ConfigJson);
    // Not by `set`, which looks for each host: there may be many.
    let entries = &mut document.entries.0;
    let mut places = HashMap::new();
    for (host, login) in logins {
        let value = entry(&login, EntryForm::Full);
        match places.entry(host) {
            Occupied(place) => entries[*place.get()] = (host.to_owned(), value),
            Vacant(place) => {
                place.insert(entries.len());
                entries.push((host.to_owned(), value));
            }
        }
    }
    document.compact()
}

impl Document {
    /// A configuration without entries.
    #[must_use]
    pub fn empty(format: Format) -> Self {
        Self {
            whole: (format == Format::ConfigJson).then(Object::default),
            entries: Object::default(),
            entries_changed: true,
            whole_changed: false,
        }
    }

    /// Parses a text; an empty one counts as an empty object.
    ///
    /// # Errors
    /// When the text, or its `auths`, is not a JSON object.
    pub fn parse(text: &str, format: Format) -> Result<Self, DocumentError> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let object = Object::parse(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            DocumentError(format!("not a JSON object (line {line}, column {column})"))
        })?;
        let (whole, entries) = match format {
            Format::Dockercfg => (None, object),
            Format::ConfigJson => {
                let entries = object.member(AUTHS)?;
                (Some(object), entries)
            }
        };
        Ok(Self {
            whole,
            entries,
            entries_changed: false,
            whole_changed: false,
        })
    }

    /// The hosts that have entries.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.entries.0.iter().map(|(host, _)| host.as_str())
    }

    /// Whether a host has an entry.
    #[must_use]
    pub fn has(&self, host: &str) -> bool {
        self.entries.get(host).is_some()
    }

    /// Whether it differs from the parsed text.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.entries_changed || self.whole_changed
    }

    /// Writes a host's login.
    pub fn set(&mut self, host: &str, login: &EntryLogin<'_>, form: EntryForm) {
        self.entries_changed |= self.entries.set(host, entry(login, form));
    }

    /// Copies a host's entry as it is written in another document.
    pub fn keep(&mut self, host: &str, from: &Self) {
        if let Some(value) = from.entries.get(host) {
            self.entries_changed |= self.entries.set(host, value.to_owned());
        }
    }

    /// Removes a host's entry; returns false if it does not exist.
    pub fn remove(&mut self, host: &str) -> bool {
        let before = self.entries.0.len();
        self.entries.0.retain(|(known, _)| known != host);
        let removed = self.entries.0.len() < before;
        self.entries_changed |= removed;
        removed
    }

    /// The credential helper that docker asks for a host instead of reading its entry: that of
    /// `credHelpers`, else `credsStore`.
    ///
    /// # Errors
    /// When `credHelpers` is not a JSON object.
    pub fn helper_of(&self, host: &str) -> Result<Option<String>, DocumentError> {
        let Some(whole) = &self.whole else {
            return Ok(None);
        };
        let helpers = whole.member(HELPERS)?;
        let of_host = helpers.get(host).and_then(text);
        let named = of_host.or_else(|| whole.get(STORE).and_then(text));
        Ok(named.filter(|name| !name.is_empty()))
    }

    /// Each host of `credHelpers` with its helper.
    ///
    /// # Errors
    /// When `credHelpers` is not a JSON object.
    pub fn helpers(&self) -> Result<Vec<(String, String)>, DocumentError> {
        let helpers = self.whole.as_ref().map(|whole| whole.member(HELPERS));
        let helpers = helpers.transpose()?.unwrap_or_default();
        let named = helpers.0.iter();
        let named = named.filter_map(|(host, value)| Some((host.clone(), text(value)?)));
        Ok(named.filter(|(_, name)| !name.is_empty()).collect())
    }

    /// The helper of `credsStore`, for every other host.
    #[must_use]
    pub fn store(&self) -> Option<String> {
        let store = self.whole.as_ref()?.get(STORE).and_then(text);
        store.filter(|name| !name.is_empty())
    }

    /// Sets the credential helper of hosts under `credHelpers`; returns what changes.
    ///
    /// # Errors
    /// When `credHelpers` is not a JSON object.
    pub fn set_helper(
        &mut self,
        hosts: &[String],
        helper: &str,
    ) -> Result<Vec<HelperChange>, DocumentError> {
        self.edit_helpers(|helpers| {
            let changed = hosts.iter().filter_map(|host| {
                let before = helpers.get(host).and_then(text);
                let changes = helpers.set(host, raw(json::string(helper)));
                changes.then(|| HelperChange {
                    host: host.clone(),
                    before,
                    after: Some(helper.to_owned()),
                })
            });
            changed.collect()
        })
    }

    /// Removes this helper from hosts under `credHelpers`, from all hosts if none is named; returns
    /// what changes. Other helpers stay.
    ///
    /// # Errors
    /// When `credHelpers` is not a JSON object.
    pub fn remove_helper(
        &mut self,
        hosts: &[String],
        helper: &str,
    ) -> Result<Vec<HelperChange>, DocumentError> {
        self.edit_helpers(|helpers| {
            let is_meant = |host: &String| hosts.is_empty() || hosts.contains(host);
            let removed = helpers.0.extract_if(.., |(host, value)| {
                is_meant(host) && text(value).is_some_and(|name| name == helper)
            });
            let removed = removed.map(|(host, _)| HelperChange {
                host,
                before: Some(helper.to_owned()),
                after: None,
            });
            removed.collect()
        })
    }

    /// `.dockercfg` has no helpers: nothing changes.
    fn edit_helpers(
        &mut self,
        edit: impl FnOnce(&mut Object) -> Vec<HelperChange>,
    ) -> Result<Vec<HelperChange>, DocumentError> {
        let Some(whole) = &mut self.whole else {
            return Ok(Vec::new());
        };
        let mut helpers = whole.member(HELPERS)?;
        let changes = edit(&mut helpers);
        if changes.is_empty() {
            return Ok(changes);
        }
        self.whole_changed = true;
        if helpers.0.is_empty() {
            whole.0.retain(|(name, _)| name != HELPERS);
        } else {
            whole.set(HELPERS, helpers.nested(true));
        }
        Ok(changes)
    }

    /// The text in one line, for a Secret.
    #[must_use]
    pub fn compact(&self) -> SecretString {
        self.write(false).into()
    }

    /// The text in docker's own form, for a file: a tab for each level, and a final newline.
    #[must_use]
    pub fn pretty(&self) -> SecretString {
        (self.write(true) + "\n").into()
    }

    fn write(&self, lines: bool) -> String {
        let Some(whole) = &self.whole else {
            return self.entries.write(lines, "");
        };
        if !self.entries_changed {
            return whole.write(lines, "");
        }
        let mut all = whole.clone();
        all.set(AUTHS, self.entries.nested(lines));
        all.write(lines, "")
    }
}

fn entry(login: &EntryLogin<'_>, form: EntryForm) -> Box<RawValue> {
    let EntryLogin {
        username,
        password,
        email,
    } = login;
    let basic = Credentials::new(*username, (*password).clone()).to_basic();
    raw(json::object(|entry| {
        if form == EntryForm::Full {
            entry.some_text("username", username);
            entry.some_secret("password", password);
            entry.some_text("email", email);
        }
        entry.secret("auth", &basic);
    }))
}

const AUTHS: &str = "auths";
const HELPERS: &str = "credHelpers";
const STORE: &str = "credsStore";

#[cfg(test)]
mod tests;
