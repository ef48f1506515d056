//! A store in a directory that other users may change, filled and emptied by root.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::*;

/// As in an emptyDir, which has the mode 0777.
#[test]
fn root_fills_and_empties_no_store_through_a_link_in_a_volume_that_others_may_write() {
    let (node, _registry, _) = two();
    if !is_root(&node) {
        return;
    }
    let others = Permissions::from_mode(0o777);
    fs::set_permissions(node.store(), others).expect("a mode");
    let one = name_of("one");
    let _ = node.pull(&one).run().success();
    let before = (listed(&node).len(), blobs(&node));
    for own in ["blobs", "ingest"] {
        let (real, aside) = (node.store().join(own), node.root().join(own));
        fs::rename(&real, &aside).expect("renamed");
        symlink(&aside, &real).expect("a link");
        for program in [node.pull(&one), stored(&node, "rm").arg(&one)] {
            let done = program.run();
            let line = done.fails(4).lines().last().unwrap_or_default();
            let what = format!(
                "cannot open {}: {own} is a symbolic link in",
                real.display()
            );
            let why =
                "a directory that users besides root may change; name the path that it leads to";
            assert!(line.ends_with(&format!("{what} {why}")), "{line}");
        }
        fs::remove_file(&real).expect("removed");
        fs::rename(&aside, &real).expect("renamed");
        assert_eq!((listed(&node).len(), blobs(&node)), before);
    }
    let _ = stored(&node, "rm").arg(&one).run().success();
}

#[test]
fn root_fills_and_empties_no_store_below_a_directory_of_another_user() {
    let (node, _registry, _) = two();
    if !is_root(&node) {
        return;
    }
    chown(node.root(), Some(4711), Some(4711)).expect("owned");
    let (one, blobs_before) = (name_of("one"), blobs(&node));
    for program in [node.pull(&one), stored(&node, "rm").arg(&one)] {
        let done = program.run();
        let line = done.fails(4).lines().last().unwrap_or_default();
        let start = format!(
            "cannot write the store {} as root: ",
            node.store().display()
        );
        assert!(line.starts_with(&start), "{line}");
        let step = "belongs to another user; run this as that user, or name a store elsewhere";
        assert!(line.contains(step), "{line}");
    }
    assert_eq!((listed(&node).len(), blobs(&node)), (2, blobs_before));
}

/// As an attacker in the same emptyDir does it, who waits for the moment between a check and a use.
#[test]
fn a_link_that_comes_and_goes_while_root_fills_and_empties_a_store_leads_nowhere() {
    let (node, _registry, _) = two();
    if !is_root(&node) {
        return;
    }
    let store = node.store();
    fs::set_permissions(&store, Permissions::from_mode(0o777)).expect("a mode");
    let victims = node.root().join("victims");
    // A blob of the store has its name and its size there, so that a wrong removal or reading is seen.
    copy(&store.join("blobs"), &victims.join("blobs"));
    fs::create_dir(victims.join("ingest")).expect("made");
    fs::copy(store.join("index.json"), victims.join("index.json")).expect("copied");
    let before = content(&victims);
    let (one, two) = (name_of("one"), name_of("two"));
    let (has_ended, turns) = (AtomicBool::new(false), AtomicUsize::new(0));
    let done = std::thread::scope(|scope| {
        let _ = scope.spawn(|| {
            let names = ["blobs", "ingest", "index.json"];
            let links = names.map(|name| {
                let link = node.root().join(format!("link-{name}"));
                symlink(victims.join(name), &link).expect("a link");
                lchown(&link, Some(4711), Some(4711)).expect("owned");
                (store.join(name), link)
            });
            while !has_ended.load(Ordering::Relaxed) {
                for (real, link) in &links {
                    for _ in 0..2 {
                        renameat_with(CWD, link, CWD, real, RenameFlags::EXCHANGE)
                            .expect("exchanged");
                        std::thread::yield_now();
                    }
                    turns.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let _end = End(&has_ended);
        let mut finished = Vec::new();
        for _ in 0..TURNS {
            for program in [
                node.pull(&one),
                stored(&node, "rm").arg(&two),
                node.pull(&two),
            ] {
                finished.push(program.run());
            }
        }
        finished
    });
    assert_eq!(content(&victims), before);
    assert!(turns.load(Ordering::Relaxed) > TURNS);
    // A link that a command meets is refused.
    for one in &done {
        assert!(matches!(one.code(), Some(0 | 4)), "{}", one.stderr);
    }
    let succeeded = done.iter().filter(|one| one.code() == Some(0)).count();
    assert!(succeeded > 0, "{TURNS} turns");
}

/// Ends the exchange, also where a command does not end in time.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn is_root(node: &Node) -> bool {
    fs::metadata(node.root()).expect("a directory").uid() == 0
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("a directory").flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).expect("copied")),
        }
    }
}

/// Each file below a directory, with the digest of its content, its inode and its times.
fn content(directory: &Path) -> BTreeMap<PathBuf, (String, u64, i64, i64)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(content(&path));
            continue;
        }
        let file = entry.metadata().expect("a file");
        let digest = regcred_tests::image::digest_of(&fs::read(&path).expect("read"));
        let _ = found.insert(
            path,
            (digest, file.ino(), file.mtime_nsec(), file.ctime_nsec()),
        );
    }
    found
}

/// Pulls and removals against the exchange.
const TURNS: usize = 40;
