use super::*;
use crate::Digest;

fn media_type_of(content_type: &str, body: &str) -> Result<String, DocumentError> {
    Document::media_type_of(content_type, body.as_bytes())
}

fn entry(platform: Option<&str>, name: &str) -> Descriptor {
    let mut entry = Descriptor::of(media_type::OCI_MANIFEST, name.as_bytes());
    entry.platform = platform.map(|p| p.parse().expect("platform"));
    entry
}

#[test]
fn the_header_decides_then_the_body_then_its_fields() {
    let oci = media_type::OCI_INDEX;
    for (content_type, body, expected) in [
        (oci, r#"{"manifests":[]}"#, oci),
        (
            "application/vnd.OCI.image.index.v1+json; charset=utf-8",
            r#"{"manifests":[]}"#,
            oci,
        ),
        (
            "application/json",
            r#"{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{},"layers":[]}"#,
            media_type::DOCKER_MANIFEST,
        ),
        ("", r#"{"schemaVersion":2,"manifests":[]}"#, oci),
        ("text/plain", r#"{"config":{}}"#, media_type::OCI_MANIFEST),
        (
            media_type::OCI_MANIFEST,
            r#"{"config":{},"manifests":null}"#,
            media_type::OCI_MANIFEST,
        ),
    ] {
        assert_eq!(
            media_type_of(content_type, body).as_deref(),
            Ok(expected),
            "{body}"
        );
    }
}

#[test]
fn confusion_is_refused() {
    for (content_type, body, expected) in [
        (
            media_type::OCI_MANIFEST,
            r#"{"config":{},"layers":[],"manifests":[]}"#,
            DocumentError::Confused,
        ),
        (
            media_type::OCI_MANIFEST,
            r#"{"mediaType":"application/vnd.oci.image.index.v1+json","config":{}}"#,
            DocumentError::Contradiction,
        ),
        (
            media_type::OCI_INDEX,
            r#"{"layers":[]}"#,
            DocumentError::Contradiction,
        ),
        ("", r#"{"schemaVersion":1}"#, DocumentError::Schema1),
        ("", r#"{"fsLayers":[]}"#, DocumentError::Schema1),
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "not even json",
            DocumentError::Schema1,
        ),
        (
            "text/html",
            "{}",
            DocumentError::Unknown("text/html".into()),
        ),
        (
            "text/html",
            "<html>",
            DocumentError::Json { line: 1, column: 1 },
        ),
    ] {
        assert_eq!(media_type_of(content_type, body), Err(expected), "{body}");
    }
}

#[test]
fn documents_are_parsed_and_keep_null_lists() {
    let config = serde_json::to_string(&Descriptor::of("c", b"{}")).expect("json");
    let text = format!(r#"{{"config":{config},"layers":null,"x":[1]}}"#);
    let read = Document::parse(media_type::DOCKER_MANIFEST, text.as_bytes());
    let Ok(Document::Manifest(manifest)) = read else {
        panic!("{read:?}");
    };
    assert_eq!(manifest.blobs().count(), 1);
    let read = Document::parse(media_type::OCI_INDEX, br#"{"manifests":null}"#);
    assert!(matches!(read, Ok(Document::Index(index)) if index.manifests.is_empty()));
    assert!(Document::parse(media_type::OCI_MANIFEST, b"{}").is_err());
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
        subject: None,
    };
    let host: Platform = "linux/arm64/v8".parse().expect("platform");
    let order: Vec<_> = index
        .for_platform(&host)
        .iter()
        .map(|e| e.digest.clone())
        .collect();
    let expected = ["arm64", "again", "v7", "v6"].map(|name| Digest::of(name.as_bytes()));
    assert_eq!(order, expected);
    assert_eq!(index.without_platform().count(), 1);
    assert_eq!(
        index.offered(),
        ["linux/arm/v6", "linux/arm/v7", "linux/arm64"]
    );
}
