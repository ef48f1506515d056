//! The names of images in `index.json`.

use super::*;

#[test]
fn a_tag_names_the_image_for_skopeo_and_containerd_and_replaces_its_own_only() {
    let (_dir, layout) = layout();
    let foreign = json!({
        "schemaVersion": 2,
        "x-tool": {"kept": true},
        "manifests": [
            {"mediaType": "application/x-thing", "digest": descriptor(b"t").digest, "size": 1,
             "annotations": {"org.opencontainers.image.ref.name": "v1"}, "y": [1]},
            {"mediaType": media_type::OCI_MANIFEST, "digest": descriptor(b"old").digest, "size": 3,
             "annotations": {"org.opencontainers.image.ref.name": NAME}},
            {"broken": true},
        ],
    });
    fs::write(layout.root().join("index.json"), foreign.to_string()).expect("written");

    let mut new = Descriptor::of(media_type::OCI_MANIFEST, b"new");
    new.annotations = BTreeMap::from([("team".into(), "blue".into())]);
    layout.tag(NAME, &new).expect("tagged");

    let after = index(&layout);
    assert_eq!(after["x-tool"], foreign["x-tool"]);
    assert_eq!(after["manifests"][0], foreign["manifests"][0]);
    assert_eq!(after["manifests"][2], foreign["manifests"][2]);
    assert_eq!(
        after["manifests"][1],
        json!({
            "mediaType": media_type::OCI_MANIFEST, "digest": new.digest, "size": 3,
            "annotations": {
                "team": "blue",
                "org.opencontainers.image.ref.name": NAME,
                "io.containerd.image.name": NAME,
            },
        })
    );
    assert_eq!(after["manifests"].as_array().map(Vec::len), Some(3));
    let found = layout.resolve(NAME).expect("readable").expect("named");
    assert_eq!(found.digest, new.digest);
    assert!(layout.resolve("other").expect("readable").is_none());
}

#[test]
fn containerd_gets_the_name_under_which_a_kubelet_looks_for_it() {
    let (_dir, layout) = layout();
    for (name, full) in [
        ("app:v1", "docker.io/library/app:v1"),
        ("team/app:v1", "docker.io/team/app:v1"),
        ("h.io/app:v1", "h.io/app:v1"),
        ("v1", "v1"),
    ] {
        let image = Descriptor::of(media_type::OCI_MANIFEST, name.as_bytes());
        layout.tag(name, &image).expect("tagged");
        let index = index(&layout);
        let entries = index["manifests"].as_array().expect("entries");
        let annotations = &entries.last().expect("an entry")["annotations"];
        assert_eq!(annotations["org.opencontainers.image.ref.name"], name);
        assert_eq!(annotations["io.containerd.image.name"], full);
        assert!(layout.resolve(name).expect("readable").is_some());
    }
}

#[test]
fn the_same_tag_again_writes_nothing() {
    let (_dir, layout) = layout();
    let image = Descriptor::of(media_type::OCI_MANIFEST, b"m");
    layout.tag(NAME, &image).expect("tagged");
    age(&layout.root().join("index.json"), 100);
    let before = modified(&layout);
    layout.tag(NAME, &image).expect("tagged");
    assert_eq!(modified(&layout), before);
}

#[test]
fn parallel_tags_are_all_kept() {
    let (_dir, layout) = layout();
    std::thread::scope(|scope| {
        for n in 0..16 {
            let layout = Layout::open_or_create(layout.root())
                .expect("opens")
                .durable(false);
            scope.spawn(move || {
                let image = Descriptor::of(media_type::OCI_MANIFEST, &[n]);
                layout.tag(&format!("h.io/a:v{n}"), &image).expect("tagged");
            });
        }
    });
    assert_eq!(
        index(&layout)["manifests"].as_array().map(Vec::len),
        Some(16)
    );
}

#[test]
fn a_broken_index_is_an_error_and_stays_as_it_is() {
    let (_dir, layout) = layout();
    let path = layout.root().join("index.json");
    for broken in ["{", "[]", r#"{"manifests":7}"#] {
        fs::write(&path, broken).expect("written");
        let error = layout
            .tag(NAME, &Descriptor::of(media_type::OCI_MANIFEST, b"m"))
            .expect_err(broken);
        assert!(matches!(error, LayoutError::BrokenIndex { .. }), "{error}");
        assert_eq!(fs::read_to_string(&path).expect("there"), broken);
    }
    assert!(parts(&layout).is_empty());
}

#[test]
fn a_missing_index_counts_as_empty() {
    let (_dir, layout) = layout();
    fs::remove_file(layout.root().join("index.json")).expect("removed");
    assert!(layout.resolve(NAME).expect("no error").is_none());
}

fn modified(layout: &Layout) -> SystemTime {
    let path = layout.root().join("index.json");
    fs::metadata(path)
        .and_then(|m| m.modified())
        .expect("there")
}

const NAME: &str = "docker.io/library/app:v1";

#[test]
fn an_index_that_is_named_by_another_process_meanwhile_is_kept() {
    let (_dir, layout) = layout();
    let whole = Descriptor::of(media_type::OCI_INDEX, b"whole");
    let one = Descriptor::of(media_type::OCI_MANIFEST, b"one");
    let is_whole = |named: &Descriptor| named.digest == whole.digest;
    let choose = |named: Option<Descriptor>| named.filter(is_whole).unwrap_or(one.clone());
    let other = || layout.tag(NAME, &whole);
    let written = layout.index().set(NAME, choose, false, other);
    assert!(!written.expect("chosen again under the lock"));
    let named = layout.resolve(NAME).expect("readable").expect("named");
    assert!(is_whole(&named), "{named:?}");
}
