//! The two AWS configuration files: where they are, and their texts.

use std::io;
use std::path::PathBuf;

use aws_runtime::env_config::file::EnvConfigFileKind;
use regcred_core::{Env, ProviderError};
use regcred_files::{MIB, read_text};

use crate::ERRORS;

/// The files that were found.
#[derive(Clone, Default)]
pub(super) struct Files {
    /// Empty: there is no file to read.
    pub(super) texts: Vec<(EnvConfigFileKind, String)>,
    /// Files that were expected and could not be read, in words.
    pub(super) notes: Vec<String>,
    looked_at: Vec<PathBuf>,
}

impl Files {
    /// Reads the files that variables name, else those at their usual places.
    ///
    /// # Errors
    /// For a file that is there, or was named, and cannot be read: its contents must not be passed
    /// over for another identity.
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
            match (env.get(variable), home) {
                (Some(set), home) => {
                    let path = match (set.strip_prefix("~/"), home) {
                        (Some(rest), Some(home)) => home.join(rest),
                        _ => PathBuf::from(set),
                    };
                    this.add(kind, path, Some(variable))?;
                }
                (None, Some(home)) => this.add(kind, home.join(".aws").join(name), None)?,
                (None, None) => {}
            }
        }
        Ok(this)
    }

    /// The files that were looked for, for messages.
    pub(super) fn in_words(&self) -> String {
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
        let shown = path.display().to_string();
        let read = read_text(&path, MIB);
        self.looked_at.push(path);
        let error = match read {
            Ok(text) => {
                self.texts.push((kind, text));
                return Ok(());
            }
            Err(error) => error,
        };
        match (variable, error.kind()) {
            (None, NotFound | NotADirectory) => {}
            (Some(variable), NotFound | NotADirectory) => {
                self.notes
                    .push(format!("{variable} names {shown}: {error}"));
            }
            (None, kind) if !matches!(kind, FileTooLarge | InvalidData) => {
                self.notes.push(format!("cannot read {shown}: {error}"));
            }
            (variable, _) => {
                let by = variable.map(|name| format!(" that {name} names"));
                let text = format!("cannot read {shown}{}", by.unwrap_or_default());
                return Err(ERRORS.misconfigured(text).with_source(error));
            }
        }
        Ok(())
    }
}
