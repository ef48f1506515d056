//! Which logins of an existing docker configuration are imported, and which are left out.

use std::path::{Path, PathBuf};

use regcred_api::DecodeError;
use regcred_api::docker_config::{self, BadEntries, DockerConfigEntry, Format};
use regcred_core::{RegistryHost, SecretText as _};
use secrecy::{ExposeSecret as _, SecretString};

use crate::docker_file;
use crate::document::config_json;
use crate::error::FileError;

/// The logins of a docker configuration file.
#[derive(Clone, Debug)]
pub struct ImportPlan {
    /// Entries with a password, in file order.
    pub entries: Vec<DockerConfigEntry>,
    /// Keys of the other entries, each with the reason why it is left out.
    pub left_out: Vec<(String, String)>,
    path: PathBuf,
}

/// There is nothing to import.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not a docker configuration.
    #[error("{} is not a docker configuration", .0.display())]
    NotDockerConfig(PathBuf, #[source] DecodeError),
    /// The file has no login, or none for the registry in question; with the reason.
    #[error("{path} has no login {1}", path = .0.display())]
    NoLogin(PathBuf, String),
}

impl ImportPlan {
    /// Reads a `config.json`. Entries that cannot be read are left out.
    ///
    /// # Errors
    /// When it cannot be read, or has no login at all.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        Self::parse(path, docker_file::read(path)?.expose_secret().as_bytes())
    }

    /// As [`ImportPlan::read`], from the file's content. The path is its label.
    ///
    /// # Errors
    /// When it is not a docker configuration, or has no login at all.
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self, ImportError> {
        let config = docker_config::parse(content, Format::ConfigJson, BadEntries::Skip);
        let broken = |source| ImportError::NotDockerConfig(path.to_owned(), source);
        let config = config.map_err(broken)?;
        let rejected = config.rejected.into_iter();
        let mut left_out: Vec<_> = rejected.map(|(key, why)| (key, why.to_string())).collect();
        let mut entries = Vec::new();
        for entry in config.entries {
            if entry.password.is_empty() {
                let why = match entry.ignored.first() {
                    Some(member) => format!("it holds {member}, which a kubelet does not use"),
                    None => "it has no password".to_owned(),
                };
                left_out.push((entry.server, why));
            } else {
                entries.push(entry);
            }
        }
        if entries.is_empty() {
            let why = match (config.misplaced, config.ignored.first(), left_out.first()) {
                (Some(misplaced), ..) => format!("; {misplaced}"),
                (None, Some(helper), _) => {
                    format!("; logins that {helper} names are the helper's: ask the provider")
                }
                (None, None, Some((key, why))) => format!("; {key}: {why}"),
                (None, None, None) => String::new(),
            };
            return Err(ImportError::NoLogin(
                path.to_owned(),
                format!("to copy{why}"),
            ));
        }
        Ok(Self {
            entries,
            left_out,
            path: path.to_owned(),
        })
    }

    /// A `config.json` with the logins of these registries; with all logins if none is named.
    ///
    /// # Errors
    /// [`ImportError::NoLogin`] when a registry has no login.
    pub fn render(&self, registries: &[String]) -> Result<SecretString, ImportError> {
        let logins = self.chosen(registries)?.into_iter();
        Ok(config_json(
            logins.map(|entry| (&*entry.server, entry.into())),
        ))
    }

    /// The entries of these registries; all if none is named.
    ///
    /// # Errors
    /// [`ImportError::NoLogin`] when a registry has no login.
    pub fn chosen(&self, registries: &[String]) -> Result<Vec<&DockerConfigEntry>, ImportError> {
        if registries.is_empty() {
            return Ok(self.entries.iter().collect());
        }
        let found = registries.iter().map(|host| self.entry_for(host));
        found.collect()
    }

    /// The entry of a registry: under exactly this key, else under one that names the same host and
    /// port, as a URL does. Docker Hub has two names.
    ///
    /// # Errors
    /// [`ImportError::NoLogin`] when it has no login.
    pub fn entry_for(&self, host: &str) -> Result<&DockerConfigEntry, ImportError> {
        let mut entries = self.entries.iter().rev();
        let exact = entries.clone().find(|entry| entry.server == host);
        let found = exact.or_else(|| entries.find(|entry| is_same(&entry.server, host)));
        found.ok_or_else(|| {
            let mut left_out = self.left_out.iter();
            let why = left_out.find(|(key, _)| key == host || is_same(key, host));
            let why = why.map(|(_, why)| format!(": {why}")).unwrap_or_default();
            ImportError::NoLogin(self.path.clone(), format!("for {host}{why}"))
        })
    }
}

fn is_same(key: &str, host: &str) -> bool {
    let name = |text: &str| {
        let host = RegistryHost::parse(text).ok()?;
        let name = match host.host() {
            "index.docker.io" => "docker.io".to_owned(),
            other => other.to_owned(),
        };
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let path = rest.split_once('/').map_or("", |(_, path)| path);
        // Docker writes a version after some registries' hosts; it is not part of an image's name.
        let path = match path.trim_matches('/') {
            "v1" | "v2" => "",
            path => path,
        };
        Some((name, host.port(), path.to_owned()))
    };
    name(key).is_some_and(|key| name(host).is_some_and(|host| host == key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<ImportPlan, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).expect("a file");
        let shown = path.display().to_string();
        ImportPlan::read(&path)
            .map_err(|error| regcred_core::report(&error).replace(&shown, "FILE"))
    }

    #[test]
    fn a_registry_is_found_by_any_of_its_names() {
        let plan = plan(
            r#"{"auths":{"https://index.docker.io/v1/":{"auth":"aHViOnA="},
                "h.io:5000":{"auth":"cG9ydDpw"},"h.io/team":{"auth":"dGVhbTpw"},
                "https://h.io":{"auth":"dXJsOnA="},"token.io":{"identitytoken":"canary"}}}"#,
        )
        .expect("logins");
        for (host, user) in [
            ("docker.io", "hub"),
            ("index.docker.io", "hub"),
            ("h.io:5000", "port"),
            ("h.io", "url"),
            ("h.io/team", "team"),
        ] {
            let found = plan.entry_for(host).expect(host);
            assert_eq!(found.username, user, "{host}");
        }
        for (host, why) in [
            ("x.io", ""),
            ("h.io/other", ""),
            (
                "token.io",
                ": it holds identitytoken, which a kubelet does not use",
            ),
        ] {
            let error = plan.entry_for(host).expect_err(host).to_string();
            assert!(error.ends_with(&format!("has no login for {host}{why}")));
        }
    }

    #[test]
    fn a_file_without_logins_says_where_they_are() {
        for (text, expected) in [
            ("{}", "FILE has no login to copy"),
            (
                r#"{"auths":{"a.io":{}},"credsStore":"x"}"#,
                "FILE has no login to copy; logins that credsStore names are the helper's: ask \
                 the provider",
            ),
            (
                r#"{"a.io":{"auth":"dTpjYW5hcnk="}}"#,
                "FILE has no login to copy; its logins are not under `auths`, where this form has \
                 them: put them there, or in a Secret change the type to kubernetes.io/dockercfg \
                 and the key to .dockercfg",
            ),
            (
                r#"{"auths":{"a.io":{"auth":"canary"}}}"#,
                "FILE has no login to copy; a.io: unable to parse auth field, must be formatted \
                 as base64(username:password)",
            ),
        ] {
            let error = plan(text).expect_err(text);
            assert_eq!(error, expected);
        }
        let error = plan("{canary").expect_err("broken");
        assert!(error.starts_with("FILE is not a docker configuration: "));
        assert!(!error.contains("canary"), "{error}");
        let error = ImportPlan::read(Path::new("/nowhere/x")).expect_err("absent");
        assert_eq!(error.to_string(), "cannot read /nowhere/x");
    }
}
