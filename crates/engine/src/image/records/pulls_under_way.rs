//! Pulls under way: on record before they begin, so that an image whose pull was interrupted is not
//! taken for a preloaded one.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::sync::{Mutex, MutexGuard, PoisonError};

use regcred_api::pull_record::ImagePullIntent;

use super::files::{RecordError, RecordFiles};

/// The pulls of this process, by image as written.
#[derive(Debug, Default)]
pub(super) struct PullsUnderWay(Mutex<HashMap<String, UnderWay>>);

#[derive(Debug)]
struct UnderWay {
    pulls: usize,
    /// Shared by all processes that pull the image.
    _lock: File,
}

impl PullsUnderWay {
    pub(super) fn begin(&self, files: &RecordFiles, image: &str) -> Result<(), RecordError> {
        let mut pulls = self.pulls();
        let _all = files.lock()?;
        let intent = ImagePullIntent {
            image: image.to_owned(),
        };
        files.write(&intent)?;
        if let Some(known) = pulls.get_mut(image) {
            known.pulls += 1;
            return Ok(());
        }
        let (path, lock) = files.image_lock(image)?;
        lock.lock_shared().map_err(RecordError::io("lock", &path))?;
        let under_way = UnderWay {
            pulls: 1,
            _lock: lock,
        };
        pulls.insert(image.to_owned(), under_way);
        Ok(())
    }

    pub(super) fn end(&self, files: &RecordFiles, image: &str) -> Result<(), RecordError> {
        let mut pulls = self.pulls();
        if let Some(known) = pulls.get_mut(image)
            && known.pulls > 1
        {
            known.pulls -= 1;
            return Ok(());
        }
        let _all = files.lock()?;
        pulls.remove(image);
        remove_unless_pulled(files, image)
    }

    /// Counts a pull as ended whose result is not known: the intent stays on record.
    pub(super) fn abandon(&self, image: &str) {
        let mut pulls = self.pulls();
        match pulls.get_mut(image) {
            Some(known) if known.pulls > 1 => known.pulls -= 1,
            _ => drop(pulls.remove(image)),
        }
    }

    /// Whether any of our processes is pulling the image now.
    pub(super) fn is_under_way(&self, files: &RecordFiles, image: &str) -> bool {
        let pulls = self.pulls();
        if pulls.contains_key(image) {
            return true;
        }
        let free = || -> Result<bool, RecordError> {
            let _all = files.lock()?;
            let (path, lock) = files.image_lock(image)?;
            let free = lock.try_lock().is_ok();
            if free {
                let _ = fs::remove_file(&path);
            }
            Ok(free)
        };
        !free().unwrap_or(false)
    }

    /// Removes the intent of a pull that was interrupted, unless a pull of the image began in the
    /// meantime.
    pub(super) fn forget(&self, files: &RecordFiles, image: &str) -> Result<(), RecordError> {
        let pulls = self.pulls();
        if pulls.contains_key(image) {
            return Ok(());
        }
        let _all = files.lock()?;
        remove_unless_pulled(files, image)
    }

    fn pulls(&self) -> MutexGuard<'_, HashMap<String, UnderWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the intent, unless a process pulls the image. The lock of all must be held: under it alone
/// pulls begin and end.
fn remove_unless_pulled(files: &RecordFiles, image: &str) -> Result<(), RecordError> {
    let (path, lock) = files.image_lock(image)?;
    match lock.try_lock() {
        Ok(()) => {
            files.remove::<ImagePullIntent>(image)?;
            let _ = fs::remove_file(&path);
            Ok(())
        }
        Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(RecordError::io("lock", &path)(error)),
    }
}

#[cfg(test)]
mod tests;
