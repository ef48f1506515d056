//! Random times: pauses between attempts, and jitter.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

/// A pause before another attempt: random, up to `base` doubled with each failure, at most `cap`, and
/// never less than a quarter of that.
#[must_use]
pub(crate) fn pause(failures: u32, base: Duration, cap: Duration) -> Duration {
    let most = base
        .saturating_mul(1 << failures.saturating_sub(1).min(16))
        .min(cap);
    most.mul_f64(0.25 + 0.75 * fraction())
}

/// A random number from 0 to 1. Not for secrets.
pub(crate) fn fraction() -> f64 {
    let bits = random() >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    let fraction = bits as f64 / (1_u64 << 53) as f64;
    fraction
}

/// A random number. Not for secrets.
pub(crate) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_cap_and_are_never_zero() {
        let (base, cap) = (Duration::from_secs(5), Duration::from_secs(300));
        for failures in 0..100 {
            let pause = pause(failures, base, cap);
            assert!(pause <= cap && pause >= base / 4, "{failures}: {pause:?}");
        }
        assert!(pause(100, base, cap) >= cap / 4);
    }
}
