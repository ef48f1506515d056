//! The kubelet's image manager (kubernetes `pkg/kubelet/images/image_manager.go`): what all pulls
//! into one store share.

use std::fmt;
use std::sync::Arc;

use super::backoff::Backoff;
use super::event::{Event, EventKind};
use super::limits::{Gate, LimitsError, PullLimits};
use super::records::{PullRecords, VerificationPolicy};
use super::request::PullRequest;
use super::store::ImageStore;
use crate::credentials::AttemptError;
use crate::engine::Engine;

/// Ensures that images are present in a store. Create one per store and share it.
pub struct ImageManager<S> {
    pub(super) engine: Engine,
    pub(super) store: S,
    pub(super) verified: Option<(PullRecords, VerificationPolicy)>,
    pub(super) listener: Option<Arc<Listener>>,
    pub(super) backoff: Backoff,
    pub(super) gate: Gate,
}

/// Builds an [`ImageManager`].
pub struct ImageManagerBuilder<S> {
    manager: ImageManager<S>,
    limits: PullLimits,
}

pub(super) type Listener = dyn Fn(&PullRequest, &Event) + Send + Sync;

impl<S: ImageStore> ImageManager<S> {
    /// Begins a manager with a kubelet's default limits, and without records: any pod may use any
    /// image that is present.
    #[must_use]
    pub fn builder(engine: Engine, store: S) -> ImageManagerBuilder<S> {
        ImageManagerBuilder {
            manager: Self::unlimited(engine, store),
            limits: PullLimits::default(),
        }
    }

    pub(super) fn unlimited(engine: Engine, store: S) -> Self {
        Self {
            engine,
            store,
            verified: None,
            listener: None,
            backoff: Backoff::default(),
            gate: Gate::default(),
        }
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Settles the records of earlier processes, as a kubelet does at its start. Without records it
    /// does nothing.
    ///
    /// # Errors
    /// When the store cannot be listed. A record that cannot be settled is logged.
    pub async fn start(&self) -> Result<(), AttemptError> {
        let Some((records, _)) = &self.verified else {
            return Ok(());
        };
        for error in records.settle(&self.store.images().await?) {
            tracing::warn!(error = %regcred_core::report(&error), "cannot settle a pull record");
        }
        Ok(())
    }

    pub(super) fn report(
        &self,
        request: &PullRequest,
        kind: EventKind,
        reason: &'static str,
        message: &str,
    ) {
        let event = Event {
            kind,
            reason,
            message: message.to_owned(),
        };
        tracing::debug!(image = request.image(), %event, "image event");
        if let Some(listener) = &self.listener {
            listener(request, &event);
        }
    }
}

impl<S> ImageManagerBuilder<S> {
    /// Lets a pod use an image that is present only by the records of earlier pulls.
    #[must_use]
    pub fn verify(mut self, records: PullRecords, policy: VerificationPolicy) -> Self {
        self.manager.verified = Some((records, policy));
        self
    }

    /// Sets how many pulls there may be, and how often.
    #[must_use]
    pub fn limits(mut self, limits: PullLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets a listener for every event that a kubelet would record for the pod.
    #[must_use]
    pub fn on_event(
        mut self,
        listener: impl Fn(&PullRequest, &Event) + Send + Sync + 'static,
    ) -> Self {
        self.manager.listener = Some(Arc::new(listener));
        self
    }

    /// Makes the manager without limits, for pulls that the caller bounds.
    #[must_use]
    pub fn build_unlimited(self) -> ImageManager<S> {
        self.manager
    }

    /// Makes the manager.
    ///
    /// # Errors
    /// For limits that a kubelet refuses.
    pub fn build(self) -> Result<ImageManager<S>, LimitsError> {
        Ok(ImageManager {
            gate: Gate::new(self.limits)?,
            ..self.manager
        })
    }
}

impl<S> fmt::Debug for ImageManager<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageManager")
            .field("engine", &self.engine)
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}
