mod held;
mod names;
mod resume;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::*;
use crate::media_type;

fn layout() -> (tempfile::TempDir, Layout) {
    let dir = tempfile::tempdir().expect("directory");
    let layout = Layout::open_or_create(dir.path().join("store")).expect("new layout");
    (dir, layout)
}

fn descriptor(content: &[u8]) -> Descriptor {
    Descriptor::of(media_type::OCI_CONFIG, content)
}

fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("directory")
        .map(|e| e.expect("entry").file_name().into_string().expect("name"))
        .collect();
    names.sort();
    names
}

fn ingest_of(layout: &Layout) -> PathBuf {
    layout.root().join("ingest")
}

fn parts(layout: &Layout) -> Vec<String> {
    let mut names = files(&ingest_of(layout));
    names.retain(|name| name != "index.lock");
    names
}

fn index(layout: &Layout) -> Value {
    serde_json::from_slice(&fs::read(layout.root().join("index.json")).expect("index"))
        .expect("JSON")
}

#[test]
fn a_new_layout_has_what_the_spec_demands_and_opens_again() {
    let (_dir, layout) = layout();
    let marker = fs::read_to_string(layout.root().join("oci-layout")).expect("marker");
    assert_eq!(marker, r#"{"imageLayoutVersion":"1.0.0"}"#);
    assert_eq!(index(&layout)["schemaVersion"], 2);
    assert_eq!(index(&layout)["manifests"], json!([]));
    assert!(layout.root().join("blobs/sha256").is_dir());
    assert!(Layout::open(layout.root()).expect("readable").is_some());
    assert!(parts(&layout).is_empty());
}

#[test]
fn foreign_directories_and_other_versions_are_refused() {
    let dir = tempfile::tempdir().expect("directory");
    fs::write(dir.path().join("holiday.jpg"), b"x").expect("file");
    let error = Layout::open_or_create(dir.path()).expect_err("holds something else");
    assert!(error.to_string().contains("holiday.jpg"), "{error}");
    assert_eq!(files(dir.path()), ["holiday.jpg"]);

    let other = tempfile::tempdir().expect("directory");
    fs::write(
        other.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"2.0.0"}"#,
    )
    .expect("file");
    let error = Layout::open_or_create(other.path()).expect_err("other version");
    assert!(error.to_string().contains("2.0.0"), "{error}");
}

#[test]
fn opening_to_read_creates_nothing() {
    let dir = tempfile::tempdir().expect("directory");
    assert!(
        Layout::open(dir.path().join("none"))
            .expect("no error")
            .is_none()
    );
    assert!(files(dir.path()).is_empty());
}

#[test]
fn a_verified_blob_is_published_whole() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"hello layer");
    let mut writer = layout.blob_writer(&blob).expect("writer");
    writer.write(b"hello ").expect("first half");
    assert!(!layout.has_blob(&blob), "not before it is proven");
    writer.write(b"layer").expect("second half");
    writer.finish().expect("sound");
    assert!(layout.has_blob(&blob));
    let read = layout
        .read_blob(&blob.digest, 100)
        .expect("readable")
        .expect("there");
    assert_eq!(&read[..], b"hello layer");
    assert!(parts(&layout).is_empty());
}

#[test]
fn sha512_blobs_have_their_own_directory() {
    let (_dir, layout) = layout();
    let mut blob = descriptor(b"x");
    let hex = "a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238b\
               c13626e43dcb38ddb082488927ec904fb42057443983e88585179d50551afe62";
    blob.digest = format!("sha512:{hex}").parse().expect("digest");
    layout.put_bytes(&blob, b"x").expect("sound");
    assert!(layout.root().join("blobs/sha512").join(hex).is_file());
    let mut writer = layout
        .blob_writer(&descriptor_named(&blob, 1))
        .expect("writer");
    writer.write(b"y").expect("written");
    assert!(matches!(writer.finish(), Err(LayoutError::Mismatch { .. })));
}

#[test]
fn an_empty_blob_is_legal() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"");
    layout.put_bytes(&blob, b"").expect("sound");
    assert!(layout.has_blob(&blob));
}

#[test]
fn wrong_content_wrong_size_and_a_dropped_writer_leave_nothing() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"hello");

    let mut wrong = layout.blob_writer(&blob).expect("writer");
    wrong.write(b"jello").expect("same size");
    let error = wrong.finish().expect_err("other hash");
    assert!(matches!(error, LayoutError::Mismatch { .. }), "{error}");

    let mut short = layout.blob_writer(&blob).expect("writer");
    short.write(b"hell").expect("fits");
    let error = short.finish().expect_err("too short");
    assert!(
        matches!(
            error,
            LayoutError::Size {
                expected: 5,
                actual: 4,
                ..
            }
        ),
        "{error}"
    );

    let mut long = layout.blob_writer(&blob).expect("writer");
    let error = long.write(b"hello!").expect_err("too long");
    assert!(
        matches!(error, LayoutError::Size { expected: 5, .. }),
        "{error}"
    );
    drop(long);

    let mut dropped = layout.blob_writer(&blob).expect("writer");
    dropped.write(b"hel").expect("fits");
    drop(dropped);

    assert!(!layout.has_blob(&blob));
    assert!(parts(&layout).is_empty());
    assert!(files(&layout.root().join("blobs/sha256")).is_empty());
}

#[test]
fn a_truncated_file_under_a_blobs_name_does_not_count_and_is_replaced() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"hello");
    fs::write(layout.blob_path(&blob.digest), b"he").expect("what a crashed copier leaves");
    assert!(!layout.has_blob(&blob));
    assert!(
        layout
            .read_blob(&blob.digest, 100)
            .expect("no error")
            .is_none()
    );
    layout.put_bytes(&blob, b"hello").expect("replaced");
    assert!(layout.has_blob(&blob));
}

#[test]
fn a_manifest_that_was_changed_in_place_is_not_believed() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"hello");
    fs::write(layout.blob_path(&blob.digest), b"jello").expect("same size");
    assert!(
        layout
            .read_blob(&blob.digest, 100)
            .expect("no error")
            .is_none()
    );
    assert!(
        layout
            .read_blob(&blob.digest, 4)
            .expect("no error")
            .is_none(),
        "beyond the limit"
    );
}

#[test]
fn many_writers_of_one_blob_all_succeed_and_exactly_one_of_two_yields() {
    let (_dir, layout) = layout();
    let content = vec![7_u8; 300_000];
    let blob = descriptor(&content);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut writer = layout.blob_writer(&blob).expect("writer");
                for chunk in content.chunks(1000) {
                    writer.write(chunk).expect("written");
                }
                writer.finish().expect("sound");
            });
        }
    });
    assert!(layout.has_blob(&blob));
    assert!(parts(&layout).is_empty());

    let first = layout.blob_writer(&blob).expect("writer");
    assert!(layout.is_being_written(&blob.digest) && !first.should_yield());
    let second = layout.blob_writer(&blob).expect("writer");
    assert_ne!(first.should_yield(), second.should_yield());
    drop((first, second));
    assert!(!layout.is_being_written(&blob.digest));
}

#[test]
fn a_writer_that_stalls_is_not_waited_for() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"hello");
    let writer = layout.blob_writer(&blob).expect("writer");
    age(&ingest_of(&layout).join(&parts(&layout)[0]), 61);
    assert!(!layout.is_being_written(&blob.digest));
    drop(writer);
}

#[test]
fn the_sweep_removes_files_of_dead_writers_and_keeps_locked_and_young_ones() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"hello");
    let living = layout.blob_writer(&blob).expect("writer");
    age(&ingest_of(&layout).join(&parts(&layout)[0]), 7200);
    let stale = ingest_of(&layout).join("sha256-ab.0011.part");
    fs::write(&stale, b"half").expect("what a kill leaves");
    age(&stale, 3601);
    let young = ingest_of(&layout).join("sha256-cd.0022.part");
    fs::write(&young, b"").expect("about to be locked");

    Layout::open_or_create(layout.root()).expect("opens");
    assert!(!stale.exists() && young.exists());
    let mut living = living;
    living.write(b"hello").expect("written");
    living.finish().expect("its file was spared");
}

#[test]
fn a_full_disk_says_how_much_was_needed() {
    let full = std::io::Error::from(ErrorKind::StorageFull);
    let dir = tempfile::tempdir().expect("directory");
    let error = LayoutError::write(dir.path(), 4096)(full);
    assert!(
        matches!(error, LayoutError::NoSpace { needed: 4096, .. }),
        "{error}"
    );
    assert!(
        error.to_string().contains("4096 bytes are needed"),
        "{error}"
    );
}

fn descriptor_named(other: &Descriptor, size: u64) -> Descriptor {
    let mut named = other.clone();
    named.size = size;
    named
}

fn age(path: &Path, seconds: u64) {
    let file = File::options().append(true).open(path).expect("file");
    #[expect(
        clippy::disallowed_methods,
        reason = "the age of a file is by the machine's clock"
    )]
    let then = SystemTime::now() - Duration::from_secs(seconds);
    file.set_modified(then).expect("set");
}

#[test]
fn a_need_beyond_the_disk_is_refused_with_both_numbers() {
    let (_dir, layout) = layout();
    let mut blob = descriptor(b"x");
    assert!(layout.require_space(&[&blob]).is_ok());
    blob.size = u64::MAX;
    let error = layout
        .require_space(&[&blob])
        .expect_err("no disk is that large");
    assert!(error.to_string().contains(&u64::MAX.to_string()), "{error}");
    assert!(matches!(error, LayoutError::NoSpace { available, .. } if available > 0));
}
