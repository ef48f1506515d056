//! What a call is doing now, so that a deadline can say where it hung.

use std::sync::{Mutex, PoisonError};

/// The present step of one call.
#[derive(Debug, Default)]
pub(crate) struct Journal(Mutex<String>);

impl Journal {
    /// Notes what begins now.
    pub(crate) fn now(&self, step: &str) {
        step.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What began last.
    pub(crate) fn last(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
