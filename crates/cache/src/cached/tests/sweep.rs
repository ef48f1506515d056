//! What is listed, and what is removed.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use regcred_core::ErrorKind;

use super::super::*;
use super::world::{Step, World, request};

#[tokio::test]
async fn the_list_shows_no_secret_and_clearing_empties_it() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let listed = world.dir().list();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].provider, "fake");
    assert_eq!(listed[0].logins, [("fake.io".to_owned(), "u".to_owned())]);
    assert!(!format!("{listed:?}").contains("canary"));
    assert_eq!(world.dir().clear(), 1);
    assert_eq!(world.files(), 0);
    world.ask().await.unwrap();
    assert_eq!(world.calls(), 2);
}

/// A fetch that fails leaves a lock and no entry; each pod may have a key of its own.
#[tokio::test]
async fn a_store_sweeps_the_locks_of_fetches_that_failed_long_ago() {
    let world = World::new([Step::Fail(ErrorKind::Denied)]);
    world.ask().await.unwrap_err();
    let lock = world.file(".lock");
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    other.credentials(&request()).await.unwrap();
    assert!(lock.exists(), "a process may still wait for it");

    let ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::open(&lock).unwrap().set_modified(ago).unwrap();
    let asked = request();
    {
        let held = EntryLock::attempt(&world.dir(), lock.file_name().unwrap().to_str().unwrap());
        assert!(matches!(held, Attempt::Held(_)));
        world.dir().sweep(world.clock().now());
        assert!(lock.exists(), "in use");
    }
    world.at(2000);
    other.credentials(&asked).await.unwrap();
    assert!(!lock.exists());
    assert_eq!(world.files(), 2, "the other role's entry and its lock");
}

#[tokio::test]
async fn a_store_sweeps_what_expired_and_what_a_killed_writer_left() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let left = world.file(".json").with_extension("json.1-0.tmp");
    fs::write(&left, "half").unwrap();
    let written = fs::metadata(&left).unwrap().modified().unwrap();
    let ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    assert!(written > ago);
    fs::File::open(&left).unwrap().set_modified(ago).unwrap();

    world.at(3600);
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    other.credentials(&request()).await.unwrap();
    assert_eq!(world.files(), 2, "the new entry and its lock");
    assert_eq!(world.dir().list().len(), 1);
}

/// Hundreds of identities, each with an entry and a lock.
#[tokio::test]
async fn a_store_sweeps_a_bounded_number_of_files_and_many_stores_sweep_them_all() {
    let world = World::new([]);
    world.ask().await.unwrap();
    copies(&world, 400);
    world.at(4000);
    let files = world.files();
    let sweep = || world.dir().sweep(world.clock().now());
    sweep();
    let swept = files - world.files();
    assert!((8..=32).contains(&swept), "{swept} of {files}");
    while world.files() > 0 {
        sweep();
    }
}

#[tokio::test]
async fn each_of_many_entries_is_listed_and_cleared() {
    let world = World::new([]);
    world.ask().await.unwrap();
    copies(&world, 2199);
    assert_eq!(world.dir().list().len(), 2200);
    assert_eq!(world.dir().clear(), 2200);
    assert_eq!(world.files(), 0);
}

/// Entries like the one that is there, of other identities.
fn copies(world: &World, count: u64) {
    let own = world.file(".json");
    let text = fs::read_to_string(&own).unwrap();
    let name = own.file_stem().unwrap().to_str().unwrap();
    for n in 1..=count {
        let other = format!("{:016x}{name}", u64::MAX / (count + 1) * n);
        let other = &other[..64];
        for (ending, text) in [("json", text.replace(name, other)), ("lock", String::new())] {
            let path = own.with_file_name(format!("{other}.{ending}"));
            let mut file = fs::OpenOptions::new();
            let file = file.write(true).create_new(true).mode(0o600).open(path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        }
    }
}

#[tokio::test]
async fn a_store_sweeps_old_entries_of_another_version_but_not_new_ones() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let entry = world.file(".json");
    let text = fs::read_to_string(&entry).unwrap();
    let other_version = text.replacen("\"version\":", "\"version\":9", 1);
    assert_ne!(text, other_version);
    fs::write(&entry, other_version).unwrap();
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    other.credentials(&request()).await.unwrap();
    assert!(entry.exists(), "a newer program may have just written it");

    let ago = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    fs::File::open(&entry).unwrap().set_modified(ago).unwrap();
    world.at(2000);
    other.credentials(&request()).await.unwrap();
    assert!(!entry.exists());
    assert_eq!(world.files(), 2, "the other role's entry and its lock");
}
