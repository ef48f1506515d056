//! The lock of one entry: `flock` on a file next to it. When its holder ends, for whatever reason, the
//! kernel releases it.

use std::fs::{File, TryLockError};
use std::io;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::dir::CacheDir;
use crate::failure::Failure;

/// The right to fetch, until dropped.
#[derive(Debug)]
pub(crate) struct EntryLock(File);

/// The result of trying to lock without waiting.
#[derive(Debug)]
pub(crate) enum Attempt {
    Held(EntryLock),
    Busy,
    /// The file system cannot lock, or the file cannot be made.
    Unavailable,
}

impl EntryLock {
    /// Takes the lock if no process holds it.
    pub(crate) fn attempt(dir: &CacheDir, name: &str) -> Attempt {
        for _ in 0..REOPENED {
            let Ok(file) = dir.open_lock(name) else {
                return Attempt::Unavailable;
            };
            match file.try_lock() {
                Ok(()) if dir.is_current(&file, name) => return Attempt::Held(Self(file)),
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Attempt::Busy,
                Err(TryLockError::Error(_)) => return Attempt::Unavailable,
            }
        }
        Attempt::Unavailable
    }

    /// Waits for the lock; `None` after the limit, or if the file system cannot lock.
    pub(crate) async fn wait(dir: &CacheDir, name: &str, limit: Duration) -> Option<Self> {
        let end = Instant::now() + limit;
        for _ in 0..REOPENED {
            let file = dir.open_lock(name).ok()?;
            let file = timeout_at(end, lock(file)).await.ok()?.ok()?;
            if dir.is_current(&file, name) {
                return Some(Self(file));
            }
        }
        None
    }

    /// Leaves a note for the processes that wait.
    pub(crate) fn leave(&self, failure: &Failure) {
        failure.leave(&self.0);
    }

    /// The note of the last holder.
    pub(crate) fn last_failure(&self) -> Option<Failure> {
        Failure::read(&self.0)
    }
}

/// Locks in a thread of its own. It is not one of the runtime's: a runtime waits for its threads at
/// its end, and this one may wait for longer than its caller. If the caller is gone, the file is not
/// received, and closing it releases the lock.
async fn lock(file: File) -> io::Result<File> {
    let (send, receive) = oneshot::channel();
    std::thread::Builder::new()
        .name("cache-lock".to_owned())
        .spawn(move || {
            let locked = loop {
                match file.lock() {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    other => break other,
                }
            };
            let _ = send.send(locked.map(|()| file));
        })?;
    receive.await.map_err(io::Error::other)?
}

/// How often a lock file may be swept away between opening and locking it.
const REOPENED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "name.lock";

    fn dir() -> (tempfile::TempDir, CacheDir) {
        let root = tempfile::tempdir().unwrap();
        let dir = CacheDir::open(&root.path().join("cache")).unwrap();
        (root, dir)
    }

    fn take(dir: &CacheDir) -> EntryLock {
        match EntryLock::attempt(dir, NAME) {
            Attempt::Held(lock) => lock,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_lock_goes_to_one_and_passes_on_when_dropped() {
        let (_root, dir) = dir();
        let held = take(&dir);
        assert!(matches!(EntryLock::attempt(&dir, NAME), Attempt::Busy));
        let waiting = EntryLock::wait(&dir, NAME, Duration::from_secs(60));
        let (next, ()) = tokio::join!(waiting, async { drop(held) });
        assert!(next.is_some());
    }

    #[tokio::test]
    async fn waiting_ends_in_time_and_leaves_no_lock_behind() {
        let (_root, dir) = dir();
        let held = take(&dir);
        assert!(
            EntryLock::wait(&dir, NAME, Duration::from_millis(20))
                .await
                .is_none()
        );
        drop(held);
        // The abandoned thread takes the lock and releases it at once.
        assert!(
            EntryLock::wait(&dir, NAME, Duration::from_secs(60))
                .await
                .is_some()
        );
    }

    #[test]
    fn a_lock_file_that_was_swept_away_does_not_count() {
        let (_root, dir) = dir();
        let held = take(&dir);
        assert!(dir.remove(NAME));
        let second = take(&dir);
        assert!(!dir.is_current(&held.0, NAME) && dir.is_current(&second.0, NAME));
    }
}
