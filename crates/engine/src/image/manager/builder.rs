//! What an image manager is made of.

use std::sync::Arc;

use super::backoff::Backoff;
use super::limits::{Gate, LimitsError, PullLimits};
use super::{EnsureRequest, Event, ImageManager, Listener};
use crate::engine::Engine;
use crate::image::records::{PullRecords, VerificationPolicy};
use crate::image::store::ImageStore;

/// What an image manager is made of.
pub struct ImageManagerBuilder {
    engine: Engine,
    store: Arc<dyn ImageStore>,
    verified: Option<(PullRecords, VerificationPolicy)>,
    listener: Option<Arc<Listener>>,
    limits: PullLimits,
}

impl ImageManager {
    /// Begins a manager with a kubelet's default limits, and without records: what is there may be
    /// used by everybody.
    #[must_use]
    pub fn builder(engine: Engine, store: Arc<dyn ImageStore>) -> ImageManagerBuilder {
        ImageManagerBuilder {
            engine,
            store,
            verified: None,
            listener: None,
            limits: PullLimits::default(),
        }
    }
}

impl ImageManagerBuilder {
    /// Lets a pod use an image that is there only by the records of earlier pulls.
    #[must_use]
    pub fn verify(mut self, records: PullRecords, policy: VerificationPolicy) -> Self {
        self.verified = Some((records, policy));
        self
    }

    /// How many pulls there may be, and how often.
    #[must_use]
    pub fn limits(mut self, limits: PullLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Who hears of every event that a kubelet would record for the pod.
    #[must_use]
    pub fn on_event(
        mut self,
        listener: impl Fn(&EnsureRequest, &Event) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Makes the manager.
    ///
    /// # Errors
    /// For limits that a kubelet refuses.
    pub fn build(self) -> Result<ImageManager, LimitsError> {
        Ok(ImageManager {
            gate: Gate::new(self.limits)?,
            engine: self.engine,
            store: self.store,
            verified: self.verified,
            listener: self.listener,
            backoff: Backoff::new(),
        })
    }
}
