//! `regcred manifest annotate`: the platform of an image of a list.

use regcred_core::Env;
use regcred_manifests::{ListEntry, check_platform};
use regcred_run::{ProgramError, output};

use super::arguments::AnnotateArgs;
use super::local::{self, EditError};

pub(super) fn run(args: AnnotateArgs, env: &Env) -> Result<(), ProgramError> {
    let parse = |what: &str, text: &str| {
        local::name(text).map_err(|error| {
            let why = error.reason();
            ProgramError::usage(format!(
                "annotate: error parsing name for {what} {text}: {why}"
            ))
        })
    };
    let list = parse("manifest list", &args.list)?;
    let image = parse("manifest", &args.image)?;
    let missing = format!(
        "manifest for image {} does not exist in {}",
        args.image, args.list
    );
    let store = local::store(env)?;
    // No directory is made for a list that does not exist.
    if store
        .read(&list)
        .map_err(ProgramError::not_configured)?
        .is_none()
    {
        return Err(ProgramError::usage(missing));
    }
    let edited = store.edit(&list, |before| {
        let mut entries = before.unwrap_or_default();
        let entry = entries.iter_mut().find(|entry| entry.image == image);
        annotate(entry.ok_or(missing)?, args)?;
        Ok::<_, EditError>(entries)
    });
    edited.map_err(ProgramError::from)
}

fn annotate(entry: &mut ListEntry, args: AnnotateArgs) -> Result<(), EditError> {
    let platform = entry.descriptor.platform.get_or_insert_default();
    for (value, field) in [
        (args.os, &mut platform.os),
        (args.arch, &mut platform.architecture),
        (args.os_version, &mut platform.os_version),
        (args.variant, &mut platform.variant),
    ] {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            *field = value;
        }
    }
    for feature in args.os_features {
        if !platform.os_features.contains(&feature) {
            platform.os_features.push(feature);
        }
    }
    if let Some(warning) = check_platform(platform)? {
        output::note(&warning);
    }
    entry.descriptor.annotations.extend(args.annotations);
    Ok(())
}
