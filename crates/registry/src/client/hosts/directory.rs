//! The directory of one registry: `hosts.toml`, or bare certificates as docker keeps them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;

use super::config::{HostConfig, RegistryHosts, Trust};
use super::error::{HostsError, read as read_file, read_ca};
use super::hosts_toml::HostsToml;

/// The directory under `root` for a registry, by the names that containerd tries.
pub(super) fn find(root: &Path, registry: &str) -> Result<Option<PathBuf>, HostsError> {
    let with_port = registry.rsplit_once(':');
    let with_port = with_port.map(|(host, port)| format!("{host}_{port}_"));
    let names = [with_port.as_deref(), Some(registry), Some("_default")];
    for name in names.into_iter().flatten() {
        let path = root.join(name);
        if exists(&path)? {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The servers that the directory configures. A `hosts.toml` that cannot be used counts as absent.
pub(super) fn read(directory: &Path, registry: &str) -> Result<RegistryHosts, HostsError> {
    let file = directory.join("hosts.toml");
    let bytes = match read_file(&file) {
        Ok(bytes) => bytes,
        Err(HostsError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    let mut warnings = Vec::new();
    if !bytes.is_empty() {
        match HostsToml::parse(&bytes) {
            Ok(toml) => {
                let mut found = toml.servers(directory, registry)?;
                let warnings = found.warnings.iter_mut();
                warnings.for_each(|warning| *warning = format!("{file:?}: {warning}"));
                return Ok(found);
            }
            Err(why) => warnings.push(format!(
                "{file:?} cannot be used: {why}; as on the node, only the certificates next to it \
                 count and {registry} itself is asked"
            )),
        }
    }
    Ok(RegistryHosts {
        servers: certificates(directory, registry)?,
        warnings,
    })
}

/// `*.crt` are trusted, `*.cert` and `*.key` are a client's pair; a `.cert` without a `.key` holds
/// both, and a `.key` alone does not count.
fn certificates(directory: &Path, registry: &str) -> Result<Vec<HostConfig>, HostsError> {
    let entries = fs::read_dir(directory).map_err(|error| unreadable(directory, error))?;
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let named = |extension: &'static str| {
        let is_named = move |path: &&PathBuf| path.extension().is_some_and(|e| e == extension);
        paths.iter().filter(is_named).filter(|path| !path.is_dir())
    };
    let mut trust = Trust::default();
    for path in named("crt") {
        trust.ca.push(read_ca(path)?);
    }
    // rustls offers one certificate: the first.
    if let Some(certificate) = named("cert").next() {
        let mut pem = read_file(certificate)?;
        let key = certificate.with_extension("key");
        if exists(&key)? {
            pem.push(b'\n');
            pem.extend(read_file(&key)?);
        }
        trust.client = Some(SecretSlice::from(pem));
    }
    let mut servers = HostConfig::direct(registry)?;
    for server in &mut servers {
        server.trust = Trust {
            unverified_here: server.trust.unverified_here,
            ..trust.clone()
        };
    }
    Ok(servers)
}

fn exists(path: &Path) -> Result<bool, HostsError> {
    path.try_exists().map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, source: io::Error) -> HostsError {
    HostsError::Unreadable {
        path: path.to_owned(),
        source,
    }
}
