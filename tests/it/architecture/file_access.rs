//! Which files open, make, rename or change files in another way than by `regcred_files`.
//!
//! That crate opens without waiting, reads only regular files within a limit, and reaches a file in a
//! directory of another user one directory after another. What is done without it has a reason here.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use super::rust::Rust;
use super::workspace::{shown, sources};

/// Files, with the reason why no other user can turn what they do to another file.
const LISTED: &[(&str, &str)] = &[
    (
        "crates/cache/src/dir.rs",
        "names in the open directory of this user",
    ),
    (
        "crates/dist/src/image.rs",
        "packs what was built; in none of the programs",
    ),
    (
        "crates/dist/src/release.rs",
        "packs what was built; in none of the programs",
    ),
    ("crates/docker-config/src/ownership.rs", "of an open file"),
    (
        "crates/engine/src/image/records/files.rs",
        "the kubelet's own directory, of root",
    ),
    (
        "crates/engine/src/image/records/pulls_under_way.rs",
        "the kubelet's own directory, of root",
    ),
    ("crates/files/src/directory.rs", "opens files"),
    ("crates/files/src/lib.rs", "opens files"),
    ("crates/files/src/place.rs", "opens files"),
    ("crates/files/src/replace.rs", "opens files"),
    ("crates/files/src/root.rs", "opens files"),
    (
        "crates/gcr/src/docker_credential_gcr.rs",
        "makes and removes names of the user's own",
    ),
    (
        "crates/http/src/resolve/resolv_conf.rs",
        "the number of a network's interface, of the kernel",
    ),
    (
        "crates/manifests/src/store.rs",
        "names in the open directory of docker's lists",
    ),
    (
        "crates/node/src/tree.rs",
        "names in directories that regcred_files opened",
    ),
    (
        "crates/regcred/src/check/programs.rs",
        "looks up which directories are on a path, and opens nothing",
    ),
    (
        "crates/regcred/src/install/host.rs",
        "the namespace of the machine's first process, of the kernel",
    ),
    (
        "crates/registry/src/content/host_platform.rs",
        "the processor, of the kernel",
    ),
];

/// What opens or changes a file by its path, or by a name in a directory.
const CALLS: &[&str] = &[
    "fs::read(",
    "fs::read_to_string(",
    "fs::write(",
    "fs::rename(",
    "fs::copy(",
    "fs::remove_",
    "fs::create_dir",
    "fs::set_permissions(",
    "fs::hard_link(",
    "fs::open(",
    "tokio::fs",
    "canonicalize(",
    "File::open(",
    "File::create",
    "File::options",
    "OpenOptions",
    "DirBuilder",
    "set_permissions(",
    "create_dir_all",
    "fchown(",
    "fchmod(",
    "lchown(",
    "symlink(",
    "symlinkat(",
    "openat(",
    "renameat",
    "unlinkat(",
    "mkdirat(",
];

#[test]
fn files_are_opened_and_changed_by_one_crate_or_with_a_reason() {
    let mut found = BTreeMap::new();
    let programs = |file: &PathBuf| !shown(file).contains("/examples/");
    for file in sources().into_iter().filter(programs) {
        let text = fs::read_to_string(&file).expect("source");
        let code = Rust::of(&text).production();
        if let Some(call) = CALLS.iter().find(|call| code.contains(*call)) {
            found.insert(shown(&file), *call);
        }
    }
    let listed: BTreeMap<_, _> = LISTED.iter().copied().collect();
    let mut unlisted = found.clone();
    unlisted.retain(|file, _| !listed.contains_key(file.as_str()));
    assert!(
        unlisted.is_empty(),
        "read, write or replace files by regcred_files: {unlisted:#?}"
    );
    let idle = listed.keys().filter(|file| !found.contains_key(**file));
    let idle: Vec<_> = idle.collect();
    assert!(idle.is_empty(), "listed without need: {idle:#?}");
}
