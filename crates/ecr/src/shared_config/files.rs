//! The two AWS configuration files: where they are, and their texts.

use std::io;
use std::path::PathBuf;

use aws_runtime::env_config::file::EnvConfigFileKind;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_text};

use crate::ERRORS;

/// The files that were found.
#[derive(Clone, Default)]
pub(crate) struct Files {
    pub(crate) texts: Vec<(EnvConfigFileKind, String)>,
    /// Files that were expected and could not be read, each with its reason.
    pub(crate) notes: Vec<String>,
    looked_at: Vec<PathBuf>,
}

impl Files {
    /// Reads the files that variables name, else those at their usual places. One that exists, or
    /// was named, and cannot be read is an error: its contents must not be passed over for another
    /// identity.
    pub(super) fn read(env: &Env) -> Result<Self, ProviderError> {
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
                this.add(kind, path, Some(variable))?;
            } else if let Some(home) = home {
                this.add(kind, home.join(".aws").join(name), None)?;
            }
        }
        Ok(this)
    }

    /// The files that were looked for, for messages.
    pub(crate) fn places(&self) -> String {
        if self.looked_at.is_empty() {
            return "the files below HOME, which is not set".to_owned();
        }
        let names = self.looked_at.iter().map(|path| path.display().to_string());
        names.collect::<Vec<_>>().join(" or ")
    }

    /// At its usual place a file may be missing or closed to us, as in the SDKs; a file that is too
    /// large or not a text is never taken for an empty one.
    fn add(
        &mut self,
        kind: EnvConfigFileKind,
        path: PathBuf,
        variable: Option<&str>,
    ) -> Result<(), ProviderError> {
        use io::ErrorKind::{FileTooLarge, InvalidData, NotADirectory, NotFound};
        let by = variable.map(|name| format!(" that {name} names"));
        let what = format!("cannot read {}{}", path.display(), by.unwrap_or_default());
        let read = read_text(&path, MIB);
        self.looked_at.push(path);
        match (read, variable) {
            (Ok(text), _) => self.texts.push((kind, text)),
            (Err(error), _) if matches!(error.kind(), NotFound | NotADirectory) => {
                if variable.is_some() {
                    self.notes.push(format!("{what}: {error}"));
                }
            }
            (Err(error), None) if !matches!(error.kind(), FileTooLarge | InvalidData) => {
                self.notes.push(format!("{what}: {error}"));
            }
            (Err(error), _) => return Err(ERRORS.misconfigured(what).with_source(error)),
        }
        Ok(())
    }
}
