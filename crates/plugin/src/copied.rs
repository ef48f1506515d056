//! Logins out of a docker configuration that is there already.

use std::path::{Path, PathBuf};

use regcred_api::DecodeError;
use regcred_api::docker_config::{self, BadEntries, DockerConfigEntry, Format};
use regcred_core::RegistryHost;
use secrecy::ExposeSecret as _;

use crate::docker_file::{self, FileError};

/// The logins of a file.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Entries with a password, in file order.
    pub entries: Vec<DockerConfigEntry>,
    /// Keys of the others, and why they are left out.
    pub left_out: Vec<(String, String)>,
    path: PathBuf,
}

/// There is nothing to copy.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is something else.
    #[error("{} is no docker configuration", path.display())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// It has no login that could be copied.
    #[error("{} has no login to copy{why}", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
        /// What to do instead, with its separator.
        why: String,
    },
    /// It has none for a registry that was named.
    #[error("{} has no login for {host}{why}", path.display())]
    Missing {
        /// Which file.
        path: PathBuf,
        /// The registry.
        host: String,
        /// Why, with its separator.
        why: String,
    },
}

impl Copied {
    /// Reads a `config.json`. Entries that cannot be read are left out.
    ///
    /// # Errors
    /// When it cannot be read, or has no login at all.
    pub fn read(path: &Path) -> Result<Self, CopyError> {
        let text = docker_file::read(path)?;
        let text = text.expose_secret().as_bytes();
        let config = docker_config::parse(text, Format::ConfigJson, BadEntries::Skip);
        let config = config.map_err(|source| CopyError::Broken {
            path: path.to_owned(),
            source,
        })?;
        let rejected = config.rejected.into_iter();
        let mut left_out: Vec<_> = rejected.map(|(key, why)| (key, why.to_string())).collect();
        let mut entries = Vec::new();
        for entry in config.entries {
            if entry.password.expose_secret().is_empty() {
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
            let why = match config.ignored.first() {
                Some(helper) => {
                    format!("; logins that {helper} names are the helper's: ask the provider")
                }
                None => reason(&left_out),
            };
            let path = path.to_owned();
            return Err(CopyError::Empty { path, why });
        }
        Ok(Self {
            entries,
            left_out,
            path: path.to_owned(),
        })
    }

    /// The entry of a registry: under this very key, else under one that names the same host and
    /// port, as a URL does. Docker Hub goes by either of its names.
    ///
    /// # Errors
    /// [`CopyError::Missing`] when there is none.
    pub fn of(&self, host: &str) -> Result<&DockerConfigEntry, CopyError> {
        let mut entries = self.entries.iter().rev();
        let exact = entries.clone().find(|entry| entry.server == host);
        let found = exact.or_else(|| entries.find(|entry| is_same(&entry.server, host)));
        found.ok_or_else(|| {
            let known = self.left_out.iter();
            let mut known = known.filter(|(key, _)| key == host || is_same(key, host));
            CopyError::Missing {
                path: self.path.clone(),
                host: host.to_owned(),
                why: known
                    .next()
                    .map(|(_, why)| format!(": {why}"))
                    .unwrap_or_default(),
            }
        })
    }
}

fn reason(left_out: &[(String, String)]) -> String {
    match left_out.first() {
        Some((key, why)) => format!("; {key}: {why}"),
        None => String::new(),
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
        // What docker writes behind some registries' hosts is no part of an image's name.
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

    fn copied(text: &str) -> Result<Copied, String> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.json");
        std::fs::write(&path, text).expect("a file");
        let shown = path.display().to_string();
        Copied::read(&path).map_err(|error| regcred_core::report(&error).replace(&shown, "FILE"))
    }

    #[test]
    fn a_registry_is_found_by_any_of_its_names() {
        let copied = copied(
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
            let found = copied.of(host).expect(host);
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
            let error = copied.of(host).expect_err(host).to_string();
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
                r#"{"auths":{"a.io":{"auth":"canary"}}}"#,
                "FILE has no login to copy; a.io: unable to parse auth field, must be formatted \
                 as base64(username:password)",
            ),
        ] {
            let error = copied(text).expect_err(text);
            assert_eq!(error, expected);
        }
        let error = copied("{canary").expect_err("broken");
        assert!(error.starts_with("FILE is no docker configuration: "));
        assert!(!error.contains("canary"), "{error}");
        let error = Copied::read(Path::new("/nowhere/x")).expect_err("absent");
        assert_eq!(error.to_string(), "cannot read /nowhere/x");
    }
}
