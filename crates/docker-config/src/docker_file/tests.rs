use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::sync::mpsc;

use crate::document::{EntryForm, EntryLogin};

use super::*;

fn set(file: &DockerFile, dry_run: bool) -> Result<Change, FileError> {
    let login = EntryLogin {
        username: "u",
        password: &"p".into(),
        email: "",
    };
    let done = file.edit(dry_run, |document| {
        document.set("a.io", &login, EntryForm::Full);
        Ok(())
    });
    done.map(|(change, ())| change)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").mode() & 0o777
}

#[test]
fn foreign_entries_owner_and_mode_stay_and_nothing_is_written_twice() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("deep/config.json");
    let mut file = DockerFile::new(&path);
    assert_eq!(set(&file, false).expect("written"), Change::Created);
    assert_eq!(mode(&path), 0o600);
    let theirs =
        "{\n\t\"auths\": {\n\t\t\"x.io\": {\"auth\":\"eA==\"}\n\t},\n\t\"credsStore\": \"x\"\n}\n";
    fs::write(&path, theirs).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
    assert_eq!(set(&file, false).expect("written"), Change::Updated);
    let text = fs::read_to_string(&path).expect("there");
    assert!(text.contains("\"x.io\": {\"auth\":\"eA==\"}") && text.contains("credsStore"));
    assert!(text.contains("a.io"));
    let before = fs::metadata(&path).expect("there");
    assert_eq!(before.mode() & 0o777, 0o644);
    assert_eq!(set(&file, false).expect("same"), Change::Unchanged);
    assert_eq!(fs::metadata(&path).expect("there").ino(), before.ino());
    file.mode = Some(0o640);
    assert_eq!(set(&file, false).expect("mode"), Change::Updated);
    assert_eq!(mode(&path), 0o640);
    let removed = file.edit(false, |document| Ok(document.remove("a.io")));
    assert_eq!(removed.expect("out"), (Change::Updated, true));
    assert_eq!(fs::read_to_string(&path).expect("there"), theirs);
    let files = fs::read_dir(path.parent().expect("a directory")).expect("list");
    assert_eq!(files.count(), 1);
}

#[test]
fn what_killed_processes_left_beside_a_file_is_removed_by_the_next_edit() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = DockerFile::new(dir.path().join("config.json"));
    let names = ["config.json.1.tmp", "config.json.4711.tmp"];
    let others = ["config.json.tmp", "config.json.x.tmp", "other.json.1.tmp"];
    assert_eq!(set(&file, false).expect("written"), Change::Created);
    for name in names.iter().chain(&others) {
        fs::write(dir.path().join(name), "{").expect("written");
    }
    assert_eq!(set(&file, true).expect("dry"), Change::Unchanged);
    assert!(names.iter().all(|name| dir.path().join(name).exists()));
    assert_eq!(set(&file, false).expect("same"), Change::Unchanged);
    assert!(names.iter().all(|name| !dir.path().join(name).exists()));
    assert!(others.iter().all(|name| dir.path().join(name).exists()));
}

#[test]
fn a_broken_file_is_left_alone_and_a_dry_run_writes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    let file = DockerFile::new(&path);
    assert_eq!(set(&file, true).expect("edited"), Change::Created);
    assert!(!path.exists());
    fs::write(&path, "{\"auths\": canary").expect("written");
    let error = set(&file, false).expect_err("broken");
    assert!(!regcred_core::report(&error).contains("canary"));
    let text = fs::read_to_string(&path).expect("there");
    assert_eq!(text, "{\"auths\": canary");
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    fs::write(&path, vec![b' '; 4 << 20]).expect("written");
    assert!(read(&path).is_ok());
    fs::write(&path, vec![b' '; (4 << 20) + 1]).expect("written");
    for error in [
        read(&path).expect_err("large"),
        set(&DockerFile::new(&path), false).expect_err("large"),
    ] {
        let text = regcred_core::report(&error);
        assert!(text.ends_with("it is larger than 4 MiB"), "{text}");
    }
    assert!(read(&dir.path().join("none")).is_err());
}

#[test]
fn a_link_is_followed_but_its_target_keeps_its_owner() {
    let dir = tempfile::tempdir().expect("a directory");
    let (path, real) = (dir.path().join("config.json"), dir.path().join("real.json"));
    fs::write(&real, "{}").expect("written");
    symlink(&real, &path).expect("a link");
    let mut file = DockerFile::new(&path);
    assert_eq!(set(&file, false).expect("written"), Change::Updated);
    assert!(fs::symlink_metadata(&path).expect("there").is_symlink());
    let text = fs::read_to_string(&real).expect("there");
    assert!(text.contains("a.io"));
    let other = fs::metadata(&real).expect("there").uid() + 1;
    file.owner = Some(other.to_string());
    let error = set(&file, true).expect_err("another's");
    assert!(matches!(error, FileError::Link(..)), "{error}");
}

#[test]
fn owners_are_names_or_numbers() {
    let owner = crate::ownership::ids;
    assert_eq!(owner("0:7").expect("numbers"), (Some(0), Some(7)));
    assert_eq!(owner("root").expect("a name"), (Some(0), None));
    assert_eq!(owner("root:root").expect("names"), (Some(0), Some(0)));
    assert!(owner("no-such-user-x").is_err());
}

#[test]
fn an_edit_waits_for_the_lock() {
    let dir = tempfile::tempdir().expect("a directory");
    let held = File::open(dir.path()).expect("open");
    held.lock().expect("locked");
    let path = dir.path().join("config.json");
    let (sender, receiver) = mpsc::channel();
    let other = std::thread::spawn(move || {
        sender.send(()).expect("sent");
        set(&DockerFile::new(path), false)
    });
    receiver.recv().expect("it has begun");
    assert!(!dir.path().join("config.json").exists());
    held.unlock().expect("unlocked");
    let done = other.join().expect("ended");
    assert_eq!(done.expect("written"), Change::Created);
}

/// The home of another user, with a directory of root's beside it; `None` unless root runs the test.
fn homes() -> Option<(tempfile::TempDir, PathBuf, PathBuf)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (home, roots) = (dir.path().join("home"), dir.path().join("roots"));
    for path in [&home, &home.join(".docker"), &roots] {
        fs::create_dir(path).expect("a directory");
    }
    for path in [&home, &home.join(".docker")] {
        std::os::unix::fs::chown(path, Some(USER), Some(USER)).expect("owned");
    }
    Some((dir, home, roots))
}

fn of_user(home: &Path) -> DockerFile {
    DockerFile {
        owner: Some(USER.to_string()),
        ..DockerFile::new(home.join(".docker/config.json"))
    }
}

/// A user of no name.
const USER: u32 = 4711;

#[test]
fn root_follows_no_link_that_the_owner_of_a_home_made() {
    let Some((_dir, home, roots)) = homes() else {
        return;
    };
    let file = of_user(&home);
    assert_eq!(set(&file, false).expect("written"), Change::Created);
    assert_eq!(fs::metadata(&file.path).expect("there").uid(), USER);
    assert_eq!(set(&file, false).expect("written"), Change::Unchanged);
    let (real, secret) = (home.join(".docker"), roots.join("config.json"));
    // A link as the file, to one that exists and to one that does not.
    for exists in [false, true] {
        if exists {
            fs::write(&secret, "{}").expect("written");
        }
        fs::remove_file(&file.path).expect("removed");
        symlink(&secret, &file.path).expect("a link");
        let error = regcred_core::report(&set(&file, false).expect_err("a link"));
        assert!(
            error.contains("config.json is a symbolic link in a directory that users"),
            "{error}"
        );
    }
    // A hard link is root's file under a name of the user's.
    fs::remove_file(&file.path).expect("removed");
    fs::hard_link(&secret, &file.path).expect("a link");
    let error = set(&file, false).expect_err("root's");
    assert!(matches!(error, FileError::Foreign(_, 0)), "{error}");
    assert!(
        set(&DockerFile::new(&file.path), false).is_err(),
        "without an owner too"
    );
    // A link as the directory.
    fs::remove_dir_all(&real).expect("removed");
    symlink(&roots, &real).expect("a link");
    let error = regcred_core::report(&set(&file, false).expect_err("a link"));
    assert!(error.contains(".docker is a symbolic link"), "{error}");
    let deeper = DockerFile::new(home.join(".docker/new/config.json"));
    assert!(set(&deeper, false).is_err());
    let names: Vec<_> = fs::read_dir(&roots).expect("list").flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(fs::read_to_string(&secret).expect("there"), "{}");
    assert_eq!(fs::metadata(&secret).expect("there").uid(), 0);
    // Where only root may change the directory, a link is the administrator's.
    let (own, target) = (roots.join("own.json"), roots.join("target.json"));
    symlink(&target, &own).expect("a link");
    assert_eq!(
        set(&DockerFile::new(&own), false).expect("written"),
        Change::Created
    );
    assert!(fs::read_to_string(target).expect("there").contains("a.io"));
}

#[test]
fn a_directory_that_becomes_a_link_while_root_writes_leads_nowhere() {
    let Some((_dir, home, roots)) = homes() else {
        return;
    };
    let secret = roots.join("config.json");
    fs::write(&secret, "{\"auths\":{}}").expect("written");
    let (docker, link) = (home.join(".docker"), home.join("link"));
    symlink(&roots, &link).expect("a link");
    let file = of_user(&home);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let flags = rustix::fs::RenameFlags::EXCHANGE;
                let cwd = rustix::fs::CWD;
                rustix::fs::renameat_with(cwd, &docker, cwd, &link, flags).expect("exchanged");
            }
        });
        // Each is either done in the directory or refused, whichever has the name then.
        for _ in 0..100 {
            drop(set(&file, false));
            drop(file.edit(false, |document| Ok(document.remove("a.io"))));
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let names: Vec<_> = fs::read_dir(&roots).expect("list").flatten().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert_eq!(
        fs::read_to_string(&secret).expect("there"),
        "{\"auths\":{}}"
    );
    assert_eq!(fs::metadata(&secret).expect("there").uid(), 0);
    assert_eq!(fs::metadata(&roots).expect("there").uid(), 0);
}
