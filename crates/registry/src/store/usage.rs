//! Who uses the store: pulls at the same time, or one process that removes blobs.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use super::error::LayoutError;
use super::lock_file;

/// A lock, until it is dropped; `None` where locks do not work.
pub(super) struct Hold(Option<File>);

impl Drop for Hold {
    fn drop(&mut self) {
        // Closing the file unlocks it.
        drop(self.0.take());
    }
}

/// The store, used by pulls.
pub(super) fn shared(ingest: &Path) -> Result<Hold, LayoutError> {
    let end = Instant::now() + PATIENCE;
    take(ingest, |file| {
        loop {
            match file.try_lock_shared() {
                Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(PAUSE),
                other => return other,
            }
        }
    })
}

/// The store, used by this process alone. Does not wait for pulls.
pub(super) fn alone(ingest: &Path) -> Result<Hold, LayoutError> {
    take(ingest, |file| file.try_lock())
}

fn take(
    ingest: &Path,
    lock: impl FnOnce(&File) -> Result<(), TryLockError>,
) -> Result<Hold, LayoutError> {
    let (file, path) = lock_file::open(ingest, LOCK)?;
    match lock(&file) {
        Ok(()) => Ok(Hold(Some(file))),
        Err(TryLockError::WouldBlock) => Err(LayoutError::InUse { path }),
        Err(TryLockError::Error(_)) => Ok(Hold(None)),
    }
}

const LOCK: &str = "use.lock";
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(2);
