//! A docker configuration file on this machine: our entries fresh, everything else untouched,
//! replaced as a whole, under a lock.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use regcred_core::Credentials;
use rustix::fs::{Gid, Uid};
use secrecy::{ExposeSecret as _, SecretString};

use crate::document::{Broken, Document, EntryForm};
use crate::report::Action;

/// Which file, and how it should look from outside.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) path: PathBuf,
    /// `user`, `user:group` or numbers; else as the file is.
    pub(crate) owner: Option<String>,
    /// Else as the file is, 0600 for a new one.
    pub(crate) mode: Option<u32>,
    /// Say what would be done.
    pub(crate) dry_run: bool,
}

/// A file that could not be changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot {what} {}", path.display())]
    Io {
        what: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} is left as it is", path.display())]
    Broken {
        path: PathBuf,
        #[source]
        source: Broken,
    },
    #[error("there is no user or group {0:?} on this machine")]
    Owner(String),
}

/// Writes these logins into the file.
pub(crate) fn set(write: &Write, logins: &[(String, Credentials)]) -> Result<Action, FileError> {
    change(write, |document| {
        for (host, login) in logins {
            document.set(host, login, EntryForm::Full);
        }
    })
}

/// Takes the entries of these hosts out of the file.
pub(crate) fn remove(write: &Write, hosts: &[String]) -> Result<Action, FileError> {
    if !write.path.exists() {
        return Ok(Action::Unchanged);
    }
    let action = change(write, |document| {
        for host in hosts {
            document.remove(host);
        }
    })?;
    Ok(match action {
        Action::Update => Action::Delete,
        other => other,
    })
}

fn change(write: &Write, edit: impl FnOnce(&mut Document)) -> Result<Action, FileError> {
    let fail = |what, path: &Path| {
        let path = path.to_owned();
        move |source| FileError::Io { what, path, source }
    };
    // The file itself, where its name is a link.
    let path = fs::canonicalize(&write.path).unwrap_or_else(|_| write.path.clone());
    let dir = path.parent().unwrap_or(Path::new("/"));
    if !write.dry_run {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(dir);
        made.map_err(fail("make", dir))?;
    }
    let _lock = match File::open(dir) {
        Ok(file) => {
            lock(&file).map_err(fail("lock", dir))?;
            Some(file)
        }
        Err(_) if write.dry_run => None,
        Err(error) => return Err(fail("open", dir)(error)),
    };
    let (text, meta) = read(&path).map_err(fail("read", &path))?;
    let mut document =
        Document::parse(text.expose_secret(), true).map_err(|source| FileError::Broken {
            path: path.clone(),
            source,
        })?;
    edit(&mut document);
    let changed = document.pretty();
    let look = Look::wanted(write, meta.as_ref())?;
    let same_text = Document::parse(text.expose_secret(), true)
        .is_ok_and(|old| old.compact().expose_secret() == document.compact().expose_secret());
    let action = match &meta {
        None => Action::Create,
        Some(meta) if same_text && look.is(meta) => return Ok(Action::Unchanged),
        Some(_) => Action::Update,
    };
    if !write.dry_run {
        replace(&path, &changed, &look).map_err(fail("write", &path))?;
    }
    Ok(action)
}

/// Owner and permissions.
struct Look {
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
}

impl Look {
    fn wanted(write: &Write, now: Option<&fs::Metadata>) -> Result<Self, FileError> {
        let mode = write.mode.or(now.map(|meta| meta.mode() & 0o777));
        let (uid, gid) = match &write.owner {
            Some(text) => owner(text)?,
            None => (None, None),
        };
        Ok(Self {
            mode: mode.unwrap_or(0o600),
            uid: uid.or(now.map(fs::Metadata::uid)),
            gid: gid.or(now.map(fs::Metadata::gid)),
        })
    }

    fn is(&self, meta: &fs::Metadata) -> bool {
        meta.mode() & 0o777 == self.mode
            && self.uid.is_none_or(|uid| uid == meta.uid())
            && self.gid.is_none_or(|gid| gid == meta.gid())
    }
}

/// `user`, `user:group` or numbers.
fn owner(text: &str) -> Result<(Option<u32>, Option<u32>), FileError> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let uid = (!user.is_empty())
        .then(|| id(user, "/etc/passwd"))
        .transpose()?;
    let gid = group.map(|group| id(group, "/etc/group")).transpose()?;
    Ok((uid, gid))
}

fn id(name: &str, file: &str) -> Result<u32, FileError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let number = line.and_then(|line| line.split(':').nth(2)?.parse().ok());
    number.ok_or_else(|| FileError::Owner(name.to_owned()))
}

/// Waits a while for whoever else changes files here.
fn lock(dir: &File) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        match dir.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= end => {
                return Err(io::Error::other("another program holds it"));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn read(path: &Path) -> io::Result<(SecretString, Option<fs::Metadata>)> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((SecretString::default(), None));
        }
        Err(error) => return Err(error),
    };
    let meta = file.metadata()?;
    let mut text = String::new();
    if file.take(MAX_FILE + 1).read_to_string(&mut text)? as u64 > MAX_FILE {
        return Err(io::Error::other("it is larger than 4 MiB"));
    }
    Ok((text.into(), Some(meta)))
}

/// Through a new file, on disk before it takes the old one's name.
fn replace(path: &Path, text: &SecretString, look: &Look) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    // Of an earlier process with the same number, killed in between.
    let _ = fs::remove_file(&temporary);
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        let meta = file.metadata()?;
        let uid = look.uid.filter(|uid| *uid != meta.uid()).map(Uid::from_raw);
        let gid = look.gid.filter(|gid| *gid != meta.gid()).map(Gid::from_raw);
        if uid.is_some() || gid.is_some() {
            rustix::fs::fchown(&file, uid, gid)?;
        }
        file.write_all(text.expose_secret().as_bytes())?;
        file.set_permissions(Permissions::from_mode(look.mode))?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

const PATIENCE: Duration = Duration::from_secs(10);
const MAX_FILE: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn login(password: &str) -> Vec<(String, Credentials)> {
        vec![("a.io".to_owned(), Credentials::new("u", password))]
    }

    #[test]
    fn foreign_entries_owner_and_mode_stay_and_nothing_is_written_twice() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("deep/config.json");
        let mut write = Write {
            path: path.clone(),
            owner: None,
            mode: None,
            dry_run: false,
        };
        assert_eq!(set(&write, &login("p")).expect("written"), Action::Create);
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let theirs = "{\n\t\"auths\": {\n\t\t\"x.io\": {\"auth\":\"eA==\"}\n\t},\n\t\"credsStore\": \"x\"\n}\n";
        fs::write(&path, theirs).expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
        assert_eq!(set(&write, &login("p")).expect("written"), Action::Update);
        let text = fs::read_to_string(&path).expect("there");
        assert!(text.contains("\"x.io\": {\"auth\":\"eA==\"}") && text.contains("credsStore"));
        assert!(text.contains("a.io"));
        let before = fs::metadata(&path).expect("there");
        assert_eq!(before.mode() & 0o777, 0o644);
        assert_eq!(set(&write, &login("p")).expect("same"), Action::Unchanged);
        assert_eq!(fs::metadata(&path).expect("there").ino(), before.ino());
        write.mode = Some(0o640);
        assert_eq!(set(&write, &login("p")).expect("mode"), Action::Update);
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o640);
        assert_eq!(
            remove(&write, &["a.io".to_owned()]).expect("out"),
            Action::Delete
        );
        assert_eq!(fs::read_to_string(&path).expect("there"), theirs);
        assert_eq!(
            fs::read_dir(path.parent().expect("a directory"))
                .expect("list")
                .count(),
            1
        );
    }

    #[test]
    fn a_broken_file_is_left_alone_and_a_dry_run_writes_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("config.json");
        let mut write = Write {
            path: path.clone(),
            owner: None,
            mode: None,
            dry_run: true,
        };
        assert_eq!(set(&write, &login("p")).expect("said"), Action::Create);
        assert!(!path.exists());
        write.dry_run = false;
        fs::write(&path, "{\"auths\": canary").expect("written");
        let error = set(&write, &login("p")).expect_err("broken");
        assert!(!regcred_core::report(&error).contains("canary"));
        assert_eq!(
            fs::read_to_string(&path).expect("there"),
            "{\"auths\": canary"
        );
    }

    #[test]
    fn owners_are_names_or_numbers() {
        assert_eq!(owner("0:7").expect("numbers"), (Some(0), Some(7)));
        assert_eq!(owner("root").expect("a name"), (Some(0), None));
        assert_eq!(owner("root:root").expect("names"), (Some(0), Some(0)));
        assert!(owner("nobody-at-all-x").is_err());
    }

    #[test]
    fn whoever_holds_the_lock_is_waited_for() {
        let dir = tempfile::tempdir().expect("a directory");
        let held = File::open(dir.path()).expect("open");
        held.lock().expect("locked");
        let path = dir.path().join("config.json");
        let other = std::thread::spawn(move || {
            let write = Write {
                path,
                owner: None,
                mode: None,
                dry_run: false,
            };
            set(&write, &login("p"))
        });
        std::thread::sleep(Duration::from_millis(60));
        assert!(!dir.path().join("config.json").exists());
        held.unlock().expect("unlocked");
        assert_eq!(
            other.join().expect("ended").expect("written"),
            Action::Create
        );
    }
}
