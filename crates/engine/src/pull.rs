//! The kubelet's road from an image name to an image in the store (kubernetes
//! `pkg/kubelet/images/image_manager.go`, `EnsureImageExists`).

mod error;

use std::time::Duration;

use regcred_api::GoDuration;
use regcred_core::ImageRef;
use regcred_keyring::Candidate;
use regcred_registry::{Layout, Progress, PullOptions, PulledImage, RegistryError, pull, stored};
use tokio::time::Instant;

pub use error::{PullError, PullReason};

use crate::attempt::{Attempt, Login, in_turn};
use crate::engine::Engine;
use crate::plugin::PluginError;
use crate::pod::Pod;
use crate::policy::PullPolicy;
use crate::quote::go_quote;

/// One container's wish for an image.
#[derive(Clone, Debug)]
pub struct PullRequest {
    image: String,
    policy: Option<PullPolicy>,
    options: PullOptions,
    pod: Pod,
}

impl PullRequest {
    /// The image as written in the container, with the policy that the API server would fill in,
    /// for a pod that brings nothing.
    pub fn new(image: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            policy: None,
            options: PullOptions::default(),
            pod: Pod::new(),
        }
    }

    /// Sets the pull policy.
    #[must_use]
    pub fn policy(mut self, policy: PullPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    /// Sets platform and number of streams.
    #[must_use]
    pub fn options(mut self, options: PullOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets what the pod brings.
    #[must_use]
    pub fn pod(mut self, pod: Pod) -> Self {
        self.pod = pod;
        self
    }
}

/// An image that may be used now.
#[derive(Clone, Debug)]
pub struct PullOutcome {
    /// The image as written.
    pub written: String,
    /// The policy that was followed.
    pub policy: PullPolicy,
    /// Whether it was in the store already and no registry was asked.
    pub was_present: bool,
    /// The image in the store: digest, blobs, bytes.
    pub image: PulledImage,
    /// The credential that worked; `None` for an anonymous pull and for an image that was there.
    pub login: Option<Login>,
    /// The credentials that had not worked before it.
    pub attempts: Vec<Attempt>,
    /// Plugins that were asked and gave nothing.
    pub failures: Vec<PluginError>,
    /// How long it took.
    pub took: Duration,
}

impl PullOutcome {
    /// The text of the kubelet's event `Pulled`.
    #[must_use]
    pub fn message(&self) -> String {
        let image = go_quote(&self.written);
        if self.was_present {
            return format!("Container image {image} already present on machine");
        }
        let took = GoDuration::from(Duration::from_millis(
            u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        ));
        let size = self.image.size;
        format!(
            "Successfully pulled image {image} in {took} ({took} including waiting). \
             Image size: {size} bytes."
        )
    }
}

impl Engine {
    /// Sees to it that an image is in the store, by its pull policy: looks whether it is there,
    /// looks up credentials, tries each in turn until one works. Without any credential there is
    /// one anonymous attempt; with some there is none. A failure that no credential can cure ends
    /// the turn.
    ///
    /// # Errors
    /// [`PullError`] with the kubelet's reason and message, and every attempt.
    pub async fn pull(
        &self,
        request: &PullRequest,
        layout: &Layout,
        progress: &dyn Progress,
    ) -> Result<PullOutcome, PullError> {
        let began = Instant::now();
        let written = &request.image;
        let policy = request
            .policy
            .unwrap_or_else(|| PullPolicy::default_for(written));
        let image = ImageRef::parse(written)
            .map_err(|error| PullError::invalid_name(written, &error))?
            .with_default_tag();
        let mut outcome = Outcome {
            written: written.clone(),
            policy,
            began,
            failures: Vec::new(),
        };
        if policy != PullPolicy::Always {
            let found = stored(layout, &image, &request.options.platforms)
                .await
                .map_err(|error| PullError::inspect(written, &error))?;
            match (found, policy) {
                (Some(image), _) => return Ok(outcome.present(image)),
                (None, PullPolicy::Never) => return Err(PullError::never(written)),
                (None, _) => {}
            }
        }
        let lookup = self.lookup(&image.name(), &request.pod).await;
        let lookup = lookup.map_err(|error| PullError::lookup(written, &error))?;
        outcome.failures = lookup.failures().cloned().collect();
        let mut attempts = Vec::new();
        for turn in in_turn(&lookup.candidates) {
            let candidate = turn.map(|(_, candidate)| candidate);
            match self
                .pull_once(candidate, &image, request, layout, progress)
                .await
            {
                Ok(image) => return Ok(outcome.pulled(image, candidate, attempts)),
                Err(error) => {
                    let attempt = Attempt::failed(candidate, &error);
                    tracing::debug!(image = %image, %attempt, "attempt failed");
                    attempts.push(attempt);
                    if !error.is_curable_by_credential() {
                        break;
                    }
                }
            }
        }
        Err(PullError::pull(written, attempts, outcome.failures))
    }

    async fn pull_once(
        &self,
        candidate: Option<&Candidate>,
        image: &ImageRef,
        request: &PullRequest,
        layout: &Layout,
        progress: &dyn Progress,
    ) -> Result<PulledImage, RegistryError> {
        let login = candidate.map(|candidate| &candidate.credentials);
        let repository = self.registry().repository(image, login);
        pull(&repository, layout, image, &request.options, progress).await
    }
}

/// What is known of an outcome before it is one.
struct Outcome {
    written: String,
    policy: PullPolicy,
    began: Instant,
    failures: Vec<PluginError>,
}

impl Outcome {
    fn present(self, image: PulledImage) -> PullOutcome {
        PullOutcome {
            was_present: true,
            ..self.pulled(image, None, Vec::new())
        }
    }

    fn pulled(
        self,
        image: PulledImage,
        candidate: Option<&Candidate>,
        attempts: Vec<Attempt>,
    ) -> PullOutcome {
        PullOutcome {
            written: self.written,
            policy: self.policy,
            was_present: false,
            image,
            login: candidate.map(Login::of),
            attempts,
            failures: self.failures,
            took: self.began.elapsed(),
        }
    }
}

#[cfg(test)]
mod tests;
