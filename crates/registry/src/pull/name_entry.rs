//! The entry of a pulled image in the store's `index.json`.
//!
//! It names what is complete: other programs copy all that an index lists. Where one image of an
//! index was pulled, that is the image's manifest. The index is in the store as well, with its exact
//! bytes, and an annotation has its digest: the content that the registry has under the name.

use crate::content::Plan;
use crate::image::{Descriptor, Digest};

/// The entry for what was pulled. `named` is the present entry of the name: an index that is complete is
/// kept.
pub(super) fn of(plan: &Plan, named: Option<Descriptor>) -> Descriptor {
    if plan.manifest.digest == plan.top.digest {
        return plan.top.clone();
    }
    if let Some(index) = named.filter(|named| named.digest == plan.top.digest) {
        return index;
    }
    let mut entry = plan.manifest.clone();
    let index = plan.top.digest.to_string();
    entry.annotations.insert(INDEX.to_owned(), index);
    entry
}

/// The digest and media type of what the registry had under the name. The media type is empty where only
/// the content shows it. `None` if the annotation is not a digest.
pub(super) fn top(entry: Descriptor) -> Option<(Digest, String)> {
    match entry.annotations.get(INDEX) {
        None => Some((entry.digest, entry.media_type)),
        Some(index) => Some((index.parse().ok()?, String::new())),
    }
}

/// The digest of the index that the image was selected from.
const INDEX: &str = "dev.regcred.index";
