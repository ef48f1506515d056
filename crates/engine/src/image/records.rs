//! Whether a pod may use an image that is on the node already (KEP-2535, kubernetes
//! `pkg/kubelet/images/pullmanager/image_pull_manager.go`): who pulled it and with whose credential
//! is on record, and a pod that brings none of those has to pull it itself.
//!
//! The records are a kubelet's own files. Several processes may use them at the same time: what is
//! read, merged and written is so under a lock, and an intent is removed by the last process that
//! pulls the image. A kubelet does not know the lock. Where both write one record in the same
//! moment, the addition of one of them is lost, and a pod has to show its credential once more.

mod files;
mod intent;
mod merge;
mod policy;

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use regcred_api::RecordVersion;
use regcred_api::pull_record::{
    ImagePullCredentials, ImagePullIntent, ImagePullSecret, ImagePulledRecord, credential_text,
};
use regcred_core::{Clock, ImageRef, ServiceAccountCoordinates, hex};
use regcred_keyring::{Candidate, CredentialSource};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};

pub use files::RecordError;
pub use intent::PullIntent;
pub use policy::{Allowlist, PolicyError, VerificationPolicy};

use crate::image::store::ListedImage;
use files::{Kind, RecordFiles};
use intent::Intents;
use merge::merge;

/// The records below a kubelet's root directory. Cheap to clone; clones share the count of pulls.
#[derive(Clone, Debug)]
pub struct PullRecords(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    files: RecordFiles,
    intents: Intents,
    clock: Clock,
}

/// What a pod brings that may open an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PodCredentials {
    /// Its pull secrets' credentials for the image, in the order of the look-up.
    pub secrets: Vec<ImagePullSecret>,
    /// Its service account, if a plugin was sent its token.
    pub service_account: Option<ServiceAccountCoordinates>,
}

/// Whether a pod may use an image that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any pod may.
    Granted,
    /// No pod may without a pull.
    PullFirst,
    /// A pod with one of these may: see [`PullRecords::grant`].
    OnlyWith(ImagePullCredentials),
}

impl PullRecords {
    /// The records in `image_manager` below a kubelet's `--root-dir`. Makes the directories, for
    /// their owner alone.
    ///
    /// # Errors
    /// When they cannot be made.
    pub fn open(root_dir: impl AsRef<Path>, clock: Clock) -> Result<Self, RecordError> {
        Ok(Self(Arc::new(Inner {
            files: RecordFiles::open(root_dir.as_ref())?,
            intents: Intents::default(),
            clock,
        })))
    }

    /// Puts on record that a pull of an image, named as written, begins.
    ///
    /// # Errors
    /// When the intent cannot be written; then there must be no pull.
    pub fn begin(&self, image: &str) -> Result<PullIntent, RecordError> {
        self.0.intents.begin(&self.0.files, image)?;
        Ok(PullIntent::new(self.clone(), image))
    }

    /// Judges an image that is there, named as written, by policy and records alone. A record that
    /// cannot be read is an image to be pulled.
    #[must_use]
    pub fn judge(&self, policy: &VerificationPolicy, image: &str, image_ref: &str) -> Access {
        let record = match self.record(image_ref) {
            Ok(record) => record,
            Err(error) => {
                tracing::warn!(image, %error, "a pull record cannot be read");
                return Access::PullFirst;
            }
        };
        let pulled_by_kubelet = match record {
            Some(_) => true,
            None => match self.0.files.intent_exists(image) {
                Ok(exists) => exists,
                Err(error) => {
                    tracing::warn!(image, %error, "a pull intent cannot be read");
                    return Access::PullFirst;
                }
            },
        };
        if !policy.requires_verification(image, pulled_by_kubelet) {
            return Access::Granted;
        }
        let known = record.and_then(|mut record| {
            let name = without_tag_and_digest(image);
            record.credential_mapping.remove(name)
        });
        match known {
            None => Access::PullFirst,
            Some(known) if known.node_pods_accessible => Access::Granted,
            Some(known)
                if known.kubernetes_secrets.is_empty()
                    && known.kubernetes_service_accounts.is_empty() =>
            {
                Access::PullFirst
            }
            Some(known) => Access::OnlyWith(known),
        }
    }

    /// Whether what a pod brings is among what opens the image. A Secret that is new, or whose
    /// content has changed, is added to the record, as long as there are fewer than a hundred.
    #[must_use]
    pub fn grant(
        &self,
        image: &str,
        image_ref: &str,
        known: &ImagePullCredentials,
        pod: &PodCredentials,
    ) -> bool {
        let room = known.kubernetes_secrets.len() < MAX_LEARNED;
        for secret in &pod.secrets {
            for stored in &known.kubernetes_secrets {
                let same_hash = !stored.credential_hash.is_empty()
                    && secret.credential_hash == stored.credential_hash;
                let same_secret = is_same_secret(secret, stored);
                let good = same_hash || (same_secret && room);
                if !good {
                    continue;
                }
                if room && same_hash != same_secret {
                    let learned = ImagePullCredentials {
                        kubernetes_secrets: vec![secret.clone()],
                        ..ImagePullCredentials::default()
                    };
                    if let Err(error) = self.add(image, image_ref, Some(&learned)) {
                        tracing::warn!(image, %error, "a pull record cannot be extended");
                    }
                }
                return true;
            }
        }
        let account = pod.service_account.as_ref();
        account.is_some_and(|account| known.kubernetes_service_accounts.contains(account))
    }

    /// What is on record for an image of the runtime.
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn record(&self, image_ref: &str) -> Result<Option<ImagePulledRecord>, RecordError> {
        let record = self.0.files.record(image_ref)?;
        Ok(record.map(|(record, _)| record))
    }

    /// Settles what an earlier process left behind, given the runtime's images: an intent whose
    /// image is there becomes a record without credentials, so that the next pod has to show its
    /// own; records of the alpha version are written anew. Intents of pulls that are under way in
    /// any process stay.
    ///
    /// Gives what could not be settled; the rest is.
    pub fn settle(&self, images: &[ListedImage]) -> Vec<RecordError> {
        let mut failed = self.rewrite_alpha();
        let (intents, unreadable) = self.0.files.all(Kind::Pulling, ImagePullIntent::from_slice);
        failed.extend(unreadable);
        for (intent, _) in intents {
            let named = |image: &&ListedImage| image.names.contains(&intent.image);
            if self.0.intents.is_under_way(&self.0.files, &intent.image) {
                continue;
            }
            for image in images.iter().filter(named) {
                let settled = self
                    .add(&intent.image, &image.image_ref, None)
                    .and_then(|()| self.0.files.remove(Kind::Pulling, &intent.image));
                failed.extend(settled.err());
            }
        }
        failed
    }

    /// Removes the records of images that the runtime has no more, if they were last changed before
    /// the garbage collection began. Gives what could not be removed.
    pub fn prune(&self, image_refs: &[String], began: DateTime<Utc>) -> Vec<RecordError> {
        let (records, mut failed) = self
            .0
            .files
            .all(Kind::Pulled, ImagePulledRecord::from_slice);
        for (record, _) in records {
            let changed = DateTime::parse_from_rfc3339(&record.last_updated_time);
            let is_old = changed.is_ok_and(|changed| changed.to_utc() < began);
            if is_old && !image_refs.contains(&record.image_ref) {
                failed.extend(self.0.files.remove(Kind::Pulled, &record.image_ref).err());
            }
        }
        failed
    }

    /// Merges credentials into the record of an image; with none, makes sure that there is one.
    fn add(
        &self,
        image: &str,
        image_ref: &str,
        credentials: Option<&ImagePullCredentials>,
    ) -> Result<(), RecordError> {
        let files = &self.0.files;
        let _lock = files.lock()?;
        // What cannot be read is replaced: it grants nothing to anybody.
        let record = files.record(image_ref).ok().flatten();
        let name = without_tag_and_digest(image);
        let changed = match record {
            None => {
                let mut mapping = ImagePulledRecord::default().credential_mapping;
                if let Some(credentials) = credentials {
                    mapping.insert(name.to_owned(), credentials.clone());
                }
                Some(ImagePulledRecord {
                    image_ref: image_ref.to_owned(),
                    credential_mapping: mapping,
                    ..ImagePulledRecord::default()
                })
            }
            Some((mut record, _)) => {
                let changed = credentials.is_some_and(|new| merge(&mut record, name, new));
                changed.then_some(record)
            }
        };
        let Some(mut record) = changed else {
            return Ok(());
        };
        record.last_updated_time = self.0.clock.now().format(TIME_FORMAT).to_string();
        files.write(Kind::Pulled, image_ref, &record.to_vec())
    }

    /// Writes what the alpha releases left in the version of today. Gives what could not be written,
    /// and the records that cannot be read.
    fn rewrite_alpha(&self) -> Vec<RecordError> {
        let files = &self.0.files;
        let _lock = match files.lock() {
            Ok(lock) => lock,
            Err(error) => return vec![error],
        };
        let (intents, _) = files.all(Kind::Pulling, ImagePullIntent::from_slice);
        let (records, mut failed) = files.all(Kind::Pulled, ImagePulledRecord::from_slice);
        let intents = intents
            .iter()
            .filter(|(_, version)| *version != RecordVersion::LATEST)
            .map(|(intent, _)| files.write(Kind::Pulling, &intent.image, &intent.to_vec()));
        let records = records
            .iter()
            .filter(|(_, version)| *version != RecordVersion::LATEST)
            .map(|(record, _)| files.write(Kind::Pulled, &record.image_ref, &record.to_vec()));
        failed.extend(intents.chain(records).filter_map(Result::err));
        failed
    }
}

impl PodCredentials {
    /// What the candidates of a look-up amount to. The node's own credentials open nothing: they
    /// are every pod's.
    #[must_use]
    pub fn of(candidates: &[Candidate]) -> Self {
        let mut found = Self::default();
        for candidate in candidates {
            let of_one = credentials_of(Some(candidate));
            found.secrets.extend(of_one.kubernetes_secrets);
            let mut accounts = of_one.kubernetes_service_accounts.into_iter();
            found.service_account = found.service_account.or_else(|| accounts.next());
        }
        found
    }
}

/// What goes on record for the credential that worked; `None` is an anonymous pull.
pub(crate) fn credentials_of(candidate: Option<&Candidate>) -> ImagePullCredentials {
    let nobody = ImagePullCredentials::default;
    let Some(candidate) = candidate else {
        return ImagePullCredentials::of_the_node();
    };
    match &*candidate.source {
        CredentialSource::PullSecret {
            namespace,
            name,
            uid,
            ..
        } => ImagePullCredentials {
            kubernetes_secrets: vec![ImagePullSecret {
                namespace: namespace.clone(),
                name: name.clone(),
                uid: uid.clone(),
                credential_hash: credential_hash(candidate),
            }],
            ..nobody()
        },
        CredentialSource::Plugin {
            service_account: Some(account),
            ..
        } => ImagePullCredentials {
            kubernetes_service_accounts: vec![account.clone()],
            ..nobody()
        },
        CredentialSource::Plugin { .. } | CredentialSource::DockerConfig { .. } => {
            ImagePullCredentials::of_the_node()
        }
    }
}

/// The `credentialHash` of a login.
fn credential_hash(candidate: &Candidate) -> String {
    let login = &candidate.credentials;
    let text = credential_text(&login.username, &login.password);
    hex(Sha256::digest(text.expose_secret()))
}

/// A file without a manifest has no UID, and its name proves nothing.
fn is_same_secret(one: &ImagePullSecret, other: &ImagePullSecret) -> bool {
    let of = |secret: &ImagePullSecret| {
        let ImagePullSecret {
            namespace,
            name,
            uid,
            ..
        } = secret;
        (namespace.clone(), name.clone(), uid.clone())
    };
    !one.uid.is_empty() && of(one) == of(other)
}

/// An image's name as written, without tag and digest; `docker.io` is not filled in. What is no image
/// name stays as it is.
pub(crate) fn without_tag_and_digest(image: &str) -> &str {
    ImageRef::name_as_written(image).unwrap_or(image)
}

/// Beyond this many Secrets in a record, using the image adds no more.
const MAX_LEARNED: usize = 100;
/// RFC 3339 in whole seconds.
const TIME_FORMAT: &str = "%Y-%m-%dT%H:%M:%SZ";

#[cfg(test)]
mod tests;
