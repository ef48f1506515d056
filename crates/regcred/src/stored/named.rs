//! The store and the images that a person names.

use std::path::PathBuf;

use regcred_core::{Env, ImageRef};
use regcred_registry::Layout;
use regcred_run::ProgramError;

use crate::store;

/// The store that is there, to be read. The one that a person named must be a store.
pub(super) fn open(named: Option<&PathBuf>, env: &Env) -> Result<Option<Layout>, ProgramError> {
    let found = Layout::open(store::path(named, env)?).map_err(ProgramError::not_configured)?;
    required(found, named)
}

/// As [`open`], to change what is in it.
pub(super) fn open_to_change(
    named: Option<&PathBuf>,
    env: &Env,
) -> Result<Option<Layout>, ProgramError> {
    required(store::open_to_change(&store::path(named, env)?)?, named)
}

fn required(
    found: Option<Layout>,
    named: Option<&PathBuf>,
) -> Result<Option<Layout>, ProgramError> {
    match (found, named) {
        (None, Some(path)) => Err(ProgramError::not_configured(format!(
            "--store: {} is not a store: name the directory of a pull",
            path.display()
        ))),
        (found, _) => Ok(found),
    }
}

/// The name in the store of an image as a person writes it.
pub(super) fn name_in_store(layout: &Layout, written: &str) -> Result<String, ProgramError> {
    let names = layout.names().map_err(ProgramError::not_configured)?;
    if names.iter().any(|name| name == written) {
        return Ok(written.to_owned());
    }
    let full = ImageRef::parse(written).map_err(ProgramError::usage)?;
    let full = full.with_default_tag().to_string();
    if names.contains(&full) {
        return Ok(full);
    }
    Err(ProgramError::not_configured(format!(
        "{full} is not in the store {}: `regcred images` lists what is",
        layout.root().display()
    )))
}
