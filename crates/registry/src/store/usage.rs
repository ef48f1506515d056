//! Who uses the store: pulls at the same time, or one process that removes blobs.

use std::fs::{File, TryLockError};
use std::time::{Duration, Instant};

use super::directories::Directories;
use super::error::LayoutError;

/// A lock, until it is dropped; `None` where locks do not work.
pub(super) struct Hold(Option<File>);

impl Drop for Hold {
    fn drop(&mut self) {
        // Closing the file unlocks it.
        drop(self.0.take());
    }
}

/// The store, used by pulls.
pub(super) fn shared(directories: &Directories) -> Result<Hold, LayoutError> {
    let end = Instant::now() + PATIENCE;
    take(directories, |file| {
        loop {
            match file.try_lock_shared() {
                Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(PAUSE),
                other => return other,
            }
        }
    })
}

/// The store, used by this process alone. Does not wait for pulls.
pub(super) fn alone(directories: &Directories) -> Result<Hold, LayoutError> {
    take(directories, |file| file.try_lock())
}

fn take(
    directories: &Directories,
    lock: impl FnOnce(&File) -> Result<(), TryLockError>,
) -> Result<Hold, LayoutError> {
    let (file, path) = directories.lock_file(LOCK)?;
    match lock(&file) {
        Ok(()) => Ok(Hold(Some(file))),
        Err(TryLockError::WouldBlock) => Err(LayoutError::InUse { path }),
        Err(TryLockError::Error(_)) => Ok(Hold(None)),
    }
}

const LOCK: &str = "use.lock";
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);
