//! The names with an architecture in them that stand for one image of a list: `NAME-ARCH:TAG`.

use std::collections::BTreeMap;

use regcred_core::ImageRef;
use regcred_manifests::ListEntry;

/// The name of each Linux image of the list. Where several are for one architecture, the variant follows
/// it.
///
/// # Errors
/// A sentence, when two images would have the same name.
pub(super) fn suffixed<'a>(
    list: &ImageRef,
    entries: &'a [ListEntry],
) -> Result<Vec<(ImageRef, &'a ListEntry)>, String> {
    let linux = entries.iter().filter_map(|entry| {
        let platform = entry.platform().filter(|platform| platform.os == "linux")?;
        Some((entry, platform))
    });
    let linux: Vec<_> = linux.collect();
    let count = |name: &str| linux.iter().filter(|(_, p)| p.architecture == name).count();
    let mut named: BTreeMap<String, &ListEntry> = BTreeMap::new();
    for (entry, platform) in &linux {
        let architecture = &platform.architecture;
        let variant = if count(architecture) > 1 {
            &*platform.variant
        } else {
            ""
        };
        let tag = list.tag().unwrap_or("latest");
        let name = format!("{}-{architecture}{variant}:{tag}", list.name());
        if let Some(other) = named.insert(name.clone(), entry) {
            return Err(format!(
                "{} and {} would both be {name}",
                other.image, entry.image
            ));
        }
    }
    let parse = |(name, entry): (String, _)| {
        let image = ImageRef::parse(&name).map_err(|error| error.to_string())?;
        Ok((image, entry))
    };
    named.into_iter().map(parse).collect()
}
