use regcred_core::ImageRef;

use super::*;

fn entry(name: &str, media_type: &str, platform: Platform) -> ListEntry {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{media_type}","config":{{"mediaType":"a/b","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}},"layers":[],"name":"{name}"}}"#
    );
    let manifest = RawManifest::read("", Digest::of(text.as_bytes()), text.into());
    let image = ImageRef::parse(name).expect("a name");
    ListEntry::new(image, manifest.expect("a manifest"), Some(platform))
}

fn document(entries: &[ListEntry], annotations: &BTreeMap<String, String>) -> RawManifest {
    let descriptors = entries.iter().map(|entry| &entry.descriptor);
    list_document(descriptors, annotations).expect("a list")
}

#[test]
fn the_document_has_dockers_white_space_and_order() {
    let mut windows = Platform::new("windows", "amd64", "");
    windows.os_version = "10.0.20348.1".to_owned();
    windows.os_features = vec!["win32k".to_owned()];
    let entries = [
        entry("h.io/a:v1", media_type::DOCKER_MANIFEST, windows),
        entry(
            "h.io/b:v1",
            media_type::DOCKER_MANIFEST,
            Platform::new("linux", "arm", "v6"),
        ),
    ];
    let digests = entries
        .each_ref()
        .map(|entry| entry.descriptor.digest.clone());
    let [first, second] = digests;
    let size = entries[0].descriptor.size;
    let expected = format!(
        r#"{{
   "schemaVersion": 2,
   "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
   "manifests": [
      {{
         "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
         "size": {size},
         "digest": "{first}",
         "platform": {{
            "architecture": "amd64",
            "os": "windows",
            "os.version": "10.0.20348.1",
            "os.features": [
               "win32k"
            ]
         }}
      }},
      {{
         "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
         "size": {size},
         "digest": "{second}",
         "platform": {{
            "architecture": "arm",
            "os": "linux",
            "variant": "v6"
         }}
      }}
   ]
}}"#
    );
    let list = document(&entries, &BTreeMap::new());
    assert_eq!(list.bytes, expected.as_bytes());
    assert_eq!(list.digest, Digest::of(expected.as_bytes()));
}

#[test]
fn an_oci_manifest_or_an_annotation_makes_an_index() {
    let none = BTreeMap::new();
    let linux = |name: &str| Platform::new("linux", name, "");
    let docker = entry("h.io/a", media_type::DOCKER_MANIFEST, linux("amd64"));
    let oci = entry("h.io/b", media_type::OCI_MANIFEST, linux("arm64"));
    let mut annotated = docker.clone();
    let note = ("a".to_owned(), "b".to_owned());
    annotated.descriptor.annotations.extend([note.clone()]);
    for (entries, annotations, is_index) in [
        (vec![docker.clone()], none.clone(), false),
        (vec![docker.clone(), oci.clone()], none.clone(), true),
        (vec![oci, docker.clone()], none.clone(), true),
        (vec![annotated], none.clone(), true),
        (vec![docker], BTreeMap::from([note]), true),
        (Vec::new(), none, false),
    ] {
        let list = document(&entries, &annotations);
        assert_eq!(list.media_type == media_type::OCI_INDEX, is_index);
        let text = String::from_utf8_lossy(&list.bytes).into_owned();
        assert!(text.contains(&list.media_type), "{text}");
        assert_eq!(text.contains("\"a\": \"b\""), text.contains("annotations"));
    }
}

#[test]
fn two_images_for_one_platform_clash_under_any_name_of_it() {
    let oci = |name: &str, architecture: &str, variant: &str| {
        let platform = Platform {
            os: "linux".to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            ..Platform::default()
        };
        entry(name, media_type::OCI_MANIFEST, platform)
    };
    let first = oci("h.io/a:v1", "arm64", "v8");
    let second = oci("h.io/b:v1", "arm64", "");
    let found = clash(&[first.clone(), second.clone()]).expect("both are arm64");
    assert_eq!(
        found.to_string(),
        "h.io/a:v1 and h.io/b:v1 are both for linux/arm64"
    );
    let attestation = |mut entry: ListEntry| {
        let note = ("vnd.docker.reference.type", "attestation-manifest");
        let note = (note.0.to_owned(), note.1.to_owned());
        entry.descriptor.annotations.extend([note]);
        entry
    };
    for entries in [
        vec![first.clone(), first.clone()],
        vec![
            first,
            oci("h.io/c:v1", "arm", "v7"),
            oci("h.io/d:v1", "arm", "v6"),
        ],
        vec![
            attestation(second.clone()),
            attestation(second.clone()),
            second,
        ],
    ] {
        assert_eq!(clash(&entries), None);
    }
}
