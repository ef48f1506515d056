//! `hosts.toml`.

use std::path::Path;

use regcred_go::GoDuration;
use regcred_http::{Url, host_and_port};
use secrecy::SecretSlice;
use serde::Deserialize;
use toml::{Table, Value};

use super::config::{HostConfig, network_host};
use super::error::{HostsError, read};
use crate::client::capability::Capability;

/// Fields of one server.
#[derive(Default, Deserialize)]
#[serde(default)]
struct HostFields {
    capabilities: Option<Vec<String>>,
    ca: Option<OneOrMany>,
    client: Option<ClientFiles>,
    skip_verify: bool,
    override_path: bool,
    header: toml::map::Map<String, Value>,
    dial_timeout: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// A file with certificate and key, several of them, or pairs of files.
#[derive(Deserialize)]
#[serde(untagged)]
enum ClientFiles {
    One(String),
    Many(Vec<String>),
    Pairs(Vec<Vec<String>>),
}

/// The servers of a `hosts.toml` in the file's order, `server` (or the registry) last.
pub(super) fn parse(
    text: &str,
    path: &Path,
    registry: &str,
) -> Result<Vec<HostConfig>, HostsError> {
    let file = HostsFile { path, registry };
    let mut root: Table = text
        .parse()
        .map_err(|error| file.broken(located(&error, text)))?;
    let hosts = match root.remove("host") {
        None => Table::new(),
        Some(Value::Table(hosts)) => hosts,
        Some(_) => return Err(file.broken("host is not a table")),
    };
    let server = match root.remove("server") {
        None => None,
        Some(Value::String(server)) => Some(server).filter(|s| !s.is_empty()),
        Some(_) => return Err(file.broken("server is not a string")),
    };
    let mut found = Vec::new();
    for (address, value) in hosts {
        let fields = file.fields(value, &address)?;
        found.push(file.host(&address, &fields, false)?);
    }
    let fields = file.fields(Value::Table(root), "server")?;
    match server {
        Some(server) => found.push(file.host(&server, &fields, true)?),
        None => {
            for mut own in HostConfig::direct(registry)? {
                file.apply(&mut own, &fields)?;
                found.push(own);
            }
        }
    }
    Ok(found)
}

/// The file and the registry that it is read for.
struct HostsFile<'a> {
    path: &'a Path,
    registry: &'a str,
}

impl HostsFile<'_> {
    fn fields(&self, value: Value, name: &str) -> Result<HostFields, HostsError> {
        HostFields::deserialize(value)
            .map_err(|error| self.broken(format!("{name}: {}", error.message())))
    }

    fn host(
        &self,
        address: &str,
        fields: &HostFields,
        is_server: bool,
    ) -> Result<HostConfig, HostsError> {
        let full = if address.contains("://") {
            address.to_owned()
        } else {
            format!("https://{address}")
        };
        let broken = |reason: &str| self.broken(format!("{address:?} {reason}"));
        let mut url = Url::parse(&full).map_err(|_| broken("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(broken("is neither http nor https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(self.broken("an address holds user information, which is not allowed"));
        }
        url.set_query(None);
        url.set_fragment(None);
        let base = url.path().trim_end_matches('/').to_owned();
        if fields.override_path || base.ends_with("/v2") {
            url.set_path(&base);
        } else {
            url.set_path(&format!("{base}/v2"));
        }
        let same = HostConfig::registry(self.registry, url.scheme()).is_ok_and(|own| {
            own.url.origin() == url.origin()
                // Port 80 of a registry that should speak https is another server.
                && (url.scheme() == "https" || self.registry.contains(':'))
        });
        let mut config = HostConfig::at(url, is_server || same);
        config.cleartext = config.url.scheme() == "http";
        let host = host_and_port(&config.url);
        if host != self.registry && host != network_host(self.registry) {
            config.namespace = Some(self.registry.to_owned());
        }
        self.apply(&mut config, fields)?;
        Ok(config)
    }

    /// Puts a server's fields into its configuration, reading the files they name.
    fn apply(&self, config: &mut HostConfig, fields: &HostFields) -> Result<(), HostsError> {
        let read_named = |name: &String| read(&self.path.with_file_name("").join(name));
        if let Some(names) = &fields.capabilities {
            let has = |c: &Capability| names.iter().any(|n| n.eq_ignore_ascii_case(c.name()));
            config.capabilities.retain(has);
        }
        let ca = match &fields.ca {
            None => &[],
            Some(OneOrMany::One(one)) => std::slice::from_ref(one),
            Some(OneOrMany::Many(many)) => many.as_slice(),
        };
        for name in ca {
            config.trust.ca.push(read_named(name)?);
        }
        // rustls offers one certificate: the first of those that are listed.
        let client: Vec<&String> = match &fields.client {
            None => Vec::new(),
            Some(ClientFiles::One(file)) => vec![file],
            Some(ClientFiles::Many(files)) => files.first().into_iter().collect(),
            Some(ClientFiles::Pairs(pairs)) => pairs.first().into_iter().flatten().collect(),
        };
        let mut pem = Vec::new();
        for name in client.into_iter().filter(|name| !name.is_empty()) {
            pem.extend(read_named(name)?);
            pem.push(b'\n');
        }
        if !pem.is_empty() {
            config.trust.client = Some(SecretSlice::from(pem));
        }
        config.trust.skip_verify = fields.skip_verify;
        for (name, value) in &fields.header {
            let values = match value {
                Value::String(one) => vec![one.as_str()],
                Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
                _ => return Err(self.broken(format!("header {name} is not a string"))),
            };
            let headers = values.into_iter().map(|v| (name.clone(), v.into()));
            config.headers.extend(headers);
        }
        if !fields.dial_timeout.is_empty() {
            let text = &fields.dial_timeout;
            let timeout = text.parse().ok().and_then(GoDuration::to_std);
            let timeout = timeout.ok_or_else(|| {
                self.broken(format!(
                    "dial_timeout {text:?} is not a duration such as 5s"
                ))
            })?;
            // In Go, zero means without a time-out.
            config.connect_timeout = Some(timeout).filter(|timeout| !timeout.is_zero());
        }
        Ok(())
    }

    fn broken(&self, reason: impl Into<String>) -> HostsError {
        HostsError::Broken {
            path: self.path.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The message with its line; toml's own Display quotes the text, which may hold a secret header.
fn located(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.lines().count().max(1));
    match line {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}
