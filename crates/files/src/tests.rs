use std::path::PathBuf;

use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::*;

fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("f");
    std::fs::write(&path, content).expect("file");
    (directory, path)
}

#[test]
fn a_file_within_the_limit_is_read_whole() {
    let (_directory, path) = file(b"canary\n");
    assert_eq!(read(&path, 7).expect("fits"), b"canary\n");
    assert_eq!(read_text(&path, 7).expect("text"), "canary\n");
    let secret = read_secret(&path, 1 << 20).expect("text");
    assert_eq!(secret.expose_secret(), "canary\n");
    assert!(!format!("{secret:?}").contains("canary"));
    let bytes = read_secret_bytes(&path, 7).expect("fits");
    assert_eq!(bytes.expose_secret(), b"canary\n");
    std::fs::write(&path, "").expect("file");
    assert_eq!(read(&path, 0).expect("empty"), b"");
}

#[test]
fn a_file_beyond_the_limit_is_refused_and_never_cut() {
    for (limit, shown) in [(7, "7 bytes"), (64 << 10, "64 KiB"), (1 << 20, "1 MiB")] {
        let (_directory, path) = file(&vec![b'a'; limit + 1]);
        let limit = limit as u64;
        let error = read(&path, limit).expect_err("larger");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(error.to_string(), format!("it is larger than {shown}"));
        assert!(read_secret(&path, limit).is_err());
        assert!(read_secret(&path, limit + 1).is_ok());
    }
    // Its length is not in the metadata.
    let error = read(Path::new("/proc/self/status"), 100).expect_err("larger");
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_as_text() {
    let (_directory, path) = file(&[0xff, 0xfe]);
    for error in [
        read_secret(&path, 10).map(drop).expect_err("no text"),
        read_text(&path, 10).map(drop).expect_err("no text"),
    ] {
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(error.to_string(), "it is not UTF-8 text");
    }
}

#[test]
fn what_is_not_a_regular_file_is_refused_without_waiting() {
    let (directory, path) = file(b"");
    let missing = read(&directory.path().join("g"), 10).expect_err("missing");
    assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    let error = read(directory.path(), 10).expect_err("directory");
    assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
    std::fs::remove_file(&path).expect("file");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).expect("fifo");
    for path in [&path, Path::new("/dev/zero")] {
        let error = read(path, 10).expect_err("special");
        assert_eq!(error.to_string(), "it is not a regular file");
    }
    assert_eq!(read(Path::new("/dev/null"), 10).expect("empty"), b"");
}

#[test]
fn a_lock_is_waited_for_as_long_as_the_caller_has_patience() {
    let (_directory, path) = file(b"");
    let holder = File::open(&path).expect("file");
    let second = File::open(&path).expect("file");
    lock(&holder, Duration::ZERO).expect("free");
    let error = lock(&second, Duration::from_millis(1)).expect_err("held");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "another program holds it");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| lock(&second, Duration::from_secs(60)));
        drop(holder);
        waiting.join().expect("ended").expect("released");
    });
}

#[test]
fn a_file_is_replaced_as_a_whole_and_never_through_a_link_beside_it() {
    let (directory, path) = file(b"old");
    let victim = directory.path().join("victim");
    std::fs::write(&victim, "kept").expect("file");
    // Where the new file is written before it gets its name.
    let beside = format!("f.{}.tmp", std::process::id());
    std::os::unix::fs::symlink(&victim, directory.path().join(beside)).expect("link");
    replace(&path, b"new", 0o640).expect("written");
    assert_eq!(std::fs::read(&path).expect("file"), b"new");
    assert_eq!(std::fs::read(&victim).expect("file"), b"kept");
    let names = std::fs::read_dir(directory.path()).expect("list");
    assert_eq!(names.count(), 2);
    let missing = replace(&directory.path().join("none/f"), b"", 0o600);
    assert_eq!(
        missing.expect_err("missing").kind(),
        io::ErrorKind::NotFound
    );
}

#[test]
fn root_writes_no_file_through_a_link_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (directory, victim) = file(b"kept");
    let home = directory.path().join("home");
    std::fs::create_dir(&home).expect("directory");
    std::os::unix::fs::chown(&home, Some(4711), Some(4711)).expect("owned");
    let link = home.join("link");
    std::os::unix::fs::symlink(&victim, &link).expect("link");
    let error = replace(&link, b"new", 0o600).expect_err("a link");
    assert!(
        error
            .to_string()
            .contains("link is a symbolic link in a directory"),
        "{error}"
    );
    assert_eq!(std::fs::read(&victim).expect("file"), b"kept");
}

#[test]
fn a_lock_is_not_made_through_a_link() {
    let (directory, path) = file(b"kept");
    let link = directory.path().join("link");
    std::os::unix::fs::symlink(directory.path().join("new"), &link).expect("link");
    assert!(open_lock(&link, 0o600).is_err());
    assert!(!directory.path().join("new").exists());
    drop(open_lock(&path, 0o600).expect("a file"));
    assert_eq!(std::fs::read(&path).expect("file"), b"kept");
}

#[test]
fn a_directory_stays_the_one_that_was_opened() {
    let (scratch, _) = file(b"");
    let path = scratch.path().join("a/b");
    let directory = Directory::make(&path, 0o700).expect("made");
    let below = directory.make_subdirectory("c", 0o755).expect("made");
    std::fs::rename(scratch.path().join("a"), scratch.path().join("moved")).expect("renamed");
    std::fs::create_dir_all(path.join("c")).expect("made");

    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
    drop(below.open_to_change("new", flags, 0o600).expect("made"));
    below.rename("new", &directory, "f").expect("renamed");
    assert_eq!(directory.read("f", 10).expect("there"), b"");
    assert!(directory.stat("f").expect("searched").is_some());
    let names = directory.names().expect("listed").map(Result::unwrap);
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["c", "f"]);
    directory.sync().expect("synced");
    directory.remove("f").expect("removed");
    assert!(directory.stat("f").expect("searched").is_none());
    assert_eq!(std::fs::read_dir(&path).expect("listed").count(), 1);
    assert!(!directory.is_of_another_user().expect("asked"));
}

#[test]
fn a_directory_leads_on_by_links_that_its_opener_wants() {
    let (scratch, path) = file(b"linked");
    let directory = scratch.path().join("d");
    std::fs::create_dir(&directory).expect("made");
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, directory.join(name)).expect("a link");
    };
    link(&path, "file");
    link(scratch.path(), "up");
    let by = |links| {
        let directory = Directory::open(&directory, links).expect("opened");
        let read = directory
            .read("file", 10)
            .map_err(|error| error.to_string());
        let up = directory.subdirectory("up");
        let up = up.and_then(|up| up.read("f", 10));
        (read, up.map_err(|error| error.to_string()))
    };
    let linked = || Ok(b"linked".to_vec());
    assert_eq!(by(Links::Any), (linked(), linked()));
    assert_eq!(by(Links::Trusted), (linked(), linked()));
    let is_a_link = Directory::open(&directory, Links::Trusted).expect("opened");
    let opened = is_a_link.open_to_change("file", OFlags::WRONLY, 0);
    assert!(opened.is_err());
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // Now anyone may have placed them.
    let others = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&directory, others).expect("a mode");
    assert_eq!(by(Links::Any), (linked(), linked()));
    let (read, up) = by(Links::Trusted);
    for (name, refused) in [("file", read), ("up", up)] {
        let why = refused.expect_err("refused");
        assert!(
            why.starts_with(&format!("{name} is a symbolic link in")),
            "{why}"
        );
    }
    std::os::unix::fs::chown(&directory, Some(4711), Some(4711)).expect("owned");
    let foreign = Directory::open(&directory, Links::Trusted).expect("opened");
    assert!(foreign.is_of_another_user().expect("asked"));
}
