//! How fast requests follow one another: a rate with a burst, and a hold for all of them when the
//! server asks for one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The pace of one client.
pub(super) struct Pace {
    each: Duration,
    /// When the next request is due if no burst is left.
    next: Mutex<Instant>,
}

impl Pace {
    /// At most `per_second` requests/s, with bursts of twice that; 0 means unlimited.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            each: Duration::from_secs(1)
                .checked_div(per_second)
                .unwrap_or_default(),
            next: Mutex::new(Instant::now()),
        }
    }

    /// Waits for this request's turn.
    pub(super) async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let earliest = now.checked_sub(self.each * self.burst()).unwrap_or(now);
            let at = (*next).max(earliest);
            *next = at + self.each;
            at
        };
        sleep_until(at).await;
    }

    /// Lets no request through until this time has passed.
    pub(super) fn hold(&self, time: Duration) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = (*next).max(Instant::now() + time);
    }

    fn burst(&self) -> u32 {
        match self.each.as_micros() {
            0 => 0,
            micros => u32::try_from(2_000_000 / micros).unwrap_or(u32::MAX).max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_then_the_rate_and_a_hold_for_all() {
        let pace = Pace::new(10);
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
        let pace = Pace::new(0);
        let start = Instant::now();
        for _ in 0..1000 {
            pace.turn().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
