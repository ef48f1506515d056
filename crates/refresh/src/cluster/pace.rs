//! How fast something may happen: a rate with a burst, and a hold for all when the server asks for one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A rate with a burst.
#[derive(Debug)]
pub(super) struct Pace {
    each: Duration,
    burst: Duration,
    /// When the turns taken so far are paid for at the rate.
    paid: Mutex<Instant>,
}

impl Pace {
    /// One turn in each period, and after a rest up to `burst` of them at once; a period of zero means
    /// unlimited.
    pub(super) fn new(each: Duration, burst: u32) -> Self {
        Self {
            each,
            burst: each.saturating_mul(burst),
            paid: Mutex::new(Instant::now()),
        }
    }

    /// Waits for this caller's turn.
    pub(super) async fn turn(&self) {
        let paid = {
            let mut paid = self.paid();
            *paid = (*paid).max(Instant::now()) + self.each;
            *paid
        };
        if let Some(at) = paid.checked_sub(self.burst) {
            sleep_until(at).await;
        }
    }

    /// Takes a turn if there is one at once.
    pub(super) fn try_turn(&self) -> bool {
        let now = Instant::now();
        let mut paid = self.paid();
        let next = (*paid).max(now) + self.each;
        let is_free = next <= now + self.burst;
        if is_free {
            *paid = next;
        }
        is_free
    }

    /// Lets no caller through until this time has passed.
    pub(super) fn hold(&self, time: Duration) {
        let mut paid = self.paid();
        *paid = (*paid).max(Instant::now() + time + self.burst);
    }

    fn paid(&self) -> MutexGuard<'_, Instant> {
        self.paid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many Events may still be created.
#[derive(Debug)]
pub(super) struct EventBudget {
    pace: Pace,
    refused: AtomicBool,
}

impl Default for EventBudget {
    fn default() -> Self {
        Self {
            pace: Pace::new(Duration::from_secs(5), 50),
            refused: AtomicBool::new(false),
        }
    }
}

impl EventBudget {
    pub(super) fn take(&self) -> bool {
        !self.refused.load(Ordering::Relaxed) && self.pace.try_turn()
    }

    /// The right to create them is missing; true the first time.
    pub(super) fn refuse(&self) -> bool {
        !self.refused.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_rate_and_a_hold_for_all() {
        let pace = Pace::new(Duration::from_millis(100), 20);
        let start = Instant::now();
        tokio::time::advance(Duration::from_secs(60)).await;
        for _ in 0..40 {
            pace.turn().await;
        }
        let took = start.elapsed().as_secs_f64() - 60.0;
        assert!((1.8..2.2).contains(&took), "{took}");
        pace.hold(Duration::from_secs(7));
        let before = start.elapsed();
        pace.turn().await;
        assert!(start.elapsed() - before >= Duration::from_secs(6));
    }

    #[tokio::test(start_paused = true)]
    async fn no_limit_is_none() {
        let pace = Pace::new(Duration::ZERO, 0);
        let start = Instant::now();
        for _ in 0..1000 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_taken_only_if_it_is_free() {
        let pace = Pace::new(Duration::from_secs(5), 50);
        let taken = || (0..100).filter(|_| pace.try_turn()).count();
        assert_eq!((taken(), taken()), (50, 0));
        // Fractions of a second count too.
        for _ in 0..8 {
            tokio::time::advance(Duration::from_millis(625)).await;
        }
        assert_eq!(taken(), 1);
    }
}
