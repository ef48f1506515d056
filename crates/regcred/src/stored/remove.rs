//! `regcred rm`

use indicatif::BinaryBytes;
use regcred_core::Env;
use regcred_registry::collect_garbage;
use regcred_run::{ProgramError, output};

use super::arguments::RmArgs;
use super::named::{name_in_store, open_to_change};

/// Removes names, and then every blob that belongs to no image.
pub(crate) fn remove(args: &RmArgs, env: &Env) -> Result<(), ProgramError> {
    let Some(layout) = open_to_change(args.store.as_ref(), env)? else {
        return match args.images.first() {
            Some(image) => Err(ProgramError::not_configured(format!(
                "{image} is not in the store, which does not exist yet"
            ))),
            None => Ok(()),
        };
    };
    // A mistyped name is found before anything is removed.
    let names: Vec<_> = args
        .images
        .iter()
        .map(|image| name_in_store(&layout, image))
        .collect::<Result<_, _>>()?;
    for name in &names {
        layout.untag(name).map_err(ProgramError::not_configured)?;
        output::line(name)?;
    }
    let removed = collect_garbage(&layout).map_err(ProgramError::not_configured)?;
    let (blobs, bytes) = (removed.blobs, BinaryBytes(removed.bytes));
    let noun = if blobs == 1 { "blob" } else { "blobs" };
    output::note(&format!("{blobs} {noun} removed, {bytes}"));
    Ok(())
}
