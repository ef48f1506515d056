//! Whether this process may write: always, or while it holds a Lease.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::Clock;
use tokio::time::Instant;

/// Closed while another process may hold the Lease. Every write asks it right before it is sent: one that
/// has waited, or whose process was stopped, must not undo what another leader has written meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Fence(Mutex<Option<Tenure>>);

/// How long a Lease that was renewed counts.
#[derive(Debug)]
struct Tenure {
    clock: Clock,
    length: Duration,
    /// When it was renewed last, by both clocks.
    renewed: Option<(Instant, DateTime<Utc>)>,
}

impl Fence {
    /// From now on a Lease is needed; each renewal counts for this long.
    pub(crate) fn need_lease(&self, clock: Clock, length: Duration) {
        *self.lock() = Some(Tenure {
            clock,
            length,
            renewed: None,
        });
    }

    /// The Lease was renewed at this time, or is another's.
    pub(crate) fn renewed(&self, at: Option<(Instant, DateTime<Utc>)>) {
        if let Some(tenure) = &mut *self.lock() {
            tenure.renewed = at;
        }
    }

    /// Checked on the monotonic clock and on wall time: the former stops while the machine is suspended.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().as_ref().is_none_or(|tenure| {
            tenure.renewed.is_some_and(|(instant, wall)| {
                let by_wall = (tenure.clock.now() - wall)
                    .abs()
                    .to_std()
                    .unwrap_or_default();
                instant.elapsed() < tenure.length && by_wall < tenure.length
            })
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Tenure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_counts_for_its_time_on_both_clocks() {
        let seconds = Arc::new(AtomicI64::new(1_800_000_000));
        let wall = Arc::clone(&seconds);
        let clock = Clock::from_fn(move || {
            DateTime::from_timestamp(wall.load(Ordering::SeqCst), 0).expect("a time")
        });
        let fence = Fence::default();
        assert!(fence.is_open(), "no Lease is needed");
        fence.need_lease(clock.clone(), Duration::from_secs(10));
        assert!(!fence.is_open());
        let renew = || fence.renewed(Some((Instant::now(), clock.now())));
        renew();
        assert!(fence.is_open());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!fence.is_open(), "the process was stopped");
        renew();
        for jump in [11, -22] {
            seconds.fetch_add(jump, Ordering::SeqCst);
            assert!(
                !fence.is_open(),
                "the machine was suspended, or its clock was set"
            );
        }
        renew();
        assert!(fence.is_open());
        fence.renewed(None);
        assert!(!fence.is_open());
    }
}
