use super::*;
use crate::image::Descriptor;

fn media_type_of(content_type: &str, body: &str) -> Result<String, ManifestError> {
    ManifestOrIndex::media_type_of(content_type, body.as_bytes())
}

#[test]
fn the_body_decides_then_the_header_then_its_fields() {
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
        (
            media_type::DOCKER_MANIFEST,
            r#"{"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{}}"#,
            media_type::OCI_MANIFEST,
        ),
        (
            media_type::DOCKER_LIST,
            r#"{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#,
            oci,
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
            ManifestError::Confused,
        ),
        (
            media_type::OCI_MANIFEST,
            r#"{"mediaType":"application/vnd.oci.image.index.v1+json","config":{}}"#,
            ManifestError::Contradiction,
        ),
        (
            media_type::OCI_INDEX,
            r#"{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{}}"#,
            ManifestError::Contradiction,
        ),
        (
            media_type::OCI_MANIFEST,
            r#"{"mediaType":"application/json","config":{}}"#,
            ManifestError::Contradiction,
        ),
        (
            media_type::OCI_INDEX,
            r#"{"layers":[]}"#,
            ManifestError::Contradiction,
        ),
        ("", r#"{"schemaVersion":1}"#, ManifestError::Schema1),
        ("", r#"{"fsLayers":[]}"#, ManifestError::Schema1),
        (
            "application/vnd.docker.distribution.manifest.v1+prettyjws",
            "not even json",
            ManifestError::Schema1,
        ),
        (
            "text/html",
            "{}",
            ManifestError::Unknown("text/html".into()),
        ),
        (
            "text/html",
            "<html>",
            ManifestError::Json { line: 1, column: 1 },
        ),
    ] {
        assert_eq!(media_type_of(content_type, body), Err(expected), "{body}");
    }
}

#[test]
fn documents_are_parsed_and_keep_null_lists() {
    let config = serde_json::to_string(&Descriptor::of("c", b"{}")).expect("json");
    let text = format!(r#"{{"config":{config},"layers":null,"x":[1]}}"#);
    let read = ManifestOrIndex::parse(media_type::DOCKER_MANIFEST, text.as_bytes());
    let Ok(ManifestOrIndex::Manifest(manifest)) = read else {
        panic!("{read:?}");
    };
    assert_eq!(manifest.blobs().count(), 1);
    let read = ManifestOrIndex::parse(media_type::OCI_INDEX, br#"{"manifests":null}"#);
    assert!(matches!(read, Ok(ManifestOrIndex::Index(index)) if index.manifests.is_empty()));
    assert!(ManifestOrIndex::parse(media_type::OCI_MANIFEST, b"{}").is_err());
}

#[test]
fn a_layer_with_an_unknown_digest_algorithm_is_named_with_the_reason() {
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"mediaType":"c","size":2,"digest":"{}"}},
        "layers":[{{"mediaType":"l","size":2,"digest":"md5:99914b932bd37a50b983c5e7c90ae93b"}}]}}"#,
        Digest::of(b"{}")
    );
    let error = ManifestOrIndex::parse(media_type::OCI_MANIFEST, manifest.as_bytes());
    assert_eq!(
        error.expect_err("md5").to_string(),
        "the content of a layer or of the configuration cannot be verified: \
         \"md5:99914b932bd37a50b983c5e7c90ae93b\" is not a usable digest: its algorithm is neither \
         sha256 nor sha512"
    );
}
