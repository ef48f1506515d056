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
        manifests: [
            attestation,
            strange,
            entry(Some("linux/arm/v6"), "v6"),
            entry(Some("linux/arm/v7"), "v7"),
            entry(Some("linux/arm64"), "arm64"),
            entry(Some("linux/arm64/v8"), "again"),
            entry(None, "unnamed"),
        ]
        .map(IndexEntry::Usable)
        .into(),
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

#[test]
fn an_entry_that_cannot_be_used_does_not_spoil_the_others() {
    let sound = serde_json::to_string(&entry(Some("linux/amd64"), "sound")).expect("json");
    for (bad, reason) in [
        (
            format!(
                r#"{{"mediaType":"{}","digest":"sha384:{}","size":2,"platform":{{"os":"linux","architecture":"amd64"}}}}"#,
                media_type::OCI_MANIFEST,
                "0".repeat(96)
            ),
            "algorithm",
        ),
        (r#"{"digest":"blake3:00","size":2}"#.to_owned(), "algorithm"),
        (sound.replace("\"size\":", "\"size\":-"), "not a descriptor"),
        (
            sound.replace("\"os\":\"linux\"", "\"os\":1"),
            "not a descriptor",
        ),
        ("{}".to_owned(), "not a descriptor"),
        ("null".to_owned(), "not a descriptor"),
        ("7".to_owned(), "not a descriptor"),
    ] {
        let text = format!(r#"{{"schemaVersion":2,"manifests":[{bad},{sound}]}}"#);
        let index: Index = serde_json::from_str(&text).expect("an index");
        let found = index.for_platform(&"linux/amd64".parse().expect("platform"));
        assert_eq!(found.len(), 1, "{bad}");
        assert_eq!(found[0].1.digest, Digest::of(b"sound"));
        let faults: Vec<_> = index.faults().collect();
        assert!(
            faults.len() == 1 && faults[0].contains(reason),
            "{faults:?}"
        );
        let written = serde_json::to_value(&index).expect("json");
        let read: Value = serde_json::from_str(&text).expect("json");
        assert_eq!(written, read, "the entry is kept");
    }
}

#[test]
fn a_platform_without_names_counts_as_none() {
    let sound = serde_json::to_string(&entry(None, "unnamed")).expect("json");
    for platform in [
        "{}",
        "null",
        r#"{"os":"","architecture":""}"#,
        r#"{"os":null,"architecture":null}"#,
        r#"{"os":"linux"}"#,
        r#"{"os.version":"10.0.1"}"#,
    ] {
        let entry = sound.replacen('{', &format!(r#"{{"platform":{platform},"#), 1);
        let text = format!(r#"{{"manifests":[{entry}]}}"#);
        let index: Index = serde_json::from_str(&text).expect("an index");
        assert_eq!(index.without_platform().count(), 1, "{platform}");
        assert!(index.offered().is_empty(), "{platform}");
    }
}
