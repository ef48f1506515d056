//! When the rest of a blob is fetched in parts.

use std::time::Duration;

/// When the rest of a blob is fetched in parts over several connections, and how large a part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// For how long the blob's one stream runs before. With zero, a blob is divided at once, however fast
    /// the stream is.
    pub after: Duration,
    /// Bytes of a part. Up to six parts wait in memory.
    pub part: u64,
}

impl Default for Division {
    /// After half a second, in parts of 8 MiB.
    fn default() -> Self {
        Self {
            after: Duration::from_millis(500),
            part: 8 << 20,
        }
    }
}

impl Division {
    /// How many bytes the one stream still fetches while the first part is asked for; `None` if the blob is
    /// not divided, or not yet. `done` bytes took the time `elapsed`, `rest` are missing.
    ///
    /// What one connection would bring within two seconds is not worth a second one. A connection of 200 MB/s
    /// is not what limits a pull: the disk or the digest is. So a pull over a fast link stays as it is.
    pub(super) fn lead(&self, done: u64, elapsed: Duration, rest: u64) -> Option<u64> {
        if rest < LEAST_PARTS.saturating_mul(self.part) {
            return None;
        }
        if self.after.is_zero() {
            return Some(self.part);
        }
        let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let second = done.saturating_mul(1000) / milliseconds.max(1);
        let is_due = elapsed >= self.after && second < FAST && rest / WORTH_SECONDS >= second;
        is_due.then(|| second.max(self.part))
    }
}

/// Parts that the rest has at least.
const LEAST_PARTS: u64 = 4;
/// Bytes a second.
const FAST: u64 = 200_000_000;
const WORTH_SECONDS: u64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_and_long_download_is_divided() {
        let division = Division::default();
        let lead = |done, milliseconds, rest| {
            division.lead(done, Duration::from_millis(milliseconds), rest)
        };
        let (mb, gib) = (1_000_000, 1 << 30);
        assert_eq!(lead(7 * mb, 560, gib), Some(12_500_000));
        assert_eq!(lead(mb, 1000, gib), Some(8 << 20), "a part at least");
        assert_eq!(lead(6 * mb, 480, gib), None, "too early");
        assert_eq!(lead(100 * mb, 500, gib), None, "fast");
        assert_eq!(lead(50 * mb, 500, 199 * mb), None, "nearly done");
        assert_eq!(lead(mb, 5000, 30 * mb), None, "small");
        assert_eq!(lead(0, 0, gib), None);
        assert_eq!(lead(0, 60_000, gib), Some(8 << 20), "nothing came");
        assert_eq!(lead(u64::MAX, 500, u64::MAX), None);
    }
}
