//! The names with an architecture, each for one image of a list: `NAME-ARCH:TAG`.

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

#[cfg(test)]
mod tests {
    use regcred_registry::{Digest, Platform, RawManifest};

    use super::*;

    fn entry(image: &str, platform: Platform) -> ListEntry {
        let text = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"a/b","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}},"layers":[],"of":"{image}"}}"#
        );
        let manifest = RawManifest::read("", Digest::of(text.as_bytes()), text.into());
        let image = ImageRef::parse(image).expect("a name");
        ListEntry::new(image, manifest.expect("a manifest"), Some(platform))
    }

    fn names(entries: &[ListEntry]) -> Result<Vec<String>, String> {
        let list = ImageRef::parse("h.io/pause:3.10").expect("a name");
        let named = suffixed(&list, entries)?;
        Ok(named.iter().map(|(image, _)| image.to_string()).collect())
    }

    #[test]
    fn an_architecture_is_in_the_name_and_a_variant_only_among_several() {
        let mut entries = vec![
            entry("h.io/a:v1", Platform::new("linux", "s390x", "")),
            entry("h.io/b:v1", Platform::new("linux", "arm", "v7")),
            entry("h.io/c:v1", Platform::new("windows", "amd64", "")),
        ];
        let expected = ["h.io/pause-arm:3.10", "h.io/pause-s390x:3.10"];
        assert_eq!(names(&entries).expect("names"), expected);
        entries.push(entry("h.io/d:v1", Platform::new("linux", "arm", "v6")));
        let expected = ["h.io/pause-armv6:3.10", "h.io/pause-armv7:3.10"];
        assert_eq!(names(&entries).expect("names")[..2], expected);
        let mut features = Platform::new("linux", "s390x", "");
        features.os_features = vec!["f".to_owned()];
        entries.push(entry("h.io/e:v1", features));
        let error = names(&entries).expect_err("the same name");
        let expected = "h.io/a:v1 and h.io/e:v1 would both be h.io/pause-s390x:3.10";
        assert_eq!(error, expected);
    }
}
