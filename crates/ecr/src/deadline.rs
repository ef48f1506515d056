//! The time in which a request must be answered.

use regcred_cloud::DEADLINE;
use regcred_core::{ErrorKind, ProviderError};
use tokio::time::{Instant, timeout_at};

use crate::ERRORS;

/// The end of one request's time. Each step waits through it, so that the error names the step that
/// was under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// Starts now and ends before the kubelet's own.
    pub(crate) fn start() -> Self {
        Self(Instant::now() + DEADLINE)
    }

    /// Waits for a step. `what` names it when the time ends first.
    pub(crate) async fn wait<F: Future>(
        self,
        what: impl FnOnce() -> String,
        step: F,
    ) -> Result<F::Output, ProviderError> {
        timeout_at(self.0, step).await.map_err(|_| {
            let time = DEADLINE.as_secs();
            let text = format!("no result within {time} s, it was waiting for {}", what());
            let step = "check the route to it, or try again later";
            ERRORS
                .of_kind(ErrorKind::Unreachable, text)
                .with_next_step(step.to_owned())
        })
    }
}
