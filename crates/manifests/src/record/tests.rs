use super::*;

const MANIFEST: &str = concat!(
    "{\n   \"schemaVersion\": 2,\n   \"mediaType\": ",
    "\"application/vnd.docker.distribution.manifest.v2+json\",\n   \"config\": {\n      \"mediaType\": ",
    "\"application/vnd.docker.container.image.v1+json\",\n      \"size\": 2,\n      \"digest\": ",
    "\"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\"\n   },\n   ",
    "\"layers\": [],\n   \"note\": \"<a & b>\"\n}"
);

fn entry() -> ListEntry {
    let image = ImageRef::parse("example.com/alpine:3.0").expect("a name");
    let digest = Digest::of(MANIFEST.as_bytes());
    let manifest = RawManifest::read("", digest, MANIFEST.into()).expect("a manifest");
    let platform = Platform::new("linux", "arm64", "v8.2");
    ListEntry::new(image, manifest, Some(platform))
}

/// The order of members, the escapes and the white space are docker's.
#[test]
fn a_record_is_what_docker_writes() {
    let (digest, raw) = (Digest::of(MANIFEST.as_bytes()), STANDARD.encode(MANIFEST));
    let compact = concat!(
        r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","#,
        r#""config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":2,"#,
        r#""digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"},"#,
        r#""layers":[],"note":"\u003ca \u0026 b\u003e"}"#
    );
    let size = MANIFEST.len();
    let expected = format!(
        r#"{{"Ref":"example.com/alpine:3.0","Descriptor":{{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"{digest}","size":{size},"platform":{{"architecture":"arm64","os":"linux","variant":"v8.2"}}}},"Raw":"{raw}","SchemaV2Manifest":{compact}}}"#
    );
    assert_eq!(entry().to_record(), expected);
}

#[test]
fn a_record_that_is_read_is_written_the_same() {
    let mut entry = entry();
    entry
        .descriptor
        .annotations
        .insert("a".to_owned(), "b".to_owned());
    entry.layout = Some("/images".into());
    entry.of_list = Some(Digest::of(b"list"));
    let platform = entry.descriptor.platform.get_or_insert_default();
    platform.os_version = "10.0.20348.1".to_owned();
    platform.os_features = vec!["win32k".to_owned()];
    let text = entry.to_record();
    assert_eq!(ListEntry::from_record(text.as_bytes()), Ok(entry));
}

/// Before records had the manifest's bytes, docker kept its JSON alone.
#[test]
fn a_record_of_an_old_docker_is_read() {
    let digest = Digest::of(MANIFEST.as_bytes());
    let compact = json::compact(MANIFEST).replace("\\u003c", "<");
    let compact = compact.replace("\\u003e", ">").replace("\\u0026", "&");
    let old = |digest: &Digest| {
        format!(
            r#"{{"Ref":"example.com/alpine:3.0","Digest":"{digest}","SchemaV2Manifest":{compact},"Platform":{{"architecture":"arm64","os":"linux","variant":"v8.2"}}}}"#
        )
    };
    let read = ListEntry::from_record(old(&digest).as_bytes());
    assert_eq!(read, Ok(entry()));
    let other = old(&Digest::of(b"other"));
    let error = ListEntry::from_record(other.as_bytes()).expect_err("another digest");
    assert!(error.starts_with("internal digest mismatch for example.com/alpine:3.0"));
}

#[test]
fn what_is_not_a_record_is_refused() {
    let sound = entry().to_record();
    for (text, why) in [
        (String::new(), "not a record of an image"),
        ("{}".to_owned(), "not a record of an image"),
        (
            sound[..sound.len() / 2].to_owned(),
            "not a record of an image",
        ),
        (sound.replace("alpine", "Alpine"), "must be lowercase"),
        (sound.replace("SchemaV2Manifest", "Other"), "has no payload"),
        (sound.replace("\"Raw\":\"", "\"Raw\":\"!"), "not base64"),
        (
            sound.replace("\"Raw\":\"ew", "\"Raw\":\"fw"),
            "internal digest mismatch",
        ),
        (
            sound.replace("\"Descriptor\"", "\"Described\""),
            "has no descriptor",
        ),
    ] {
        let error = ListEntry::from_record(text.as_bytes()).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}
