//! Pulls under way: on record before they begin, so that an image which came while nobody was
//! looking is not taken for one that was always there.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::sync::{Mutex, MutexGuard, PoisonError};

use regcred_api::pull_record::{ImagePullCredentials, ImagePullIntent};

use super::files::{Kind, RecordFiles};
use super::{PullRecords, RecordError};

/// The pulls of this process, by image as written.
#[derive(Debug, Default)]
pub(super) struct Intents(Mutex<HashMap<String, UnderWay>>);

#[derive(Debug)]
struct UnderWay {
    pulls: usize,
    /// Shared by all processes that pull the image.
    _lock: File,
}

/// A pull on record. Say how it ended; a value that is dropped without leaves the intent to the next
/// start, which is safe: the image counts as pulled by nobody known.
#[derive(Debug)]
#[must_use = "an intent stays on record until its pull is said to have ended"]
pub struct PullIntent {
    records: PullRecords,
    image: String,
    ended: bool,
}

impl PullIntent {
    pub(super) fn new(records: PullRecords, image: &str) -> Self {
        Self {
            records,
            image: image.to_owned(),
            ended: false,
        }
    }

    /// The pull gave an image. Writes or extends its record, then takes the intent back.
    ///
    /// # Errors
    /// When the record cannot be written; the intent stays then, and the next start settles it.
    pub fn pulled(
        mut self,
        image_ref: &str,
        credentials: &ImagePullCredentials,
    ) -> Result<(), RecordError> {
        let added = self.records.add(&self.image, image_ref, Some(credentials));
        added.and_then(|()| self.end())
    }

    /// The pull failed. Takes the intent back.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn failed(mut self) -> Result<(), RecordError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), RecordError> {
        let inner = &self.records.0;
        self.ended = true;
        inner.intents.end(&inner.files, &self.image)
    }
}

impl Drop for PullIntent {
    fn drop(&mut self) {
        if !self.ended {
            self.records.0.intents.abandon(&self.image);
        }
    }
}

impl Intents {
    pub(super) fn begin(&self, files: &RecordFiles, image: &str) -> Result<(), RecordError> {
        let mut pulls = self.pulls();
        let _all = files.lock()?;
        let intent = ImagePullIntent {
            image: image.to_owned(),
        };
        files.write(Kind::Pulling, image, &intent.to_vec())?;
        if let Some(known) = pulls.get_mut(image) {
            known.pulls += 1;
            return Ok(());
        }
        let (path, lock) = files.image_lock(image)?;
        lock.lock_shared()
            .map_err(|error| RecordError::cannot_lock(&path, error))?;
        let under_way = UnderWay {
            pulls: 1,
            _lock: lock,
        };
        pulls.insert(image.to_owned(), under_way);
        Ok(())
    }

    fn end(&self, files: &RecordFiles, image: &str) -> Result<(), RecordError> {
        let mut pulls = self.pulls();
        if let Some(known) = pulls.get_mut(image)
            && known.pulls > 1
        {
            known.pulls -= 1;
            return Ok(());
        }
        let _all = files.lock()?;
        pulls.remove(image);
        let (path, lock) = files.image_lock(image)?;
        match lock.try_lock() {
            // The last of all processes.
            Ok(()) => {
                files.remove(Kind::Pulling, image)?;
                let _ = fs::remove_file(&path);
                Ok(())
            }
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(error)) => Err(RecordError::cannot_lock(&path, error)),
        }
    }

    /// A pull is over and nobody knows how: the intent stays on record, and nobody waits for it.
    fn abandon(&self, image: &str) {
        let mut pulls = self.pulls();
        match pulls.get_mut(image) {
            Some(known) if known.pulls > 1 => known.pulls -= 1,
            _ => drop(pulls.remove(image)),
        }
    }

    /// Whether any process of ours pulls the image now.
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

    fn pulls(&self) -> MutexGuard<'_, HashMap<String, UnderWay>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
