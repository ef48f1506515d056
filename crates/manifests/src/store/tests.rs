use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::sync::mpsc;

use regcred_registry::{Digest, Platform, RawManifest};

use super::*;

const CONFIG: &str = r#""config":{"mediaType":"a/b","size":2,"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}"#;

fn name(text: &str) -> ImageRef {
    ImageRef::parse(text).expect("a name")
}

fn entry(image: &str) -> ListEntry {
    let media = "application/vnd.oci.image.manifest.v1+json";
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{media}",{CONFIG},"layers":[],"name":"{image}"}}"#
    );
    let manifest = RawManifest::read("", Digest::of(text.as_bytes()), text.into());
    let platform = Platform::new("linux", "amd64", "");
    ListEntry::new(name(image), manifest.expect("a manifest"), Some(platform))
}

fn store() -> (tempfile::TempDir, ManifestStore) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = ManifestStore::new(dir.path().join("docker/manifests"));
    (dir, store)
}

fn set(store: &ManifestStore, list: &ImageRef, images: &[&str]) {
    let entries = images.iter().map(|image| entry(image)).collect();
    let written = store.edit(list, |_| Ok::<_, StoreError>(entries));
    written.expect("written");
}

fn read(store: &ManifestStore, list: &ImageRef) -> Option<Vec<String>> {
    let entries = store.read(list).expect("read");
    entries.map(|all| all.iter().map(|one| one.image.to_string()).collect())
}

#[test]
fn a_list_is_where_docker_looks_for_it() {
    let (dir, store) = store();
    let list = name("app:v1");
    assert_eq!(read(&store, &list), None);
    assert!(
        !dir.path().join("docker").exists(),
        "nothing is made to look"
    );
    set(&store, &list, &["localhost:5000/b:v1", "app-amd64:v1"]);
    let path = dir.path().join("docker/manifests/docker.io_library_app-v1");
    let file = path.join("docker.io_library_app-amd64-v1");
    let text = fs::read_to_string(&file).expect("a record");
    assert_eq!(text, entry("app-amd64:v1").to_record());
    assert!(path.join("localhost-5000_b-v1").is_file());
    for (path, mode) in [(&path, 0o755), (&file, 0o644)] {
        let found = fs::metadata(path).expect("there").permissions().mode();
        assert_eq!(found & 0o777 & !mode, 0, "{path:?}");
    }
    assert_eq!(
        read(&store, &list).expect("there"),
        ["docker.io/library/app-amd64:v1", "localhost:5000/b:v1"],
        "in the order of the files' names"
    );
}

#[test]
fn a_change_replaces_the_list_as_a_whole() {
    let (_dir, store) = store();
    let list = name("h.io/app:v1");
    set(&store, &list, &["h.io/a:v1", "h.io/b:v1"]);
    set(&store, &list, &["h.io/b:v1", "h.io/c:v1"]);
    assert_eq!(
        read(&store, &list).expect("there"),
        ["h.io/b:v1", "h.io/c:v1"]
    );
    let kept = fs::read_dir(&store.root).expect("readable");
    assert_eq!(kept.count(), 1, "nothing else stays");
    let refused = store.edit(&list, |before| {
        assert_eq!(before.map(|all| all.len()), Some(2));
        Err(StoreError::SameName(String::new(), String::new()))
    });
    assert!(refused.is_err());
    assert_eq!(read(&store, &list).map(|all| all.len()), Some(2));
    assert!(store.remove(&list).expect("removed"));
    assert!(!store.remove(&list).expect("looked for"));
    assert_eq!(read(&store, &list), None);
}

#[test]
fn what_a_killed_process_left_is_not_a_list_and_is_removed() {
    let (_dir, store) = store();
    let list = name("h.io/app:v1");
    set(&store, &list, &["h.io/a:v1"]);
    for (name, file) in [(NEW, "h.io_b-v1"), (OLD, "h.io_c-v1")] {
        fs::create_dir_all(store.root.join(name)).expect("made");
        fs::write(store.root.join(name).join(file), "{\"Ref\":").expect("written");
    }
    assert_eq!(read(&store, &list).expect("there"), ["h.io/a:v1"]);
    set(&store, &list, &["h.io/d:v1"]);
    assert_eq!(read(&store, &list).expect("there"), ["h.io/d:v1"]);
    assert_eq!(fs::read_dir(&store.root).expect("readable").count(), 1);
}

/// A limit of open files is reached by far fewer directories than a disk has room for.
#[test]
fn directories_that_are_nested_deeply_are_named_and_not_followed_to_their_end() {
    let (_dir, store) = store();
    let list = name("h.io/app:v1");
    set(&store, &list, &["h.io/a:v1"]);
    let nest = |within: &str, depth: usize| {
        let root = File::open(&store.root).expect("the store");
        rustix::fs::mkdirat(&root, within, Mode::RWXU).expect("made");
        let mut directory = open_below(&root, within).expect("opened");
        for _ in 1..depth {
            rustix::fs::mkdirat(&directory, "d", Mode::RWXU).expect("made");
            directory = open_below(&directory, "d").expect("opened");
        }
    };
    nest(NEW, MOST_NESTED);
    set(&store, &list, &["h.io/b:v1"]);
    assert_eq!(fs::read_dir(&store.root).expect("readable").count(), 1);
    let one_more = MOST_NESTED + 1;
    for (planted, depth) in [(NEW, 600), (OLD, one_more), ("h.io_deep-v1", one_more)] {
        nest(planted, depth);
        let edited = store.edit(&list, |_| Ok::<_, StoreError>(vec![entry("h.io/c:v1")]));
        let changed = if planted == "h.io_deep-v1" {
            edited.expect("the list is another");
            store.remove(&name("h.io/deep:v1")).map(|_| ())
        } else {
            edited
        };
        let error = regcred_core::report(&changed.expect_err("too deep"));
        let ending = ": it has directories nested deeper than 8: remove it by hand";
        assert!(
            error.starts_with("cannot remove /") && error.ends_with(ending),
            "{error}"
        );
        assert!(read(&store, &list).is_some());
        for left in [NEW, OLD] {
            unnest(&store, left);
        }
    }
}

/// Removes what [`fs::remove_dir_all`] cannot: one descriptor for each directory is too many.
fn unnest(store: &ManifestStore, name: &str) {
    let top = store.root.join(name);
    let aside = store.root.join("aside");
    while top.join("d").is_dir() {
        fs::rename(top.join("d"), &aside).expect("moved");
        fs::remove_dir(&top).expect("removed");
        fs::rename(&aside, &top).expect("moved");
    }
    let _ = fs::remove_dir(&top);
}

/// A directory that cannot be written stands in for a full disk.
#[test]
fn a_list_that_cannot_be_written_is_as_it_was() {
    let (_dir, store) = store();
    let list = name("h.io/app:v1");
    set(&store, &list, &["h.io/a:v1"]);
    let long = format!("h.io/{}:v1", ["a"; 120].join("/"));
    let longer = format!("{long}{}", "x".repeat(100));
    let refused = store.edit(&list, |_| {
        Ok::<_, StoreError>(vec![entry("h.io/b:v1"), entry(&longer)])
    });
    let error = refused.expect_err("the name of the file is too long");
    assert!(error.to_string().starts_with("cannot write "), "{error}");
    assert_eq!(read(&store, &list).expect("there"), ["h.io/a:v1"]);
    assert_eq!(fs::read_dir(&store.root).expect("readable").count(), 1);
}

#[test]
fn a_file_that_is_not_a_record_is_named_and_can_be_removed() {
    let list = name("h.io/app:v1");
    type Damage = fn(&Path);
    let damages: [(Damage, &str); 5] = [
        (
            |path| fs::write(path, "{").expect("written"),
            "not a record",
        ),
        (|path| fs::write(path, "").expect("written"), "not a record"),
        (|path| fs::create_dir(path).expect("made"), "directory"),
        (
            |path| symlink("/etc/hostname", path).expect("linked"),
            "symbolic links",
        ),
        (
            |path| {
                let file = File::create(path).expect("made");
                file.set_len(LARGEST + 1).expect("grown");
            },
            "larger than 16 MiB",
        ),
    ];
    for (damage, why) in damages {
        let (_dir, store) = store();
        set(&store, &list, &["h.io/a:v1"]);
        damage(&store.root.join("h.io_app-v1/h.io_b-v1"));
        let error = store.read(&list).expect_err(why).to_string();
        assert!(error.contains("h.io_app-v1/h.io_b-v1"), "{error}");
        assert!(error.contains(why), "{error}");
        assert!(error.contains("regcred manifest rm h.io/app:v1"), "{error}");
        assert!(store.remove(&list).expect("removed"));
        assert_eq!(read(&store, &list), None);
    }
}

#[test]
fn a_list_that_is_a_link_is_not_followed() {
    let (dir, store) = store();
    set(&store, &name("h.io/app:v1"), &["h.io/a:v1"]);
    let elsewhere = dir.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    fs::write(elsewhere.join("kept"), "x").expect("written");
    let list = name("h.io/linked:v1");
    symlink(&elsewhere, store.root.join("h.io_linked-v1")).expect("linked");
    assert!(store.read(&list).is_err());
    assert!(store.remove(&list).expect("removed"));
    assert!(elsewhere.join("kept").exists());
}

#[test]
fn root_makes_no_list_through_a_link_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (home, elsewhere) = (dir.path().join("home"), dir.path().join("elsewhere"));
    fs::create_dir(&home).expect("made");
    chown(&home, Some(4711), Some(4711)).expect("owned");
    fs::create_dir_all(elsewhere.join(NEW)).expect("made");
    symlink(&elsewhere, home.join(".docker")).expect("linked");
    let store = ManifestStore::new(home.join(".docker"));
    let list = name("h.io/app:v1");
    let refused = store.edit(&list, |_| Ok::<_, StoreError>(vec![entry("h.io/a:v1")]));
    let error = regcred_core::report(&refused.expect_err("a link"));
    assert!(
        error.contains("is a symbolic link in a directory"),
        "{error}"
    );
    assert!(store.read(&list).is_err() && store.remove(&list).is_err());
    let kept = fs::read_dir(&elsewhere).expect("readable");
    assert_eq!(kept.count(), 1, "nothing is made or removed there");
}

#[test]
fn a_store_that_becomes_a_link_while_root_writes_leads_nowhere() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (home, elsewhere) = (dir.path().join("home"), dir.path().join("elsewhere"));
    let (docker, link) = (home.join(".docker"), home.join("link"));
    for path in [&home, &docker, &elsewhere] {
        fs::create_dir(path).expect("made");
    }
    chown(&home, Some(4711), Some(4711)).expect("owned");
    symlink(&elsewhere, &link).expect("linked");
    let (store, list) = (
        ManifestStore::new(docker.join("manifests")),
        name("h.io/app:v1"),
    );
    std::thread::scope(|scope| {
        // A failed assertion drops the sender too, and so ends the thread.
        let (sender, ended) = mpsc::channel::<()>();
        let (docker, link) = (&docker, &link);
        scope.spawn(move || {
            while ended.try_recv() == Err(mpsc::TryRecvError::Empty) {
                let (cwd, flags) = (rustix::fs::CWD, RenameFlags::EXCHANGE);
                rustix::fs::renameat_with(cwd, docker, cwd, link, flags).expect("exchanged");
            }
        });
        // Each is either done in the directory or refused, whichever has the name then.
        for _ in 0..100 {
            let entries = |_| Ok::<_, StoreError>(vec![entry("h.io/a:v1")]);
            drop(store.edit(&list, entries));
            drop(store.remove(&list));
        }
        drop(sender);
    });
    assert_eq!(fs::read_dir(&elsewhere).expect("readable").count(), 0);
}

#[test]
fn two_images_of_one_file_name_are_refused() {
    let (_dir, store) = store();
    let list = name("h.io/app:v1");
    let refused = store.edit(&list, |_| {
        Ok::<_, StoreError>(vec![entry("h.io/b:c-d"), entry("h.io/b-c:d")])
    });
    let error = refused.expect_err("the same name").to_string();
    assert!(error.starts_with("the names of h.io/b:c-d and h.io/b-c:d"));
    assert_eq!(read(&store, &list), None);
}

#[test]
fn writers_of_one_list_lose_nothing() {
    let (_dir, store) = store();
    let list = &name("h.io/app:v1");
    let store = &store;
    std::thread::scope(|scope| {
        for writer in 0..8 {
            scope.spawn(move || {
                let added = store.edit(list, |before| {
                    let mut entries = before.unwrap_or_default();
                    entries.push(entry(&format!("h.io/w{writer}:v1")));
                    Ok::<_, StoreError>(entries)
                });
                added.expect("written");
            });
        }
    });
    assert_eq!(read(store, list).map(|all| all.len()), Some(8));
}
