//! A subject token in a file that somebody else keeps fresh: a projected service account token.

use std::path::PathBuf;

use regcred_core::ProviderError;
use regcred_files::{MIB, read_secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::format::Format;
use crate::failure::misconfigured;

#[derive(Deserialize)]
pub(super) struct SubjectFile {
    file: PathBuf,
    #[serde(default)]
    format: Format,
}

impl SubjectFile {
    /// The token, read anew each time.
    pub(super) fn token(&self) -> Result<SecretString, ProviderError> {
        let shown = self.file.display();
        let text = read_secret(&self.file, MIB).map_err(|e| {
            misconfigured(format!("cannot read the subject token in {shown}")).with_source(e)
        })?;
        let trimmed: SecretString = text.expose_secret().trim().into();
        self.format
            .extract(&trimmed)
            .map_err(|reason| misconfigured(format!("no subject token in {shown}: {reason}")))
    }
}
