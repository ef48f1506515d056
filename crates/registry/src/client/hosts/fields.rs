//! The fields of one server in `hosts.toml`, with the types and values that containerd accepts.

use regcred_go::GoDuration;
use secrecy::SecretString;
use toml::{Table, Value};

use crate::client::capability::Capability;

/// The fields as they are written. `ca`, `client` and the values of `header` may be of any type until
/// the server is used.
#[derive(Default)]
pub(super) struct WrittenFields {
    capabilities: Vec<String>,
    ca: Option<Value>,
    client: Option<Value>,
    skip_verify: Option<bool>,
    pub(super) override_path: bool,
    header: Table,
    dial_timeout: String,
}

/// The fields of a server that is used.
pub(super) struct HostFields {
    /// Every capability when none is listed.
    pub(super) capabilities: Vec<Capability>,
    pub(super) ca: Vec<String>,
    /// A file with certificate and key, or one for each.
    pub(super) client: Vec<(String, Option<String>)>,
    pub(super) skip_verify: Option<bool>,
    pub(super) headers: Vec<(String, SecretString)>,
    pub(super) dial_timeout: Option<GoDuration>,
}

impl WrittenFields {
    /// The fields of a `[host."..."]`.
    pub(super) fn of(value: Value) -> Result<Self, String> {
        let Value::Table(table) = value else {
            return Err("a host is not a table".to_owned());
        };
        let mut fields = Self::default();
        for (name, value) in table {
            fields.set(&name, value)?;
        }
        Ok(fields)
    }

    /// Sets one field; the case of its name does not count, and unknown ones are ignored.
    pub(super) fn set(&mut self, name: &str, value: Value) -> Result<(), String> {
        match name.to_lowercase().as_str() {
            "capabilities" => {
                let Value::Array(names) = value else {
                    return Err("capabilities is not a list".to_owned());
                };
                self.capabilities = texts("capabilities", &names)?;
            }
            "ca" => self.ca = Some(value),
            "client" => self.client = Some(value),
            "skip_verify" => self.skip_verify = Some(boolean(name, &value)?),
            "override_path" => self.override_path = boolean(name, &value)?,
            "header" => {
                let Value::Table(headers) = value else {
                    return Err("header is not a table".to_owned());
                };
                self.header.extend(headers);
            }
            "dial_timeout" => self.dial_timeout = text(name, value)?,
            _ => {}
        }
        Ok(())
    }

    /// Reads the values.
    pub(super) fn read(self) -> Result<HostFields, String> {
        let mut capabilities = Vec::new();
        for name in &self.capabilities {
            match name.to_lowercase().as_str() {
                // Only clients that list what refers to an image need it.
                "referrers" => {}
                name => {
                    let mut all = Capability::ALL.into_iter();
                    let known = all.find(|capability| capability.name() == name);
                    capabilities.push(known.ok_or_else(|| format!("unknown capability {name:?}"))?);
                }
            }
        }
        if self.capabilities.is_empty() {
            capabilities = Capability::ALL.to_vec();
        }
        let ca = match self.ca {
            None => Vec::new(),
            Some(Value::String(file)) => vec![file],
            Some(Value::Array(files)) => texts("ca", &files)?,
            Some(_) => return Err("ca is neither a file nor a list of files".to_owned()),
        };
        let client = match self.client {
            None => Vec::new(),
            Some(Value::String(file)) => vec![(file, None)],
            Some(Value::Array(entries)) => entries
                .into_iter()
                .map(client_files)
                .collect::<Result<_, _>>()?,
            Some(_) => return Err("client is neither a file nor a list".to_owned()),
        };
        let mut headers: Vec<(String, SecretString)> = Vec::new();
        for (name, value) in self.header {
            let values = match value {
                Value::String(one) => vec![one],
                Value::Array(values) => texts(&format!("header {name}"), &values)?,
                _ => return Err(format!("header {name} is neither a string nor a list")),
            };
            headers.extend(values.into_iter().map(|value| (name.clone(), value.into())));
        }
        let dial_timeout = match self.dial_timeout.as_str() {
            "" => None,
            text => {
                let refused = |_| format!("dial_timeout {text:?} is not a duration such as 5s");
                Some(text.parse().map_err(refused)?)
            }
        };
        Ok(HostFields {
            capabilities,
            ca,
            client,
            skip_verify: self.skip_verify,
            headers,
            dial_timeout,
        })
    }
}

/// A file, or a pair of files.
fn client_files(entry: Value) -> Result<(String, Option<String>), String> {
    match entry {
        Value::String(file) => Ok((file, None)),
        Value::Array(pair) => match <[String; 2]>::try_from(texts("client", &pair)?) {
            Ok([certificate, key]) => Ok((certificate, Some(key).filter(|key| !key.is_empty()))),
            Err(_) => Err("client holds a list that is not a pair of files".to_owned()),
        },
        _ => Err("client holds what is neither a file nor a pair of files".to_owned()),
    }
}

fn boolean(name: &str, value: &Value) -> Result<bool, String> {
    let value = value.as_bool();
    value.ok_or_else(|| format!("{name} is neither true nor false"))
}

/// The text of a string.
pub(super) fn text(name: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(format!("{name} is not a string")),
    }
}

fn texts(name: &str, values: &[Value]) -> Result<Vec<String>, String> {
    let texts = values.iter().map(|value| value.as_str().map(str::to_owned));
    let texts: Option<Vec<_>> = texts.collect();
    texts.ok_or_else(|| format!("{name} holds what is not a string"))
}
