//! `hosts.toml`, by the rules of containerd's loader and the TOML decoder below it.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use regcred_go::GoDuration;
use regcred_http::Url;
use secrecy::SecretSlice;
use toml::{Table, Value};
use toml_parser::Source;
use toml_parser::parser::{EventKind, parse_document};

use super::address::{ServerAddress, shown};
use super::config::{HostConfig, RegistryHosts};
use super::error::{HostsError, read, read_ca};
use super::fields::{HostFields, WrittenFields, text};

/// A file that can be used; the certificates that it names have not been read.
pub(super) struct HostsToml {
    /// In the order of their headers.
    hosts: Vec<Server>,
    /// `server` with the fields at the root of the file.
    own: Server,
}

struct Server {
    /// As written.
    text: String,
    address: ServerAddress,
    fields: HostFields,
}

impl HostsToml {
    /// Reads the file, or returns why no part of it can be used.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let toml = str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
        if toml.starts_with('\u{feff}') {
            return Err("it begins with a byte order mark".to_owned());
        }
        let root: Table = toml.parse().map_err(|error| located(&error, toml))?;
        let mut server = String::new();
        let mut written = HashMap::new();
        let mut own = WrittenFields::default();
        for (name, value) in root {
            match name.to_lowercase().as_str() {
                "server" => server = text("server", value)?,
                "host" => {
                    let Value::Table(hosts) = value else {
                        return Err("host is not a table".to_owned());
                    };
                    for (address, value) in hosts {
                        let fields = WrittenFields::of(value)
                            .map_err(|why| format!("{}: {why}", shown(&address)))?;
                        written.insert(address, fields);
                    }
                }
                _ => own.set(&name, value)?,
            }
        }
        let mut hosts = Vec::new();
        for address in headers(toml) {
            if let Some(fields) = written.remove(&address) {
                hosts.push(Server::read(address, fields)?);
            }
        }
        let own = Server::read(server, own)?;
        Ok(Self { hosts, own })
    }

    /// The files of certificates that its servers name, relative to its directory.
    pub(super) fn certificate_files(&self) -> impl Iterator<Item = &str> {
        let servers = self.hosts.iter().chain([&self.own]);
        servers.flat_map(|server| {
            let clients = server.fields.client.iter().map(|(file, _)| file);
            server.fields.ca.iter().chain(clients).map(String::as_str)
        })
    }

    /// The servers of a registry, with the files that the servers name.
    pub(super) fn servers(
        self,
        directory: &Path,
        registry: &str,
    ) -> Result<RegistryHosts, HostsError> {
        let mut found = RegistryHosts::default();
        for host in self.hosts {
            match host.url() {
                Some(url) => {
                    let mut config = HostConfig::configured(url, &host.address.host, registry);
                    apply(&mut config, &host.fields, directory)?;
                    config.capabilities = host.fields.capabilities;
                    let servers = config.by_schemes(&host.address.host, registry);
                    found.servers.extend(servers);
                }
                None => found.warnings.push(host.unusable("is left out")),
            }
        }
        let own = self.own;
        if own.address.host.is_empty() {
            if !own.text.is_empty() {
                let what = format!("is ignored and {registry} itself is asked");
                found.warnings.push(own.unusable(&what));
            }
            for mut config in HostConfig::direct(registry)? {
                apply(&mut config, &own.fields, directory)?;
                found.servers.push(config);
            }
        } else if let Some(url) = own.url() {
            let mut config = HostConfig::configured(url, &own.address.host, registry);
            config.is_registry = true;
            apply(&mut config, &own.fields, directory)?;
            config.capabilities = own.fields.capabilities;
            let servers = config.by_schemes(&own.address.host, registry);
            found.servers.extend(servers);
        } else {
            found.warnings.push(own.unusable("is left out"));
        }
        Ok(found)
    }
}

impl Server {
    fn read(text: String, fields: WrittenFields) -> Result<Self, String> {
        let named = |why: String| match text.as_str() {
            "" => why,
            text => format!("{}: {why}", shown(text)),
        };
        let address = ServerAddress::parse(&text, fields.override_path)
            .ok_or_else(|| named("it is not a URL".to_owned()))?;
        let fields = fields.read().map_err(named)?;
        Ok(Self {
            text,
            address,
            fields,
        })
    }

    /// The address to which requests can be sent.
    fn url(&self) -> Option<Url> {
        let ServerAddress { scheme, host, path } = &self.address;
        let is_http = matches!(scheme.as_str(), "http" | "https") && !host.is_empty();
        let url = format!("{scheme}://{host}{path}");
        is_http.then(|| Url::parse(&url).ok()).flatten()
    }

    fn unusable(&self, outcome: &str) -> String {
        let text = shown(&self.text);
        format!("{text} is not an http:// or https:// address and {outcome}")
    }
}

/// The addresses in the headers `[host."..."]`, in order: a host without its own header is not
/// seen, and of a host with several only the first counts.
fn headers(toml: &str) -> Vec<String> {
    let source = Source::new(toml);
    let mut events = Vec::new();
    parse_document(&source.lex().into_vec(), &mut events, &mut ());
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    let mut header: Option<Vec<String>> = None;
    for event in &events {
        match event.kind() {
            EventKind::StdTableOpen => header = Some(Vec::new()),
            EventKind::SimpleKey => {
                if let (Some(keys), Some(raw)) = (&mut header, source.get(event)) {
                    let mut key = String::new();
                    raw.decode_key(&mut key, &mut ());
                    keys.push(key);
                }
            }
            EventKind::StdTableClose => {
                let keys = header.take().unwrap_or_default();
                if let [first, address, ..] = keys.as_slice()
                    && first == "host"
                    && known.insert(address.clone())
                {
                    found.push(address.clone());
                }
            }
            _ => {}
        }
    }
    found
}

/// Puts a server's fields into its configuration, reading the files they name.
fn apply(config: &mut HostConfig, fields: &HostFields, directory: &Path) -> Result<(), HostsError> {
    for name in &fields.ca {
        config.trust.ca.push(read_ca(&directory.join(name))?);
    }
    // rustls offers one certificate: the first of those that are listed.
    if let Some((certificate, key)) = fields.client.first() {
        let mut pem = read(&directory.join(certificate))?;
        if let Some(key) = key {
            pem.push(b'\n');
            pem.extend(read(&directory.join(key))?);
        }
        config.trust.client = Some(SecretSlice::from(pem));
    }
    config.trust.skip_verify = fields.skip_verify;
    config.headers.clone_from(&fields.headers);
    config.connect_timeout = fields.dial_timeout.and_then(dial_timeout);
    Ok(())
}

/// In Go, zero means without a time-out, and a negative time has passed already.
fn dial_timeout(span: GoDuration) -> Option<Duration> {
    match span.to_std() {
        Some(Duration::ZERO) => None,
        Some(span) => Some(span),
        None => Some(Duration::from_nanos(1)),
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
