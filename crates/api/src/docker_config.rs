//! Docker configuration files as the kubelet reads them (kubernetes
//! `pkg/credentialprovider/config.go`): `config.json` with `auths`, and the older `.dockercfg`.

use std::collections::HashMap;

use regcred_core::SecretText as _;
use regcred_go::{DecodeError, Value, decode_base64, folds_to, json};
use secrecy::{ExposeSecret, SecretString};

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

/// What becomes of a file when one of its entries is bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BadEntries {
    /// The whole file is refused, as the kubelet does.
    #[default]
    RejectFile,
    /// Only the entry is left out.
    Skip,
}

/// A file that parsed.
#[derive(Clone, Debug, Default)]
pub struct DockerConfig {
    /// Its entries in file order; of entries for the same server only the last.
    pub entries: Vec<DockerConfigEntry>,
    /// The servers of entries left out under [`BadEntries::Skip`], and why.
    pub rejected: Vec<(String, DecodeError)>,
    /// Members that docker uses and the kubelet ignores: `credsStore`, `credHelpers`.
    pub ignored: Vec<&'static str>,
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
    /// Electronic mail address; without use.
    pub email: String,
    /// Members that docker uses and the kubelet ignores: `identitytoken`, `registrytoken`. An
    /// entry that has nothing else is still tried, with empty user name and password.
    pub ignored: Vec<&'static str>,
}

/// Parses a file with Go's forgiving rules: unknown members are ignored, names come in any case,
/// the last of equal ones counts.
///
/// # Errors
/// When it is not JSON, has the wrong form, or (with [`BadEntries::RejectFile`]) has an entry that
/// cannot be read, such as a bad `auth`. The entry is named, its content is not.
pub fn parse(
    input: &[u8],
    format: Format,
    bad_entries: BadEntries,
) -> Result<DockerConfig, DecodeError> {
    let document = json::parse(input)?;
    let mut reader = Reader {
        bad_entries,
        config: DockerConfig::default(),
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
            return Err(DecodeError::new(other.mismatch("Go value", go_type)));
        }
    }
    Ok(reader.config)
}

struct Reader {
    bad_entries: BadEntries,
    config: DockerConfig,
    /// Where the entry of a server is.
    places: HashMap<String, usize>,
    format: Format,
}

impl Reader {
    fn config_json(&mut self, members: Vec<(String, Value)>) -> Result<(), DecodeError> {
        // Go goes on after a member of the wrong type, and tells of it only if no entry is bad.
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
            } else if let Some(name) = IGNORED_IN_FILE
                .into_iter()
                .find(|name| folds_to(&key, name))
            {
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
            let why = other.mismatch(place_of_entry(format), go_type);
            return Err(DecodeError::new(why));
        }
    };
    let mut auth = SecretString::default();
    for (key, value) in members {
        if let Some(name) = IGNORED_IN_ENTRY
            .into_iter()
            .find(|name| folds_to(&key, name))
        {
            entry.ignored.push(name);
            continue;
        }
        let Some(field) = ENTRY_FIELDS.into_iter().find(|field| folds_to(&key, field)) else {
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
                let why = other.mismatch(&place_of_member(format, field), "string");
                return Err(DecodeError::new(why));
            }
        }
    }
    if !auth.is_empty() {
        (entry.username, entry.password) = decode_auth(&auth)?;
    }
    Ok(entry)
}

/// How Go's decoder names the place of an entry that is no object.
fn place_of_entry(format: Format) -> &'static str {
    match format {
        Format::ConfigJson => "Go struct field DockerConfigJSON.auths",
        Format::Dockercfg => "Go value",
    }
}

/// The same for a member of an entry.
fn place_of_member(format: Format, member: &str) -> String {
    match format {
        Format::ConfigJson => format!("{}.{member}", place_of_entry(format)),
        Format::Dockercfg => format!("Go struct field dockerConfigEntryWithAuth.{member}"),
    }
}

/// `base64(username:password)`. Only a text that ends in `=` is taken for padded base64.
fn decode_auth(auth: &SecretString) -> Result<(String, SecretString), DecodeError> {
    let text = auth.expose_secret();
    let bytes = decode_base64(text, text.trim().ends_with('='))?;
    // Go keeps bytes that are no UTF-8, and fails later on, when it talks to the runtime.
    let plain =
        String::from_utf8(bytes).unwrap_or_else(|error| json::replace_bad_utf8(error.as_bytes()));
    let plain = SecretString::from(plain);
    let Some((username, password)) = plain.expose_secret().split_once(':') else {
        return Err(DecodeError::new(
            "unable to parse auth field, must be formatted as base64(username:password)",
        ));
    };
    Ok((username.to_owned(), password.into()))
}

/// The kubelet parses these headers and never uses them.
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
    let place = format!("Go struct field DockerConfigJSON.{field}");
    DecodeError::new(found.mismatch(&place, go_type))
}

const ENTRY_FIELDS: [&str; 4] = ["username", "password", "email", "auth"];
const IGNORED_IN_ENTRY: [&str; 2] = ["identitytoken", "registrytoken"];
const IGNORED_IN_FILE: [&str; 2] = ["credsStore", "credHelpers"];

#[cfg(test)]
mod tests;
