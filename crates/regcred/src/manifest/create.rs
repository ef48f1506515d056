//! `regcred manifest create`: reads the images, and writes the list in one step when all are there.

use regcred_core::{Env, ImageRef};
use regcred_manifests::{ListEntry, check_platform, clash};
use regcred_run::{ProgramError, block_on_until_signal, output};

use super::arguments::CreateArgs;
use super::image_entries::NamedImage;
use super::local::{self, EditError};
use super::session::Session;

pub(super) fn run(args: &CreateArgs, env: &Env) -> Result<(), ProgramError> {
    let list = local::name(&args.list).map_err(|error| {
        let (list, why) = (&args.list, error.reason());
        ProgramError::usage(format!(
            "error parsing name for manifest list {list}: {why}"
        ))
    })?;
    let images = args.images.iter().map(|image| NamedImage::parse(image));
    let images = images.collect::<Result<Vec<_>, _>>()?;
    let store = local::store(env)?;
    let known = store.read(&list).map_err(ProgramError::not_configured)?;
    check_amend(known.is_some(), args.amend)?;
    let known = known.unwrap_or_default();
    let session = Session::new(&args.access, env)?;
    let added = block_on_until_signal(async {
        let mut added = Vec::new();
        for image in &images {
            match known_by_digest(&known, image) {
                Some(entry) => added.push(entry.clone()),
                None => added.extend(image.entries(&session, &list, args.refuse_lists).await?),
            }
        }
        Ok(added)
    })?;
    store
        .edit(&list, |before| {
            // Another process may have created it meanwhile.
            check_amend(before.is_some(), args.amend)?;
            let merged = merge(before.unwrap_or_default(), added, args.replace);
            Ok::<_, EditError>(merged)
        })
        .map_err(ProgramError::from)?;
    output::line(&format!("Created manifest list {list}"))
}

fn check_amend(exists: bool, amend: bool) -> Result<(), EditError> {
    if exists && !amend {
        let refusal = "refusing to amend an existing manifest list with no --amend flag";
        return Err(refusal.to_owned().into());
    }
    Ok(())
}

/// What a digest names does not change: it is not read again.
fn known_by_digest<'a>(known: &'a [ListEntry], image: &NamedImage) -> Option<&'a ListEntry> {
    let NamedImage::Registry(image) = image else {
        return None;
    };
    image.digest()?;
    known.iter().find(|entry| entry.image == *image)
}

/// The images of the list with the new ones. An image that has not changed keeps its annotations.
fn merge(before: Vec<ListEntry>, added: Vec<ListEntry>, replace: bool) -> Vec<ListEntry> {
    let of_list = added.iter().find_map(|one| one.of_list.clone());
    let mut merged = before;
    let mut names: Vec<ImageRef> = Vec::new();
    for entry in added {
        names.push(entry.image.clone());
        let same = merged.iter_mut().find(|old| old.image == entry.image);
        let Some(old) = same else {
            warn_of_platform(&entry);
            merged.push(entry);
            continue;
        };
        if old.manifest.digest == entry.manifest.digest {
            old.layout = entry.layout;
            old.of_list = entry.of_list;
            continue;
        }
        output::note(&format!(
            "{} was {} and is {}: its platform is that of its configuration again",
            entry.image, old.manifest.digest, entry.manifest.digest
        ));
        *old = entry;
    }
    // Images that were taken from the registry's list before came from an older one.
    if let Some(newest) = of_list {
        let taken = merged.iter_mut().filter_map(|one| one.of_list.as_mut());
        taken.for_each(|digest| digest.clone_from(&newest));
    }
    if replace {
        let is_new = |entry: &ListEntry| names.contains(&entry.image);
        let platforms: Vec<_> = merged
            .iter()
            .filter(|entry| is_new(entry))
            .filter_map(ListEntry::compared_platform)
            .collect();
        merged.retain(|entry| {
            let platform = entry.compared_platform();
            let is_replaced = !is_new(entry) && platform.is_some_and(|p| platforms.contains(&p));
            if is_replaced {
                output::note(&format!("{} is replaced", entry.image));
            }
            !is_replaced
        });
    }
    if let Some(clash) = clash(&merged) {
        output::note(&format!(
            "{clash}: annotate one of them before the push, or remove one with --amend --replace"
        ));
    }
    merged
}

/// Warns of a platform that is not known: builders do not check what they write into a configuration.
fn warn_of_platform(entry: &ListEntry) {
    let Some(platform) = entry
        .platform()
        .filter(|_| !entry.descriptor.is_attestation())
    else {
        return;
    };
    if let Ok(Some(warning)) | Err(warning) = check_platform(platform) {
        output::note(&format!("{}: {warning}", entry.image));
    }
}
