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
