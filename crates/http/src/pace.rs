//! How fast the body of a response must arrive that has no other limit.

use std::time::Duration;

/// The pace of one body. Only the time that its reader waits is counted: a slow disk is not the server's
/// fault.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    waited: Duration,
    bytes: usize,
}

impl Pace {
    /// Counts a chunk; true if the present stretch of time has ended with too few bytes.
    pub(crate) fn is_too_slow(&mut self, waited: Duration, bytes: usize) -> bool {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < PACE_TIME {
            return false;
        }
        std::mem::take(self).bytes < SLOWEST_BODY
    }
}

/// The bytes that [`PACE_TIME`] must bring at least. containerd ends a pull when five minutes bring no byte at
/// all (`image_pull_progress_timeout`), and docker never does: a server that sends a byte every few
/// seconds holds them for days. A line of 9,600 baud is faster than this.
pub(crate) const SLOWEST_BODY: usize = 16 * 1024;
/// The stretch of time in which the pace is measured.
pub(crate) const PACE_TIME: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stretch_of_time_is_measured_by_itself() {
        let mut pace = Pace::default();
        let second = Duration::from_secs(1);
        assert!(!pace.is_too_slow(second, 10 * SLOWEST_BODY));
        assert!(!pace.is_too_slow(59 * second, 0));
        assert!(!pace.is_too_slow(59 * second, 1));
        assert!(pace.is_too_slow(second, SLOWEST_BODY - 2));
        assert!(!pace.is_too_slow(60 * second, SLOWEST_BODY));
    }
}
