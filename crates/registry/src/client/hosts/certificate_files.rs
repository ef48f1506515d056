//! The files of certificates that the directories of registries name or have.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Hosts;
use super::error::read;
use super::hosts_toml::HostsToml;

impl Hosts {
    /// Every file of certificates: trusted ones, and those of this client. A directory or a `hosts.toml`
    /// that cannot be used is passed over; a file that is named may not exist.
    #[must_use]
    pub fn certificate_files(&self) -> Vec<PathBuf> {
        let directories = self.roots.iter().flat_map(|root| entries(root));
        let directories = directories.filter(|path| path.is_dir());
        let found: BTreeSet<_> = directories.flat_map(|path| files_of(&path)).collect();
        found.into_iter().collect()
    }

    /// As [`Hosts::certificate_files`], those of one registry.
    #[must_use]
    pub fn certificate_files_of(&self, registry: &str) -> Vec<PathBuf> {
        let directory = self.directory(registry).ok().flatten();
        let found = directory.map(|directory| files_of(&directory));
        found.unwrap_or_default().into_iter().collect()
    }
}

/// Those of one registry: what its `hosts.toml` names, else what is next to it.
fn files_of(directory: &Path) -> BTreeSet<PathBuf> {
    let toml = read(&directory.join("hosts.toml")).ok();
    if let Some(toml) = toml.and_then(|bytes| HostsToml::parse(&bytes).ok()) {
        let files = toml.certificate_files();
        return files.map(|file| directory.join(file)).collect();
    }
    let is_certificate = |path: &PathBuf| {
        let extension = path.extension();
        extension.is_some_and(|extension| extension == "crt" || extension == "cert")
    };
    entries(directory)
        .into_iter()
        .filter(is_certificate)
        .collect()
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_every_registry_are_listed_once() {
        let root = tempfile::tempdir().expect("a directory");
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        };
        write(
            "a.io/hosts.toml",
            "ca = \"/etc/ca.pem\"\n[host.\"https://m\"]\nca = [\"/etc/ca.pem\"]\n\
             client = [[\"c.pem\", \"k.pem\"]]\n",
        );
        write("a.io/unused.crt", "");
        write("b.io/ca.crt", "");
        write("b.io/client.cert", "");
        write("b.io/client.key", "");
        write("c.io/hosts.toml", "broken");
        let hosts = Hosts::new([root.path().to_owned(), "/nowhere".into()]);
        let own = ["a.io/c.pem", "b.io/ca.crt", "b.io/client.cert"];
        let mut expected: Vec<_> = own.map(|path| root.path().join(path)).into();
        expected.push("/etc/ca.pem".into());
        expected.sort();
        assert_eq!(hosts.certificate_files(), expected);
        assert_eq!(hosts.certificate_files_of("b.io"), expected[2..]);
        assert!(hosts.certificate_files_of("d.io").is_empty());
    }
}
