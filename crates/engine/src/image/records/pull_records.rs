//! The records of a node: what is written when an image is pulled, and what they allow.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use regcred_api::pull_record::{ImagePullCredentials, ImagePullIntent, ImagePulledRecord};
use regcred_core::Clock;

use super::files::{RecordError, RecordFiles};
use super::merge::{is_same_secret, merge};
use super::pod_credentials::PodCredentials;
use super::policy::{VerificationPolicy, without_tag_and_digest};
use super::pulls_under_way::PullsUnderWay;
use crate::image::store::ListedImage;

/// The records below a kubelet's root directory. Cheap to clone; clones share the count of pulls.
#[derive(Clone, Debug)]
pub struct PullRecords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: RecordFiles,
    pulls: PullsUnderWay,
    clock: Clock,
}

/// Whether a pod may use an image that is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any pod may.
    Granted,
    /// No pod may without a pull.
    PullFirst,
    /// A pod with one of these may: see [`PullRecords::grant`].
    OnlyWith(ImagePullCredentials),
}

/// A pull on record. Report how it ended. If a value is dropped before that, the intent stays until
/// the next start, which is safe: the image then counts as pulled with unknown credentials.
#[derive(Debug)]
#[must_use = "an intent stays on record until the end of its pull is reported"]
pub struct PullIntent {
    records: PullRecords,
    image: String,
    ended: bool,
}

impl PullRecords {
    /// The records in `image_manager` below a kubelet's `--root-dir`. Creates the directories, for
    /// their owner alone.
    ///
    /// # Errors
    /// When they cannot be created.
    pub fn open(root_dir: impl AsRef<Path>, clock: Clock) -> Result<Self, RecordError> {
        Ok(Self(Arc::new(Inner {
            files: RecordFiles::open(root_dir.as_ref())?,
            pulls: PullsUnderWay::default(),
            clock,
        })))
    }

    /// Records that a pull of an image, named as written, begins.
    ///
    /// # Errors
    /// When the intent cannot be written; then there must be no pull.
    pub fn begin(&self, image: &str) -> Result<PullIntent, RecordError> {
        self.0.pulls.begin(&self.0.files, image)?;
        Ok(PullIntent {
            records: self.clone(),
            image: image.to_owned(),
            ended: false,
        })
    }

    /// Judges an image that is present, named as written, by policy and records alone. If a record
    /// cannot be read, the image must be pulled.
    #[must_use]
    pub fn judge(&self, policy: &VerificationPolicy, image: &str, image_ref: &str) -> Access {
        let files = &self.0.files;
        let look_up = || -> Result<_, RecordError> {
            let record = files.find::<ImagePulledRecord>(image_ref)?;
            let is_known = record.is_some() || files.find::<ImagePullIntent>(image)?.is_some();
            Ok((record, is_known))
        };
        let (record, pulled_by_kubelet) = match look_up() {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(image, %error, "cannot use a pull record");
                return Access::PullFirst;
            }
        };
        if !policy.requires_verification(image, pulled_by_kubelet) {
            return Access::Granted;
        }
        let known = record.and_then(|mut record| {
            let name = without_tag_and_digest(image);
            record.credential_mapping.remove(name)
        });
        match known {
            Some(known) if known.node_pods_accessible => Access::Granted,
            Some(known) if known != ImagePullCredentials::default() => Access::OnlyWith(known),
            _ => Access::PullFirst,
        }
    }

    /// Whether one of the pod's credentials is among those that give access to the image. A Secret
    /// that is new, or whose content has changed, is added to the record, as long as it has fewer
    /// than a hundred.
    #[must_use]
    pub fn grant(
        &self,
        image: &str,
        image_ref: &str,
        known: &ImagePullCredentials,
        pod: &PodCredentials,
    ) -> bool {
        let has_room = known.kubernetes_secrets.len() < MAX_LEARNED;
        for secret in &pod.secrets {
            for stored in &known.kubernetes_secrets {
                let same_hash = !stored.credential_hash.is_empty()
                    && secret.credential_hash == stored.credential_hash;
                let same_secret = is_same_secret(secret, stored);
                if !(same_hash || (same_secret && has_room)) {
                    continue;
                }
                if has_room && same_hash != same_secret {
                    let learned = ImagePullCredentials {
                        kubernetes_secrets: vec![secret.clone()],
                        ..ImagePullCredentials::default()
                    };
                    if let Err(error) = self.add(image, image_ref, Some(&learned)) {
                        tracing::warn!(image, %error, "cannot extend a pull record");
                    }
                }
                return true;
            }
        }
        let account = pod.service_account.as_ref();
        account.is_some_and(|account| known.kubernetes_service_accounts.contains(account))
    }

    /// The record of an image, by the runtime's ID.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn record(&self, image_ref: &str) -> Result<Option<ImagePulledRecord>, RecordError> {
        self.0.files.find(image_ref)
    }

    /// Settles what an earlier process left, given the runtime's images: an intent whose image is
    /// present becomes a record without credentials, so that the next pod has to show its own;
    /// records of the alpha version are rewritten. Intents of pulls that are under way in any
    /// process stay.
    ///
    /// Returns why some could not be settled; the others are.
    pub fn settle(&self, images: &[ListedImage]) -> Vec<RecordError> {
        let files = &self.0.files;
        let mut failed = files.rewrite_alpha();
        let (intents, _) = files.all::<ImagePullIntent>();
        for (ImagePullIntent { image: written }, _) in intents {
            if self.0.pulls.is_under_way(files, &written) {
                continue;
            }
            for image in images.iter().filter(|image| image.names.contains(&written)) {
                let settled = self.add(&written, &image.image_ref, None);
                let settled = settled.and_then(|()| self.0.pulls.forget(files, &written));
                failed.extend(settled.err());
            }
        }
        failed
    }

    /// Removes the records of images that the runtime no longer has, if they were last written
    /// before the garbage collection began. Returns why some could not be removed.
    pub fn prune(&self, image_refs: &[String], began: DateTime<Utc>) -> Vec<RecordError> {
        // Without its record an image that was pulled meanwhile would count as preloaded.
        let _lock = match self.0.files.lock() {
            Ok(lock) => lock,
            Err(error) => return vec![error],
        };
        let began = began.trunc_subsecs(0);
        let (records, mut failed) = self.0.files.all::<ImagePulledRecord>();
        for (record, _) in records {
            let changed = DateTime::parse_from_rfc3339(&record.last_updated_time);
            let is_old = changed.is_ok_and(|changed| changed.to_utc() < began);
            if is_old && !image_refs.contains(&record.image_ref) {
                let removed = self.0.files.remove::<ImagePulledRecord>(&record.image_ref);
                failed.extend(removed.err());
            }
        }
        failed
    }

    /// Merges credentials into the record of an image; with none, makes sure that there is one. A record
    /// that has them is written as well: its time shows a garbage collection that the image is there again.
    fn add(
        &self,
        image: &str,
        image_ref: &str,
        credentials: Option<&ImagePullCredentials>,
    ) -> Result<(), RecordError> {
        let files = &self.0.files;
        let _lock = files.lock()?;
        let name = without_tag_and_digest(image);
        // A record that cannot be read is replaced: it gives no access to any pod.
        let mut record = match files.find(image_ref).ok().flatten() {
            Some(mut record) => {
                if let Some(new) = credentials {
                    merge(&mut record, name, new);
                }
                record
            }
            None => ImagePulledRecord {
                image_ref: image_ref.to_owned(),
                credential_mapping: credentials
                    .map(|new| (name.to_owned(), new.clone()))
                    .into_iter()
                    .collect(),
                ..ImagePulledRecord::default()
            },
        };
        record.last_updated_time = self.0.clock.now().format(TIME_FORMAT).to_string();
        files.write(&record)
    }
}

impl PullIntent {
    /// Reports that the pull was a success: writes or extends the image's record, then removes the
    /// intent.
    ///
    /// # Errors
    /// When the record cannot be written; the intent stays then, and the next start settles it.
    pub fn pulled(
        mut self,
        image_ref: &str,
        credentials: &ImagePullCredentials,
    ) -> Result<(), RecordError> {
        self.records
            .add(&self.image, image_ref, Some(credentials))?;
        self.end()
    }

    /// Reports that the pull failed: removes the intent.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub fn failed(mut self) -> Result<(), RecordError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), RecordError> {
        let inner = &self.records.0;
        self.ended = true;
        inner.pulls.end(&inner.files, &self.image)
    }
}

impl Drop for PullIntent {
    fn drop(&mut self) {
        if !self.ended {
            self.records.0.pulls.abandon(&self.image);
        }
    }
}

/// From this many Secrets in a record on, using the image adds no more.
const MAX_LEARNED: usize = 100;
/// RFC 3339 in whole seconds.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

#[cfg(test)]
mod tests;
