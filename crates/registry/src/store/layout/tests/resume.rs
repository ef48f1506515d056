//! The beginnings of blobs that interrupted writers leave.

use std::os::unix::fs::symlink;

use super::*;

/// A blob of which a beginning is kept.
fn large() -> (Vec<u8>, Descriptor) {
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let blob = descriptor(&content);
    (content, blob)
}

/// Leaves `content` as a dead writer of `blob` would.
fn leave(layout: &Layout, blob: &Descriptor, content: &[u8]) -> PathBuf {
    let stem = ingest::file_stem(&blob.digest);
    let path = ingest_of(layout).join(format!("{stem}.00aa.part"));
    fs::write(&path, content).expect("written");
    path
}

#[test]
fn the_next_writer_continues_where_an_interrupted_one_ended() {
    let (_dir, layout) = layout();
    let (content, blob) = large();
    let mut writer = layout.resume_blob(&blob).expect("writer");
    assert_eq!(writer.position(), 0);
    writer.write(&content[..2_000_000]).expect("written");
    drop(writer);
    assert_eq!(parts(&layout).len(), 1);
    assert!(!layout.has_blob(&blob));

    let mut writer = layout.resume_blob(&blob).expect("writer");
    assert_eq!(writer.position(), 2_000_000);
    assert!(layout.is_being_written(&blob.digest), "and is not old");
    let other = layout.resume_blob(&blob).expect("writer");
    assert_eq!(other.position(), 0, "a running writer keeps its file");
    drop(other);
    writer.write(&content[2_000_000..]).expect("written");
    writer.finish().expect("sound as a whole");
    assert!(layout.has_blob(&blob));
    assert!(parts(&layout).is_empty());
}

#[test]
fn a_blob_that_was_complete_when_its_writer_died_needs_no_more_bytes() {
    let (_dir, layout) = layout();
    let (content, blob) = large();
    leave(&layout, &blob, &content);
    let writer = layout.resume_blob(&blob).expect("writer");
    assert_eq!(writer.position(), blob.size);
    writer.finish().expect("sound");
    assert!(layout.has_blob(&blob));
}

#[test]
fn a_beginning_that_is_not_the_blobs_is_found_by_the_digest_and_removed() {
    let (_dir, layout) = layout();
    let (mut content, blob) = large();
    content[7] ^= 1;
    leave(&layout, &blob, &content[..2_000_000]);
    let mut writer = layout.resume_blob(&blob).expect("writer");
    writer.write(&content[2_000_000..]).expect("written");
    let error = writer.finish().expect_err("one bit");
    assert!(matches!(error, LayoutError::Mismatch { .. }), "{error}");
    assert!(!layout.has_blob(&blob) && parts(&layout).is_empty());
    assert_eq!(layout.resume_blob(&blob).expect("writer").position(), 0);
}

#[test]
fn a_file_that_others_could_choose_is_not_continued() {
    let (dir, layout) = layout();
    let (content, blob) = large();
    let victim = dir.path().join("victim");
    let beginning = &content[..1_500_000];
    fs::write(&victim, beginning).expect("written");
    let stem = ingest::file_stem(&blob.digest);
    let link = ingest_of(&layout).join(format!("{stem}.00bb.part"));
    for is_symbolic in [true, false] {
        if is_symbolic {
            symlink(&victim, &link).expect("link");
        } else {
            fs::hard_link(&victim, &link).expect("link");
        }
        let mut writer = layout.resume_blob(&blob).expect("writer");
        assert_eq!(writer.position(), 0, "{is_symbolic}");
        writer.write(&content).expect("written");
        writer.finish().expect("sound");
        assert!(fs::read(&victim).expect("there") == beginning);
        fs::remove_file(&link).expect("there");
    }
    // More bytes than the blob has.
    let longer = leave(&layout, &blob, &[&content[..], b"x"].concat());
    let writer = layout.resume_blob(&blob).expect("writer");
    assert_eq!(writer.position(), 0);
    assert!(longer.exists());
}

#[test]
fn beginnings_stay_for_a_day_unless_the_blob_is_complete_or_the_disk_is_full() {
    let (_dir, layout) = layout();
    let (content, blob) = large();
    let path = leave(&layout, &blob, &content[..2_000_000]);
    let opened = || Layout::open_or_create(layout.root()).expect("opens");
    age(&path, 23 * 3600);
    opened();
    assert!(path.exists());

    let mut too_large = descriptor(b"another");
    too_large.size = u64::MAX;
    let wanted = [&blob, &too_large];
    assert!(layout.require_space(&wanted).is_err());
    assert!(path.exists(), "it saves bytes of this pull");
    assert!(layout.require_space(&wanted[1..]).is_err());
    assert!(!path.exists());

    let path = leave(&layout, &blob, &content[..2_000_000]);
    age(&path, 25 * 3600);
    opened();
    assert!(!path.exists());

    let path = leave(&layout, &blob, &content[..2_000_000]);
    layout
        .put_bytes(&blob, &content)
        .expect("by another writer");
    opened();
    assert!(!path.exists());
}
