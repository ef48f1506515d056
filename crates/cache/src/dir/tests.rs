use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::*;

const NAME: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.json";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn loosen(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn directories_are_made_private_with_their_parents() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a/b/");
    let dir = CacheDir::open(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&root.path().join("a")), 0o700);
    dir.write(NAME, b"x").unwrap();
    assert_eq!(mode(&path.join(NAME)), 0o600);
    assert_eq!(&**dir.read(NAME).unwrap(), b"x");
    let names: Vec<_> = dir.names().unwrap().collect();
    assert_eq!(names, [NAME], "no temporary file stays");
}

#[test]
fn an_open_directory_is_made_private_if_it_holds_nothing_foreign() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o755);
    fs::write(root.path().join(NAME), "").unwrap();
    CacheDir::open(root.path()).unwrap();
    assert_eq!(mode(root.path()), 0o700);
}

#[test]
fn an_open_directory_with_other_files_is_refused_and_left_alone() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o755);
    fs::write(root.path().join("letter.txt"), "").unwrap();
    let error = CacheDir::open(root.path()).unwrap_err();
    assert!(matches!(error, CacheDirError::Exposed { mode: 0o755, .. }));
    assert_eq!(mode(root.path()), 0o755);
}

#[test]
fn a_shared_directory_is_never_made_private() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o1777);
    assert!(CacheDir::open(root.path()).is_err());
    assert_eq!(mode(root.path()), 0o1777);
}

#[test]
fn links_and_files_are_not_cache_directories() {
    let root = tempfile::tempdir().unwrap();
    let real = root.path().join("real");
    fs::create_dir(&real).unwrap();
    let link = root.path().join("link");
    symlink(&real, &link).unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    for name in ["link", "link/", "link/.", "file"] {
        let error = CacheDir::open(&root.path().join(name)).unwrap_err();
        assert!(
            matches!(error, CacheDirError::NoDirectory { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_link_of_another_user_on_the_way_is_not_followed() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (home, theirs) = (root.path().join("home"), root.path().join("theirs"));
    for path in [&home, &theirs] {
        fs::create_dir(path).unwrap();
    }
    loosen(&theirs, 0o755);
    std::os::unix::fs::chown(&home, Some(4711), Some(4711)).unwrap();
    symlink(root.path(), home.join("link")).unwrap();
    for path in ["link/theirs", "link/new"] {
        let error = CacheDir::open(&home.join(path)).unwrap_err();
        assert!(matches!(error, CacheDirError::Link { .. }), "{error}");
    }
    assert_eq!(mode(&theirs), 0o755);
    assert!(!root.path().join("new").exists());
    // A link of root's in a directory of root's is the administrator's.
    symlink(&theirs, root.path().join("own")).unwrap();
    CacheDir::open(&root.path().join("own/cache")).unwrap();
    assert_eq!(mode(&theirs.join("cache")), 0o700);
    assert_eq!(mode(&theirs), 0o755);
}

#[test]
fn a_directory_that_becomes_a_link_while_root_uses_it_leads_nowhere() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let (home, theirs) = (root.path().join("home"), root.path().join("theirs"));
    let (cache, link) = (home.join("cache"), home.join("link"));
    for path in [&home, &cache, &theirs] {
        fs::create_dir(path).unwrap();
    }
    loosen(&cache, 0o700);
    loosen(&theirs, 0o755);
    std::os::unix::fs::chown(&home, Some(4711), Some(4711)).unwrap();
    symlink(&theirs, &link).unwrap();
    let mut opened = 0;
    std::thread::scope(|scope| {
        // A failed assertion drops the sender too, and so ends the thread.
        let (sender, ended) = mpsc::channel::<()>();
        let (cache, link) = (&cache, &link);
        scope.spawn(move || {
            while ended.try_recv() == Err(mpsc::TryRecvError::Empty) {
                let (cwd, flags) = (rustix::fs::CWD, rustix::fs::RenameFlags::EXCHANGE);
                rustix::fs::renameat_with(cwd, cache, cwd, link, flags).unwrap();
                // Sometimes long enough for a whole turn of the other side, on a busy machine too.
                std::thread::sleep(Duration::from_micros(50));
            }
        });
        // Each is either done in the directory or refused, whichever has the name then.
        let end = Instant::now() + Duration::from_secs(60);
        while opened < 50 {
            assert!(Instant::now() < end, "opened {opened} times");
            let Ok(dir) = CacheDir::open(cache) else {
                continue;
            };
            opened += 1;
            dir.write(NAME, b"x").unwrap();
            assert_eq!(&**dir.read(NAME).unwrap(), b"x");
            drop(dir.open_lock("x.lock").unwrap());
        }
        drop(sender);
    });
    assert_eq!(mode(&theirs), 0o755);
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 0);
}

#[test]
fn the_owner_decides_before_the_mode() {
    assert_eq!(judge(0, 0, 0o700), Verdict::Private);
    assert_eq!(judge(0, 0, 0o710), Verdict::Loose);
    assert_eq!(judge(0, 0, 0o1777), Verdict::Shared);
    assert_eq!(judge(1000, 0, 0o700), Verdict::Foreign);
    assert_eq!(judge(0, 1000, 0o700), Verdict::Foreign);
}

#[test]
fn only_private_regular_files_within_the_limit_are_read() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o700);
    let dir = CacheDir::open(root.path()).unwrap();
    let path = root.path().join(NAME);

    dir.write(NAME, &vec![b'x'; 256 * 1024]).unwrap();
    assert!(dir.read(NAME).is_some());
    dir.write(NAME, &vec![b'x'; 256 * 1024 + 1]).unwrap();
    assert!(dir.read(NAME).is_none(), "too large");

    dir.write(NAME, b"x").unwrap();
    loosen(&path, 0o644);
    assert!(dir.read(NAME).is_none(), "readable by others");

    fs::remove_file(&path).unwrap();
    fs::write(root.path().join("elsewhere"), "x").unwrap();
    symlink(root.path().join("elsewhere"), &path).unwrap();
    assert!(dir.read(NAME).is_none(), "a link");

    fs::remove_file(&path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    assert!(dir.read(NAME).is_none(), "a FIFO, without waiting for it");
}

#[test]
fn a_write_replaces_whatever_is_there() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o700);
    let dir = CacheDir::open(root.path()).unwrap();
    let elsewhere = root.path().join("elsewhere");
    fs::write(&elsewhere, "kept").unwrap();
    symlink(&elsewhere, root.path().join(NAME)).unwrap();
    dir.write(NAME, b"new").unwrap();
    assert_eq!(&**dir.read(NAME).unwrap(), b"new");
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "kept");
}

#[test]
fn only_a_private_regular_file_is_a_lock() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o700);
    let dir = CacheDir::open(root.path()).unwrap();
    let path = root.path().join("x.lock");
    assert!(dir.open_lock("x.lock").is_ok(), "made");
    assert!(dir.open_lock("x.lock").is_ok(), "and found again");

    loosen(&path, 0o666);
    assert!(dir.open_lock("x.lock").is_err(), "others can write to it");

    fs::remove_file(&path).unwrap();
    let letter = root.path().join("letter");
    fs::write(&letter, "kept").unwrap();
    loosen(&letter, 0o600);
    fs::hard_link(&letter, &path).unwrap();
    assert!(
        dir.open_lock("x.lock").is_err(),
        "another file's second name"
    );

    fs::remove_file(&path).unwrap();
    symlink(&letter, &path).unwrap();
    assert!(dir.open_lock("x.lock").is_err(), "a link");

    fs::remove_file(&path).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
    assert!(dir.open_lock("x.lock").is_err(), "a FIFO");
}

#[test]
fn a_temporary_name_that_is_taken_is_left_alone() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o700);
    let dir = CacheDir::open(root.path()).unwrap();
    // The tests of one process share the counter: the names of the next writes, whichever they are.
    let taken: Vec<_> = (0..200)
        .map(|count| format!("{NAME}.{}-{count}{TMP}", std::process::id()))
        .collect();
    for name in &taken {
        fs::write(root.path().join(name), "another's").unwrap();
    }
    dir.write(NAME, b"x").unwrap();
    assert_eq!(&**dir.read(NAME).unwrap(), b"x");
    for name in &taken {
        let text = fs::read_to_string(root.path().join(name)).unwrap();
        assert_eq!(text, "another's");
    }
}

#[test]
fn a_directory_that_vanishes_is_an_error_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("gone");
    let dir = CacheDir::open(&path).unwrap();
    fs::remove_dir(&path).unwrap();
    assert!(dir.write(NAME, b"x").is_err());
    assert!(dir.read(NAME).is_none());
    assert!(dir.open_lock("x.lock").is_err());
}

#[test]
fn the_environment_names_the_directory() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("cache");
    let named = path.to_str().unwrap();
    let dir = CacheDir::resolve(&Env::map([("REGCRED_CACHE", named)])).expect("usable");
    assert_eq!(dir.path(), path);
    for word in ["off", "OFF", "relative/dir"] {
        assert!(CacheDir::resolve(&Env::map([("REGCRED_CACHE", word)])).is_none());
    }
}

#[test]
fn the_default_follows_the_user() {
    let run = Env::map([
        ("XDG_RUNTIME_DIR", "/r"),
        ("XDG_CACHE_HOME", "/c"),
        ("HOME", "/h"),
    ]);
    if rustix::process::geteuid().is_root() {
        assert_eq!(default_path(&run), Some("/run/regcred".into()));
        return;
    }
    assert_eq!(default_path(&run), Some("/r/regcred".into()));
    let cache = Env::map([("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]);
    assert_eq!(default_path(&cache), Some("/c/regcred".into()));
    let home = Env::map([("XDG_RUNTIME_DIR", "relative"), ("HOME", "/h")]);
    assert_eq!(default_path(&home), Some("/h/.cache/regcred".into()));
    assert_eq!(default_path(&Env::default()), None);
}

#[test]
fn what_is_not_ours_is_neither_listed_nor_removed() {
    let root = tempfile::tempdir().unwrap();
    loosen(root.path(), 0o700);
    let theirs = ["cache.json", "package.lock", "download.tmp", ".json"];
    for name in theirs {
        fs::write(root.path().join(name), "{}").unwrap();
    }
    let dir = CacheDir::open(root.path()).unwrap();
    let ours = format!("{}{TMP}", "0".repeat(64));
    dir.write(&ours, b"half").unwrap();
    assert_eq!(dir.own_names().collect::<Vec<_>>(), [ours]);
    assert_eq!(dir.clear(), 0);
    for name in theirs {
        assert!(root.path().join(name).exists(), "{name}");
    }
    assert_eq!(dir.own_names().count(), 0);
}
