//! The directory of one registry: `hosts.toml`, or bare certificates as docker keeps them.

use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretSlice;

use super::config::{HostConfig, Trust};
use super::error::{HostsError, read as read_file};
use super::hosts_toml;

/// The directory under `root` for a registry, by the names containerd tries.
pub(super) fn find(root: &Path, registry: &str) -> Option<PathBuf> {
    let mut names = Vec::new();
    if let Some((host, port)) = registry.rsplit_once(':')
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        names.push(format!("{host}_{port}_"));
        names.push(registry.to_owned());
        names.push(host.to_owned());
    } else {
        names.push(registry.to_owned());
    }
    names.push("_default".to_owned());
    let mut paths = names.into_iter().map(|name| root.join(name));
    paths.find(|path| path.is_dir())
}

/// The servers that the directory configures.
pub(super) fn read(directory: &Path, registry: &str) -> Result<Vec<HostConfig>, HostsError> {
    let file = directory.join("hosts.toml");
    let text = match read_file(&file) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| HostsError::Broken {
            path: file.clone(),
            reason: "it is not UTF-8".to_owned(),
        })?,
        Err(HostsError::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            String::new()
        }
        Err(error) => return Err(error),
    };
    if text.trim().is_empty() {
        certificates(directory, registry)
    } else {
        hosts_toml::parse(&text, &file, registry)
    }
}

/// `*.crt` are trusted, `*.cert` and `*.key` are a client's pair. A registry with any of them
/// speaks TLS, on this machine too.
fn certificates(directory: &Path, registry: &str) -> Result<Vec<HostConfig>, HostsError> {
    let named = |extension: &str| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == extension))
            .collect();
        paths.sort();
        paths
    };
    let mut trust = Trust::default();
    for path in named("crt") {
        trust.ca.push(read_file(&path)?);
    }
    if let Some(cert) = named("cert").first() {
        let mut pem = read_file(cert)?;
        pem.push(b'\n');
        pem.extend(read_file(&cert.with_extension("key"))?);
        trust.client = Some(SecretSlice::from(pem));
    } else if let Some(key) = named("key").first() {
        return Err(HostsError::NoPartner { path: key.clone() });
    }
    if trust.is_default() {
        return HostConfig::direct(registry);
    }
    let mut host = HostConfig::registry(registry, "https")?;
    host.trust = trust;
    Ok(vec![host])
}
