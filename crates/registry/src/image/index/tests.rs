use super::*;
use crate::image::Digest;

fn entry(platform: Option<&str>, name: &str) -> Descriptor {
    let mut entry = Descriptor::of(media_type::OCI_MANIFEST, name.as_bytes());
    entry.platform = platform.map(|p| p.parse().expect("platform"));
    entry
}

#[test]
fn an_index_offers_the_best_entry_first() {
    let mut attestation = entry(Some("unknown/unknown"), "attestation");
    attestation.annotations.insert(
        "vnd.docker.reference.type".into(),
        "attestation-manifest".into(),
    );
    let mut strange = entry(Some("linux/arm64"), "strange");
    strange.media_type = "application/x-other".into();
    let index = Index {
        manifests: vec![
            attestation,
            strange,
            entry(Some("linux/arm/v6"), "v6"),
            entry(Some("linux/arm/v7"), "v7"),
            entry(Some("linux/arm64"), "arm64"),
            entry(Some("linux/arm64/v8"), "again"),
            entry(None, "unnamed"),
        ],
        other: Map::default(),
    };
    let host: Platform = "linux/arm64/v8".parse().expect("platform");
    let order: Vec<_> = index
        .for_platform(&host)
        .iter()
        .map(|(_, entry)| entry.digest.clone())
        .collect();
    let expected = ["arm64", "again", "v7", "v6"].map(|name| Digest::of(name.as_bytes()));
    assert_eq!(order, expected);
    assert_eq!(index.without_platform().count(), 1);
    assert_eq!(
        Vec::from_iter(index.offered()),
        ["linux/arm/v6", "linux/arm/v7", "linux/arm64"]
    );
}
