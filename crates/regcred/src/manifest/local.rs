//! The lists of this machine: where they are, and the names on the command line.

use regcred_core::{Env, ImageRef, ReferenceError, report};
use regcred_manifests::{ListEntry, ManifestStore, StoreError};
use regcred_run::ProgramError;

/// docker's store: `manifests` in `$DOCKER_CONFIG`, else in `~/.docker`.
pub(super) fn store(env: &Env) -> Result<ManifestStore, ProgramError> {
    let directory = env.path("DOCKER_CONFIG");
    let directory = directory.or_else(|| Some(env.home()?.join(".docker")));
    let directory = directory.ok_or_else(|| {
        ProgramError::not_configured(
            "the directory of local manifest lists is not known: set DOCKER_CONFIG or HOME",
        )
    })?;
    Ok(ManifestStore::new(directory.join("manifests")))
}

/// A name as docker normalises it: with the tag `latest` if it has neither tag nor digest.
pub(super) fn name(text: &str) -> Result<ImageRef, ReferenceError> {
    ImageRef::parse(text).map(ImageRef::with_default_tag)
}

/// As [`name`]; an error is one of the command line.
pub(super) fn plain_name(text: &str) -> Result<ImageRef, ProgramError> {
    name(text).map_err(ProgramError::usage)
}

/// The images of a list that must exist.
pub(super) fn existing(
    store: &ManifestStore,
    list: &ImageRef,
) -> Result<Vec<ListEntry>, ProgramError> {
    let found = store.read(list).map_err(ProgramError::not_configured)?;
    found.ok_or_else(|| no_such(list))
}

/// docker's sentence for a list or image that is not in the store.
pub(super) fn no_such(name: &ImageRef) -> ProgramError {
    ProgramError::usage(format!("No such manifest: {name}"))
}

/// Why a list was not changed.
pub(super) struct EditError(ProgramError);

impl From<StoreError> for EditError {
    fn from(error: StoreError) -> Self {
        Self(ProgramError::not_configured(report(&error)))
    }
}

impl From<String> for EditError {
    fn from(sentence: String) -> Self {
        Self(ProgramError::usage(sentence))
    }
}

impl From<EditError> for ProgramError {
    fn from(error: EditError) -> Self {
        error.0
    }
}
