//! The directories of a store are held open: one that is exchanged for a link leads nowhere.

use std::os::unix::fs::symlink;

use super::*;

/// Puts a link in the place of a name of the store. Returns where that leads, and where the real one is.
fn exchange(layout: &Layout, name: &str) -> (PathBuf, PathBuf) {
    let beside = layout.root().parent().expect("a directory");
    let (other, real) = (beside.join("other"), beside.join("real"));
    fs::create_dir_all(other.join("sha256")).expect("made");
    fs::rename(layout.root().join(name), &real).expect("renamed");
    symlink(&other, layout.root().join(name)).expect("a link");
    (other, real)
}

#[test]
fn a_directory_that_becomes_a_link_while_a_store_is_written_leads_nowhere() {
    for name in ["blobs", "ingest"] {
        let (_dir, layout) = layout();
        let (blob, next) = (descriptor(b"hello"), descriptor(b"next"));
        let _pull = layout.use_shared().expect("locked");
        layout.put_bytes(&blob, b"hello").expect("written");
        let (other, real) = exchange(&layout, name);
        let victim = other.join("sha256").join(blob.digest.encoded());
        fs::write(&victim, "kept").expect("written");

        layout.put_bytes(&next, b"next").expect("written");
        layout.tag("app:v1", &next).expect("named");
        let found = layout.resolve("app:v1").expect("read");
        assert_eq!(found.expect("there").digest, next.digest);
        let removed = layout.remove_blobs(|digest| *digest == blob.digest);
        assert_eq!(removed.expect("removed").blobs, 1);
        assert!(layout.has_blob(&next) && !layout.has_blob(&blob));

        assert_eq!(fs::read(&victim).expect("read"), b"kept");
        assert_eq!(files(&other), ["sha256"]);
        assert_eq!(files(&other.join("sha256")), [blob.digest.encoded()]);
        let held = match name {
            "blobs" => vec!["sha256"],
            _ => vec!["index.lock", "use.lock"],
        };
        assert_eq!(files(&real), held);
    }
}

#[test]
fn a_store_that_becomes_a_link_while_it_is_written_leads_nowhere() {
    let (_dir, layout) = layout();
    let blob = descriptor(b"hello");
    let beside = layout.root().parent().expect("a directory");
    let (other, real) = (beside.join("other"), beside.join("real"));
    fs::create_dir(&other).expect("made");
    fs::rename(layout.root(), &real).expect("renamed");
    symlink(&other, layout.root()).expect("a link");
    layout.put_bytes(&blob, b"hello").expect("written");
    layout.tag("app:v1", &blob).expect("named");
    assert!(files(&other).is_empty());
    assert!(
        real.join("blobs/sha256")
            .join(blob.digest.encoded())
            .is_file()
    );
}

#[test]
fn a_store_that_was_opened_to_be_read_is_not_written() {
    let (_dir, layout) = layout();
    let reader = Layout::open(layout.root()).expect("read").expect("there");
    let error = reader.put_bytes(&descriptor(b"x"), b"x");
    let error = regcred_core::report(&error.expect_err("refused"));
    assert!(error.ends_with("it was opened to be read"), "{error}");
    assert!(reader.tag("app:v1", &descriptor(b"x")).is_err());
    assert!(reader.untag("app:v1").is_err());
}

#[test]
fn links_of_this_users_own_lead_to_directories_and_blobs() {
    let (dir, layout) = layout();
    let blob = descriptor(b"hello");
    layout.put_bytes(&blob, b"hello").expect("written");
    let aside = dir.path().join("aside");
    fs::rename(layout.root().join("blobs"), &aside).expect("renamed");
    symlink(&aside, layout.root().join("blobs")).expect("a link");
    let file = aside.join("sha256").join(blob.digest.encoded());
    fs::rename(&file, dir.path().join("blob")).expect("renamed");
    symlink(dir.path().join("blob"), &file).expect("a link");
    let written = Layout::open_or_create(layout.root()).expect("opens");
    let read = Layout::open(layout.root()).expect("opens").expect("there");
    for layout in [written, read] {
        assert!(layout.has_blob(&blob));
        let bytes = layout.read_blob(&blob.digest, 10).expect("read");
        assert_eq!(bytes.expect("there"), b"hello"[..]);
        assert!(layout.open_blob(&blob).is_ok());
    }
}
