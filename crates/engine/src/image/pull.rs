//! A pull into a directory: an image manager's path without limits, back-off and records.

use regcred_registry::{Progress, PulledImage};

use super::ensure::PullOutcome;
use super::error::PullError;
use super::layout_store::LayoutStore;
use super::manager::ImageManager;
use super::request::PullRequest;
use crate::engine::Engine;

impl Engine {
    /// Ensures that an image is in a layout, by its pull policy: looks for it there, looks up
    /// credentials, and tries each in turn until one works, as [`Engine::with_credentials`] does.
    ///
    /// # Errors
    /// [`PullError`] with the kubelet's reason and message, and every attempt.
    pub async fn pull(
        &self,
        request: &PullRequest,
        store: &LayoutStore,
        progress: &dyn Progress,
    ) -> Result<PullOutcome<PulledImage>, PullError> {
        let manager = ImageManager::unlimited(self.clone(), store.clone());
        manager.ensure(request, progress).await
    }
}

#[cfg(test)]
mod tests;
