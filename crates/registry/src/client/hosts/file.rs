//! `hosts.toml`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_http::Url;
use secrecy::SecretSlice;
use serde::Deserialize;
use toml::{Table, Value};

use super::{HostConfig, network_host};

/// A `hosts.toml` or a certificate beside it that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostsError {
    /// The registry's name gives no address.
    #[error("{registry:?} is no address of a registry")]
    Registry {
        /// The name.
        registry: String,
    },
    /// A file that is named or found cannot be read.
    #[error("cannot read {path:?}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is no TOML of this form.
    #[error("{path:?} cannot be understood: {reason}")]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// A client key without its certificate.
    #[error("{path:?} has no certificate beside it: a .key file needs the .cert file of its name")]
    NoPartner {
        /// The key.
        path: PathBuf,
    },
}

impl HostsError {
    pub(super) fn registry(registry: &str) -> Self {
        Self::Registry {
            registry: registry.to_owned(),
        }
    }
}

/// Fields of one server.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    capabilities: Option<Vec<String>>,
    ca: Option<OneOrMany>,
    client: Option<Client>,
    skip_verify: bool,
    override_path: bool,
    header: toml::map::Map<String, Value>,
    dial_timeout: Option<String>,
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
enum Client {
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
    let broken = |reason: String| HostsError::Broken {
        path: path.to_owned(),
        reason,
    };
    let mut root: Table = text
        .parse()
        .map_err(|error: toml::de::Error| broken(located(&error, text)))?;
    let hosts = match root.remove("host") {
        None => Table::new(),
        Some(Value::Table(hosts)) => hosts,
        Some(_) => return Err(broken("host is no table".to_owned())),
    };
    let server = match root.remove("server") {
        None => None,
        Some(Value::String(server)) => Some(server).filter(|s| !s.is_empty()),
        Some(_) => return Err(broken("server is no text".to_owned())),
    };
    let fields = |value: Value, name: &str| {
        Fields::deserialize(value).map_err(|error| broken(format!("{name}: {}", error.message())))
    };
    let mut found = Vec::new();
    for (address, value) in hosts {
        let fields = fields(value, &address)?;
        found.push(host(&address, &fields, path, registry, false)?);
    }
    let fields = fields(Value::Table(root), "server")?;
    match server {
        Some(server) => found.push(host(&server, &fields, path, registry, true)?),
        None => {
            for mut own in HostConfig::direct(registry)? {
                apply(&mut own, &fields, path)?;
                found.push(own);
            }
        }
    }
    Ok(found)
}

fn host(
    address: &str,
    fields: &Fields,
    path: &Path,
    registry: &str,
    is_server: bool,
) -> Result<HostConfig, HostsError> {
    let broken = |reason: &str| HostsError::Broken {
        path: path.to_owned(),
        reason: format!("{address:?} {reason}"),
    };
    let full = match address.contains("://") {
        true => address.to_owned(),
        false => format!("https://{address}"),
    };
    let mut url = Url::parse(&full).map_err(|_| broken("is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(broken("is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(HostsError::Broken {
            path: path.to_owned(),
            reason: "an address holds user information, which is not allowed".to_owned(),
        });
    }
    url.set_query(None);
    url.set_fragment(None);
    let base = url.path().trim_end_matches('/').to_owned();
    match fields.override_path || base.ends_with("/v2") {
        true => url.set_path(&base),
        false => url.set_path(&format!("{base}/v2")),
    }
    let same = HostConfig::registry(registry, url.scheme()).is_ok_and(|own| {
        own.url.host() == url.host()
            && own.url.port_or_known_default() == url.port_or_known_default()
            // Port 80 of a registry that is meant to speak https is another server.
            && (url.scheme() == "https" || registry.contains(':'))
    });
    let mut config = HostConfig::at(url, is_server || same);
    config.cleartext = config.url.scheme() == "http";
    let host = match (config.url.host_str(), config.url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    if host != registry && host != network_host(registry) {
        config.namespace = Some(registry.to_owned());
    }
    apply(&mut config, fields, path)?;
    Ok(config)
}

/// Puts a server's fields into its configuration, reading the files they name.
fn apply(config: &mut HostConfig, fields: &Fields, path: &Path) -> Result<(), HostsError> {
    let broken = |reason: String| HostsError::Broken {
        path: path.to_owned(),
        reason,
    };
    let beside = |name: &String| path.parent().unwrap_or(Path::new("")).join(name);
    if let Some(capabilities) = &fields.capabilities {
        let has = |name: &str| capabilities.iter().any(|c| c.eq_ignore_ascii_case(name));
        config.pull = has("pull");
        config.resolve = has("resolve");
    }
    let ca = match &fields.ca {
        None => &[],
        Some(OneOrMany::One(one)) => std::slice::from_ref(one),
        Some(OneOrMany::Many(many)) => many.as_slice(),
    };
    for name in ca {
        config.trust.ca.push(read(&beside(name))?);
    }
    // rustls offers one certificate; where several are listed, the first is it.
    let client: Vec<&String> = match &fields.client {
        None => Vec::new(),
        Some(Client::One(file)) => vec![file],
        Some(Client::Many(files)) => files.first().into_iter().collect(),
        Some(Client::Pairs(pairs)) => pairs.first().into_iter().flatten().collect(),
    };
    let mut pem = Vec::new();
    for name in client.into_iter().filter(|name| !name.is_empty()) {
        pem.extend(read(&beside(name))?);
        pem.push(b'\n');
    }
    if !pem.is_empty() {
        config.trust.client = Some(SecretSlice::from(pem));
    }
    config.trust.skip_verify = fields.skip_verify;
    for (name, value) in &fields.header {
        let values = match value {
            Value::String(one) => vec![one.clone()],
            Value::Array(many) => many
                .iter()
                .filter_map(|v| v.as_str().map(str::to_owned))
                .collect(),
            _ => return Err(broken(format!("header {name} is no text"))),
        };
        let headers = values.into_iter().map(|v| (name.clone(), v.into()));
        config.headers.extend(headers);
    }
    if let Some(text) = &fields.dial_timeout {
        let timeout = duration(text)
            .ok_or_else(|| broken(format!("dial_timeout {text:?} is no duration such as 5s")))?;
        config.connect_timeout = Some(timeout);
    }
    Ok(())
}

/// The file's text; `None` when there is no such file.
pub(super) fn read_optional(path: &Path) -> Result<Option<String>, HostsError> {
    match read(path) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(HostsError::Broken {
                path: path.to_owned(),
                reason: "it is not UTF-8".to_owned(),
            }),
        },
        Err(HostsError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// A file's bytes, within reason.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, HostsError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST_FILE + 1).read_to_end(&mut bytes))
        .and_then(|read| match read as u64 > LARGEST_FILE {
            // A part of it could mean something else than the whole.
            true => Err(io::Error::other("it is longer than 1 MiB")),
            false => Ok(()),
        })
        .map_err(|source| HostsError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
    Ok(bytes)
}

/// One number with one of Go's units.
fn duration(text: &str) -> Option<Duration> {
    let at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    Duration::try_from_secs_f64(number * seconds).ok()
}

/// The message with its line; toml's own Display quotes the text, which may hold a secret header.
fn located(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before {
        Some(before) => format!(
            "line {}: {}",
            before.lines().count().max(1),
            error.message()
        ),
        None => error.message().to_owned(),
    }
}

const LARGEST_FILE: u64 = 1 << 20;
