//! `regcred export`

use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use regcred_core::{Env, ErrorKind};
use regcred_files::place_of;
use regcred_registry::{ExportError, Layout};
use regcred_run::ProgramError;

use super::arguments::ExportArgs;
use super::named::{name_in_store, open};
use crate::named_file::STDIN;

/// Writes images of the store as one archive.
pub(crate) fn export(args: &ExportArgs, env: &Env) -> Result<(), ProgramError> {
    let layout = open(args.store.as_ref(), env)?.ok_or_else(|| {
        let images = args.images.join(", ");
        ProgramError::not_configured(format!(
            "{images} is not in the store, which does not exist yet"
        ))
    })?;
    let names: Vec<_> = args
        .images
        .iter()
        .map(|image| name_in_store(&layout, image))
        .collect::<Result<_, _>>()?;
    if args.output == Path::new(STDIN) {
        let stdout = io::stdout();
        if stdout.is_terminal() {
            return Err(ProgramError::usage(TERMINAL));
        }
        return write(&layout, &names, stdout.lock());
    }
    to_file(&layout, &names, &args.output)
}

/// An archive that is not complete is never under the file's name.
fn to_file(layout: &Layout, names: &[String], path: &Path) -> Result<(), ProgramError> {
    let refused = |error: io::Error| {
        ProgramError::not_configured(format!("cannot write {}: {error}", path.display()))
    };
    let place = place_of(path).map_err(refused)?;
    let temporary = place.temporary();
    // Readable by this user only: images are often private.
    let file = place.create(&temporary).map_err(refused)?;
    let done = write(layout, names, &file)
        .and_then(|()| file.sync_all().map_err(refused))
        .and_then(|()| place.rename(&temporary).map_err(refused));
    if done.is_err() {
        let _ = place.remove(&temporary);
    }
    done
}

fn write(layout: &Layout, names: &[String], out: impl Write) -> Result<(), ProgramError> {
    let done = regcred_registry::export(layout, names, BufWriter::new(out));
    done.map_err(|error| match error {
        ExportError::Layout(error) => ProgramError::of_kind(ErrorKind::Malformed, error),
        other => ProgramError::not_configured(other),
    })
}

const TERMINAL: &str =
    "--output -: standard output is a terminal: name a file, or a program after |";
