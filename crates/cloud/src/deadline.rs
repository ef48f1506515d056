//! The time in which a provider has its answer.

use std::time::Duration;

use regcred_core::{ErrorKind, ProviderError};
use tokio::time::timeout;

use crate::Errors;

/// Waits for the whole answer of a provider.
///
/// # Errors
/// [`ErrorKind::Unreachable`] when it takes longer than [`DEADLINE`].
pub async fn in_time<T>(
    errors: Errors,
    answer: impl Future<Output = Result<T, ProviderError>>,
) -> Result<T, ProviderError> {
    let late = |_| {
        let message = format!("no token within {} s", DEADLINE.as_secs());
        errors.of_kind(ErrorKind::Unreachable, message)
    };
    timeout(DEADLINE, answer).await.map_err(late)?
}

/// How long a provider may take: 45 s. The kubelet kills a plugin after a minute, and the reason must
/// be printed before that.
pub const DEADLINE: Duration = Duration::from_secs(45);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_does_not_come_is_an_error_of_its_provider() {
        let icr = Errors::of("icr");
        let error = in_time::<()>(icr, std::future::pending()).await;
        let error = error.expect_err("late");
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(error.to_string(), "icr: no token within 45 s");
        assert_eq!(in_time(icr, async { Ok(1) }).await.expect("at once"), 1);
    }
}
