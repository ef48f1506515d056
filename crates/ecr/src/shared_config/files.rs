//! The two AWS configuration files: where they are, and their texts.

use std::io;
use std::path::PathBuf;

use aws_runtime::env_config::file::EnvConfigFileKind;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read};

use crate::ERRORS;

/// The files that were found.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) texts: Vec<(EnvConfigFileKind, PathBuf, String)>,
    /// Files that were expected and could not be read, each with its reason.
    pub(crate) notes: Vec<String>,
    /// The first file whose contents must not be passed over for another identity, and the reason
    /// why it has none.
    unusable: Option<(String, String)>,
    looked_at: Vec<PathBuf>,
}

impl Files {
    /// Reads the files that variables name, else those at their usual places.
    pub(super) fn read(env: &Env) -> Self {
        let mut this = Self::default();
        for (kind, variable, name) in [
            (EnvConfigFileKind::Config, "AWS_CONFIG_FILE", "config"),
            (
                EnvConfigFileKind::Credentials,
                "AWS_SHARED_CREDENTIALS_FILE",
                "credentials",
            ),
        ] {
            let home = env.home();
            if let Some(set) = env.get(variable) {
                let path = match (set.strip_prefix("~/"), home) {
                    (Some(rest), Some(home)) => home.join(rest),
                    _ => PathBuf::from(set),
                };
                this.add(kind, path, Some(variable));
            } else if let Some(home) = home {
                this.add(kind, home.join(".aws").join(name), None);
            }
        }
        this
    }

    /// Where files were looked for, in messages.
    pub(crate) fn places(&self) -> String {
        if self.looked_at.is_empty() {
            return "~/.aws/config or ~/.aws/credentials, as HOME is not set".to_owned();
        }
        let names = self.looked_at.iter().map(|path| path.display().to_string());
        names.collect::<Vec<_>>().join(" or ")
    }

    /// An identity is about to be looked for in the files: an error when one of them exists, or was
    /// named, and cannot be used.
    pub(crate) fn usable(&self) -> Result<(), ProviderError> {
        match self.unusable.clone() {
            Some((what, reason)) => Err(ERRORS.misconfigured(what).with_source(reason)),
            None => Ok(()),
        }
    }

    /// At its usual place a file may be missing or closed to us, as in the SDKs; one that is too
    /// large is never taken for an empty one.
    fn add(&mut self, kind: EnvConfigFileKind, path: PathBuf, variable: Option<&str>) {
        use io::ErrorKind::{FileTooLarge, NotADirectory, NotFound};
        let by = variable.map(|name| format!(" that {name} names"));
        let what = format!("cannot read {}{}", path.display(), by.unwrap_or_default());
        let read = read(&path, MIB);
        self.looked_at.push(path.clone());
        let error = match read {
            // Go reads bytes. What is not a text can only be in a value that works nowhere.
            Ok(bytes) => {
                let text = String::from_utf8(bytes);
                let text =
                    text.unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
                self.texts.push((kind, path, text));
                return;
            }
            Err(error) => error,
        };
        let missing = matches!(error.kind(), NotFound | NotADirectory);
        let must_work = variable.is_some() || error.kind() == FileTooLarge;
        if must_work && !missing && self.unusable.is_none() {
            self.unusable = Some((what.clone(), error.to_string()));
        }
        if variable.is_some() || !missing {
            self.notes.push(format!("{what}: {error}"));
        }
    }
}
