//! The kubelet's road from an image name to an image in the store (kubernetes
//! `pkg/kubelet/images/image_manager.go`, `EnsureImageExists`).

mod error;

use std::time::Duration;

use regcred_api::GoDuration;
use regcred_core::{Credentials, ImageRef};
use regcred_go::go_quote;
use regcred_keyring::Candidate;
use regcred_registry::{Layout, Progress, PullOptions, PulledImage, pull, stored};
use tokio::time::Instant;

pub use error::{PullError, PullReason};

use super::policy::PullPolicy;
use crate::credentials::{Attempt, Login, Pod, Refusal, Try};
use crate::engine::Engine;
use crate::plugin::PluginError;

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
        let name = image.name();
        let lookup = self.lookup(&name, &request.pod).await;
        let mut lookup = lookup.map_err(|error| PullError::lookup(written, &error))?;
        let trial = IntoLayout {
            engine: self,
            image: &image,
            options: &request.options,
            layout,
            progress,
        };
        let turn = self
            .try_in_turn(&name, &request.pod, &mut lookup, &trial)
            .await;
        outcome.failures = lookup.failures().cloned().collect();
        match turn.done {
            Some((image, candidate)) => {
                Ok(outcome.pulled(image, candidate.as_ref(), turn.attempts))
            }
            None => Err(PullError::pull(written, turn.attempts, outcome.failures)),
        }
    }
}

/// A pull with one credential.
struct IntoLayout<'a> {
    engine: &'a Engine,
    image: &'a ImageRef,
    options: &'a PullOptions,
    layout: &'a Layout,
    progress: &'a dyn Progress,
}

impl Try for IntoLayout<'_> {
    type Done = PulledImage;

    async fn with(&self, login: Option<&Credentials>) -> Result<PulledImage, Refusal> {
        let repository = self.engine.registry().repository(self.image, login);
        pull(
            &repository,
            self.layout,
            self.image,
            self.options,
            self.progress,
        )
        .await
        .map_err(|error| Refusal::from(&error))
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
