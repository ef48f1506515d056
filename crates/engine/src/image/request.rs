//! A container's request for an image.

use regcred_core::{ImageRef, ReferenceError};

use super::policy::PullPolicy;
use crate::credentials::Pod;

/// A container's request for an image.
#[derive(Clone, Debug)]
pub struct PullRequest {
    image: String,
    policy: Option<PullPolicy>,
    pod: Pod,
    pod_uid: String,
}

impl PullRequest {
    /// The image as written in the container, with the policy that the API server would fill in,
    /// for a pod without pull secrets and service account.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            policy: None,
            pod: Pod::new(),
            pod_uid: String::new(),
        }
    }

    /// Sets the pull policy.
    #[must_use]
    pub fn policy(mut self, policy: PullPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets the pod's credentials.
    #[must_use]
    pub fn pod(mut self, pod: Pod) -> Self {
        self.pod = pod;
        self
    }

    /// Sets the pod's UID: an image manager counts back-off by pod and image.
    #[must_use]
    pub fn pod_uid(mut self, uid: impl Into<String>) -> Self {
        self.pod_uid = uid.into();
        self
    }

    /// The image as written.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.image
    }

    pub(super) fn credentials(&self) -> &Pod {
        &self.pod
    }

    pub(super) fn effective_policy(&self) -> PullPolicy {
        self.policy
            .unwrap_or_else(|| PullPolicy::default_for(&self.image))
    }

    /// The back-off's key, in the kubelet's form.
    pub(super) fn backoff_key(&self) -> String {
        format!("{}_{}", self.pod_uid, self.image)
    }

    /// The image's names for the store and for the look-up.
    pub(super) fn names(&self) -> Result<Names, ReferenceError> {
        let parsed = ImageRef::parse(&self.image)?;
        let in_store = match parsed.tag().or(parsed.digest()) {
            Some(_) => self.image.clone(),
            None => format!("{}:latest", self.image),
        };
        Ok(Names {
            in_store,
            normalised: parsed.name(),
        })
    }
}

/// An image's names.
pub(super) struct Names {
    /// As written, with the default tag: for the store.
    pub(super) in_store: String,
    /// Normalised, without tag and digest: for keyrings and plugins.
    pub(super) normalised: String,
}
