//! What holds replies back until a test has everything in place.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A gate, closed at first. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Semaphore>);

impl Gate {
    /// A closed gate.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets everything through, from now on.
    pub fn open(&self) {
        self.0.close();
    }

    /// Ends when the gate is open.
    pub(super) async fn passed(&self) {
        // There are no permits: what ends the wait is that no more can come.
        let _ = self.0.acquire().await;
    }
}
