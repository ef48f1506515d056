//! Blobs of a store that belong to no image.

use std::collections::BTreeSet;

use super::stored_image::StoredImage;
use crate::store::{Layout, LayoutError, Removed};

/// Removes every blob that belongs to no entry of `index.json`, while no pull uses the store.
///
/// # Errors
/// When a pull is under way; when an entry is not known well enough to tell what belongs to it; when
/// the store cannot be read or a file not be removed.
pub fn collect_garbage(layout: &Layout) -> Result<Removed, LayoutError> {
    let _alone = layout.use_alone()?;
    let mut kept = BTreeSet::new();
    for image in StoredImage::all(layout)? {
        if image.is_unknown {
            return Err(layout.broken_index(UNKNOWN));
        }
        kept.extend(image.digests().cloned());
    }
    layout.remove_blobs(|digest| !kept.contains(digest))
}

const UNKNOWN: &str =
    "an entry is neither a manifest nor an index, and the blobs of it are not known";
