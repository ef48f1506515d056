//! Docker configuration files as the kubelet reads them (kubernetes
//! `pkg/credentialprovider/config.go`): `config.json` with `auths`, and the older `.dockercfg`.

use std::collections::HashMap;

use regcred_core::{Credentials, SecretText as _};
use regcred_go::{DecodeError, Value, decode_base64, field_of, folds_to, go_text, json};
use secrecy::{ExposeSecret, SecretString};

mod encoding;

/// The two forms of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// `{"auths": {SERVER: ENTRY}}`: `config.json`, and the key `.dockerconfigjson` of a Secret.
    ConfigJson,
    /// `{SERVER: ENTRY}`: `.dockercfg`, the file and the key of a Secret.
    Dockercfg,
}

impl Format {
    /// The type of a Secret that holds this form.
    #[must_use]
    pub fn secret_type(self) -> &'static str {
        match self {
            Self::ConfigJson => "kubernetes.io/dockerconfigjson",
            Self::Dockercfg => "kubernetes.io/dockercfg",
        }
    }

    /// The key of such a Secret's data.
    #[must_use]
    pub fn secret_key(self) -> &'static str {
        match self {
            Self::ConfigJson => ".dockerconfigjson",
            Self::Dockercfg => ".dockercfg",
        }
    }

    /// The form that a Secret of this type holds; `None` if it is not a pull secret's type.
    #[must_use]
    pub fn of_secret_type(text: &str) -> Option<Self> {
        let both = [Self::ConfigJson, Self::Dockercfg];
        both.into_iter().find(|format| format.secret_type() == text)
    }
}

/// The treatment of a file with a bad entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BadEntries {
    /// The whole file is refused, as by the kubelet.
    #[default]
    RejectFile,
    /// Only the entry is skipped.
    Skip,
}

/// A file that parsed.
#[derive(Clone, Debug, Default)]
pub struct DockerConfig {
    /// The entries in file order; of entries for the same server only the last.
    pub entries: Vec<DockerConfigEntry>,
    /// The servers of entries skipped under [`BadEntries::Skip`], and why.
    pub rejected: Vec<(String, DecodeError)>,
    /// Members that docker uses and the kubelet ignores: `credsStore`, `credHelpers`.
    pub ignored: Vec<&'static str>,
    /// Where the logins are, if not in this form's place, and how to mend that.
    pub misplaced: Option<&'static str>,
}

/// The login for one server.
#[derive(Clone, Debug, Default)]
pub struct DockerConfigEntry {
    /// The key: a host, a host with a path, or a URL.
    pub server: String,
    /// User name; may be empty.
    pub username: String,
    /// Password; may be empty.
    pub password: SecretString,
    /// Email address; only the hash of a pull record has it.
    pub email: String,
    /// Members that docker uses and the kubelet ignores: `identitytoken`, `registrytoken`. An
    /// entry with only these is still tried, with empty user name and password.
    pub ignored: Vec<&'static str>,
}

impl DockerConfigEntry {
    /// As [`Credentials::oddities`].
    #[must_use]
    pub fn oddities(&self) -> Vec<String> {
        Credentials::new(&*self.username, self.password.clone()).oddities()
    }
}

/// Parses a file by Go's lenient rules: unknown members are ignored, names match in any case, and of
/// equal names the last counts.
///
/// # Errors
/// When it is not JSON, has the wrong form, or (with [`BadEntries::RejectFile`]) has an entry that
/// cannot be read, such as a bad `auth`. The message names the entry and quotes no content.
pub fn parse(
    input: &[u8],
    format: Format,
    bad_entries: BadEntries,
) -> Result<DockerConfig, DecodeError> {
    let document = json::parse(input).map_err(|error| error.advise(encoding::advice(input)))?;
    let mut reader = Reader {
        bad_entries,
        config: DockerConfig {
            misplaced: misplaced(&document, format),
            ..DockerConfig::default()
        },
        places: HashMap::new(),
        format,
    };
    match (format, document) {
        (_, Value::Null) => {}
        (Format::ConfigJson, Value::Object(members)) => reader.config_json(members)?,
        (Format::Dockercfg, Value::Object(members)) => reader.entries(members)?,
        (format, other) => {
            let go_type = match format {
                Format::ConfigJson => "credentialprovider.DockerConfigJSON",
                Format::Dockercfg => "credentialprovider.DockerConfig",
            };
            return Err(other.mismatch("Go value", go_type));
        }
    }
    Ok(reader.config)
}

struct Reader {
    bad_entries: BadEntries,
    config: DockerConfig,
    /// The index of each server's entry.
    places: HashMap<String, usize>,
    format: Format,
}

impl Reader {
    fn config_json(&mut self, members: Vec<(String, Value)>) -> Result<(), DecodeError> {
        // Go continues after a mistyped member and reports it only if every entry is valid.
        let mut mistyped = None;
        for (key, value) in members {
            if folds_to(&key, "auths") {
                match value {
                    Value::Null => {
                        self.config.entries.clear();
                        self.places.clear();
                    }
                    // A second `auths` adds to the first.
                    Value::Object(members) => self.entries(members)?,
                    other => {
                        let error = mismatch(&other, "auths", "credentialprovider.DockerConfig");
                        mistyped.get_or_insert(error);
                    }
                }
            } else if folds_to(&key, "HttpHeaders") {
                if let Err(error) = check_headers(&value) {
                    mistyped.get_or_insert(error);
                }
            } else if let Some(name) = field_of(&key, &IGNORED_IN_FILE) {
                self.config.ignored.push(name);
            }
        }
        mistyped.map_or(Ok(()), Err)
    }

    fn entries(&mut self, members: Vec<(String, Value)>) -> Result<(), DecodeError> {
        for (server, value) in members {
            match entry(&server, value, self.format) {
                Ok(entry) => match self.places.get(&server) {
                    Some(place) => self.config.entries[*place] = entry,
                    None => {
                        self.places.insert(server, self.config.entries.len());
                        self.config.entries.push(entry);
                    }
                },
                Err(error) if self.bad_entries == BadEntries::Skip => {
                    self.config.rejected.push((server, error));
                }
                Err(error) => return Err(error.inside(format!("entry {server:?}"))),
            }
        }
        Ok(())
    }
}

/// A configuration of the other form parses, but has no login.
fn misplaced(document: &Value, format: Format) -> Option<&'static str> {
    let Value::Object(members) = document else {
        return None;
    };
    let members_of = |value: &Value, found: fn(&(String, Value)) -> bool| match value {
        Value::Object(inner) => inner.iter().any(found),
        _ => false,
    };
    let mut auths = members.iter().filter(|(key, _)| folds_to(key, "auths"));
    match format {
        Format::ConfigJson => {
            let is_login = |(key, _): &(String, Value)| field_of(key, &LOGIN_FIELDS).is_some();
            let logins = members.iter().any(|(_, value)| members_of(value, is_login));
            (logins && auths.next().is_none()).then_some(NOT_UNDER_AUTHS)
        }
        Format::Dockercfg => {
            let is_object = |(_, value): &(String, Value)| matches!(value, Value::Object(_));
            let nested = auths.any(|(_, value)| members_of(value, is_object));
            nested.then_some(UNDER_AUTHS)
        }
    }
}

fn entry(server: &str, value: Value, format: Format) -> Result<DockerConfigEntry, DecodeError> {
    let mut entry = DockerConfigEntry {
        server: server.to_owned(),
        ..DockerConfigEntry::default()
    };
    let members = match value {
        Value::Null => return Ok(entry),
        Value::Object(members) => members,
        other => {
            let go_type = "credentialprovider.dockerConfigEntryWithAuth";
            return Err(other.mismatch(place_of_entry(format), go_type));
        }
    };
    let mut auth = SecretString::default();
    for (key, value) in members {
        if let Some(name) = field_of(&key, &IGNORED_IN_ENTRY) {
            entry.ignored.push(name);
            continue;
        }
        let Some(field) = field_of(&key, &ENTRY_FIELDS) else {
            continue;
        };
        match value {
            Value::Null => {}
            Value::Text(text) => match field {
                "username" => text.expose_secret().clone_into(&mut entry.username),
                "email" => text.expose_secret().clone_into(&mut entry.email),
                "password" => entry.password = text,
                _ => auth = text,
            },
            other => {
                return Err(other.mismatch(&place_of_member(format, field), "string"));
            }
        }
    }
    if !auth.is_empty() {
        (entry.username, entry.password) = decode_auth(&auth)?;
    }
    Ok(entry)
}

/// The place in the error of Go's decoder for an entry that is not an object.
fn place_of_entry(format: Format) -> &'static str {
    match format {
        Format::ConfigJson => "Go struct field DockerConfigJSON.auths",
        Format::Dockercfg => "Go value",
    }
}

/// As [`place_of_entry`], for a member of an entry.
fn place_of_member(format: Format, member: &str) -> String {
    match format {
        Format::ConfigJson => format!("{}.{member}", place_of_entry(format)),
        Format::Dockercfg => format!("Go struct field dockerConfigEntryWithAuth.{member}"),
    }
}

/// `base64(username:password)`. Only a text that ends in `=` is read as padded base64.
fn decode_auth(auth: &SecretString) -> Result<(String, SecretString), DecodeError> {
    let text = auth.expose_secret();
    let bytes = decode_base64(text, text.trim().ends_with('='))
        .map_err(|error| error.advise(encoding::advice_on_auth(auth)))?;
    // Go keeps bytes that are not UTF-8, and fails later, in its call to the runtime.
    let plain = SecretString::from(go_text(bytes));
    let Some((username, password)) = plain.expose_secret().split_once(':') else {
        return Err(DecodeError::new(
            "unable to parse auth field, must be formatted as base64(username:password)",
        ));
    };
    Ok((username.to_owned(), password.into()))
}

/// Checks headers that the kubelet parses and never uses.
fn check_headers(value: &Value) -> Result<(), DecodeError> {
    match value {
        Value::Null => Ok(()),
        Value::Object(members) => members
            .iter()
            .find(|(_, value)| !matches!(value, Value::Null | Value::Text(_)))
            .map_or(Ok(()), |(_, value)| {
                Err(mismatch(value, "HttpHeaders", "string"))
            }),
        other => Err(mismatch(other, "HttpHeaders", "map[string]string")),
    }
}

fn mismatch(found: &Value, field: &str, go_type: &str) -> DecodeError {
    found.mismatch(
        &format!("Go struct field DockerConfigJSON.{field}"),
        go_type,
    )
}

const NOT_UNDER_AUTHS: &str = "its logins are not under `auths`, where this form has them: put them \
    there, or in a Secret change the type to kubernetes.io/dockercfg and the key to .dockercfg";
const UNDER_AUTHS: &str = "its logins are under `auths`, which this form does not have: name the file \
    config.json, or in a Secret change the type to kubernetes.io/dockerconfigjson and the key to \
    .dockerconfigjson";
const LOGIN_FIELDS: [&str; 3] = ["username", "password", "auth"];
const ENTRY_FIELDS: [&str; 4] = ["username", "password", "email", "auth"];
const IGNORED_IN_ENTRY: [&str; 2] = ["identitytoken", "registrytoken"];
const IGNORED_IN_FILE: [&str; 2] = ["credsStore", "credHelpers"];

#[cfg(test)]
mod tests;
