//! After a failure an image is not pulled again for a while, longer after each failure (kubernetes
//! `client-go/util/flowcontrol/backoff.go` with the kubelet's numbers).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures by pod and image.
#[derive(Default)]
pub(super) struct Backoff(Mutex<HashMap<String, Failure>>);

struct Failure {
    delay: Duration,
    at: Instant,
    /// `<reason>: <message>`
    status: String,
}

impl Backoff {
    /// The status of the last failure, while its delay lasts.
    pub(super) fn waits(&self, key: &str) -> Option<String> {
        let failures = self.failures();
        let failure = failures.get(key)?;
        let since = failure.at.elapsed();
        (since < failure.delay).then(|| failure.status.clone())
    }

    /// Records a failure and its status.
    pub(super) fn failed(&self, key: &str, status: String) {
        let mut failures = self.failures();
        let delay = match failures.get(key) {
            Some(before) if before.at.elapsed() <= FORGOTTEN => (before.delay * 2).min(LONGEST),
            _ => FIRST,
        };
        let at = Instant::now();
        failures.insert(key.to_owned(), Failure { delay, at, status });
    }

    /// Forgets old failures.
    pub(super) fn sweep(&self) {
        let mut failures = self.failures();
        failures.retain(|_, failure| failure.at.elapsed() <= FORGOTTEN);
    }

    fn failures(&self) -> MutexGuard<'_, HashMap<String, Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);
const FORGOTTEN: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    async fn wait(seconds: u64) {
        advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_doubles_up_to_five_minutes() {
        let backoff = Backoff::default();
        assert_eq!(backoff.waits("a"), None);
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            backoff.failed("a", format!("after {seconds}"));
            wait(seconds - 1).await;
            assert_eq!(backoff.waits("a"), Some(format!("after {seconds}")));
            assert_eq!(backoff.waits("b"), None, "another pod or image");
            wait(1).await;
            assert_eq!(backoff.waits("a"), None, "{seconds}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failures_older_than_ten_minutes_do_not_count() {
        let backoff = Backoff::default();
        backoff.failed("a", String::new());
        wait(600).await;
        backoff.sweep();
        backoff.failed("a", String::new());
        wait(19).await;
        assert!(backoff.waits("a").is_some(), "the second in a row");
        wait(582).await;
        backoff.failed("a", String::new());
        wait(10).await;
        assert!(backoff.waits("a").is_none(), "the first again");
        wait(591).await;
        backoff.sweep();
        assert!(backoff.failures().is_empty());
    }
}
