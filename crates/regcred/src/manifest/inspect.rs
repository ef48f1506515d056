//! `regcred manifest inspect`: a list of this machine, or what a registry has.

use regcred_core::{Env, ImageRef};
use regcred_go::json;
use regcred_manifests::{ListEntry, list_document};
use regcred_registry::{
    Index, IndexEntry, ManifestError, ManifestOrIndex, RawManifest, media_type,
};
use regcred_run::{ProgramError, block_on_until_signal, output};

use super::arguments::InspectArgs;
use super::image_entries::images_of;
use super::local;
use super::session::Session;

pub(super) fn run(args: &InspectArgs, env: &Env) -> Result<(), ProgramError> {
    let names = args.names.iter().map(|name| local::plain_name(name));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let store = local::store(env)?;
    let [list, image] = &names[..] else {
        let name = &names[0];
        return match store.read(name).map_err(ProgramError::not_configured)? {
            Some(entries) => show_list(&entries, args),
            None => remote(name, args, env),
        };
    };
    let entries = store.read(list).map_err(ProgramError::not_configured)?;
    let entry = entries
        .into_iter()
        .flatten()
        .find(|one| one.image == *image);
    let entry = entry.ok_or_else(|| local::no_such(image))?;
    if args.verbose {
        return show_record(&entry);
    }
    if args.raw {
        return show_manifest(&entry.manifest, args);
    }
    // docker shows the manifest of the record, with its escapes.
    let text = json::compact(&String::from_utf8_lossy(&entry.manifest.bytes));
    document(&json::indent(&text, "\t"))
}

fn remote(image: &ImageRef, args: &InspectArgs, env: &Env) -> Result<(), ProgramError> {
    let session = Session::new(&args.access, env)?;
    block_on_until_signal(async {
        let (source, top) = session.open(image).await?;
        let index = match top.parse().map_err(unreadable)? {
            ManifestOrIndex::Index(index) => Some(index),
            ManifestOrIndex::Manifest(_) => None,
        };
        if args.raw {
            return show_manifest(&top, args);
        }
        if args.verbose {
            let tagged = |image: ImageRef, digest: String| with_digest(&image, &digest);
            let entries = images_of(&source, image, &top, tagged).await?;
            return match (&entries[..], index) {
                ([entry], None) => show_record(entry),
                _ => show_records(&entries),
            };
        }
        match index {
            Some(index) => show_text(&as_docker_writes(&index)?),
            None => show_manifest(&top, args),
        }
    })
}

/// A list of the registry with docker's white space.
fn as_docker_writes(index: &Index) -> Result<RawManifest, ProgramError> {
    let annotations = index.other.get("annotations").cloned().unwrap_or_default();
    let annotations = serde_json::from_value(annotations).unwrap_or_default();
    let entries = index.manifests.iter().filter_map(IndexEntry::usable);
    let entries = entries.filter(|entry| {
        media_type::is_manifest(&entry.media_type) || media_type::is_index(&entry.media_type)
    });
    list_document(entries, &annotations).map_err(unreadable)
}

/// As docker names the children of a list: with the list's tag.
fn with_digest(image: &ImageRef, digest: &str) -> ImageRef {
    let named = image.clone().with_digest(digest);
    match image.tag() {
        Some(tag) => ImageRef::parse(&format!("{}:{tag}@{digest}", image.name())).unwrap_or(named),
        None => named,
    }
}

fn show_list(entries: &[ListEntry], args: &InspectArgs) -> Result<(), ProgramError> {
    if args.verbose {
        return show_records(entries);
    }
    let descriptors = entries.iter().map(|entry| &entry.descriptor);
    let document = list_document(descriptors, &Default::default()).map_err(unreadable)?;
    if args.raw {
        return show_manifest(&document, args);
    }
    show_text(&document)
}

/// The bytes as they are, or with a tab for each level.
fn show_manifest(manifest: &RawManifest, args: &InspectArgs) -> Result<(), ProgramError> {
    let text = String::from_utf8_lossy(&manifest.bytes);
    if args.raw {
        return output::write(&text);
    }
    document(&json::indent(&text, "\t"))
}

fn show_text(manifest: &RawManifest) -> Result<(), ProgramError> {
    document(&String::from_utf8_lossy(&manifest.bytes))
}

fn show_record(entry: &ListEntry) -> Result<(), ProgramError> {
    document(&json::indent(&entry.to_record(), "\t"))
}

fn show_records(entries: &[ListEntry]) -> Result<(), ProgramError> {
    let records: Vec<_> = entries.iter().map(ListEntry::to_record).collect();
    document(&json::indent(&format!("[{}]", records.join(",")), "\t"))
}

fn document(text: &str) -> Result<(), ProgramError> {
    output::write(&format!("{text}\n"))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: ManifestError) -> ProgramError {
    ProgramError::usage(error.to_string())
}
