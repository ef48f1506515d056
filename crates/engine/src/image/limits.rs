//! How many pulls there may be at the same time, and how often (kubernetes
//! `pkg/kubelet/images/{puller,helpers}.go`).

use std::sync::{Mutex, PoisonError};

use regcred_go::go_aggregate;
use thiserror::Error;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// The settings of a KubeletConfiguration about pulls. The default is a kubelet's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullLimits {
    /// `registryPullQPS`: pulls in a second; 0 for no limit. A pull with all its credentials counts
    /// once.
    pub qps: i32,
    /// `registryBurst`: how many pulls may come at once after a rest.
    pub burst: i32,
    /// `serializeImagePulls`: one after the other. `None` is `true`, unless `max_parallel` is at
    /// least 2.
    pub serialize: Option<bool>,
    /// `maxParallelImagePulls`: how many at the same time where they are not serialised.
    pub max_parallel: Option<i32>,
}

impl Default for PullLimits {
    fn default() -> Self {
        Self {
            qps: 5,
            burst: 10,
            serialize: None,
            max_parallel: None,
        }
    }
}

impl PullLimits {
    fn serialize(self) -> bool {
        self.serialize
            .unwrap_or_else(|| self.max_parallel.is_none_or(|most| most < 2))
    }

    fn problems(self) -> Vec<String> {
        let (qps, burst, most) = (self.qps, self.burst, self.max_parallel.unwrap_or(1));
        let rules = [
            (
                burst < 0,
                format!("registryBurst (--registry-burst) {burst} must not be a negative number"),
            ),
            (
                qps < 0,
                format!("registryPullQPS (--registry-qps) {qps} must not be a negative number"),
            ),
            (
                most < 1,
                format!("maxParallelImagePulls {most} must be a positive number"),
            ),
            (
                most > 1 && self.serialize(),
                "maxParallelImagePulls cannot be larger than 1 unless SerializeImagePulls \
                 (--serialize-image-pulls) is set to false"
                    .to_owned(),
            ),
        ];
        let broken = rules.into_iter().filter(|(is_broken, _)| *is_broken);
        let problems = broken.map(|(_, rule)| format!("invalid configuration: {rule}"));
        problems.collect()
    }
}

/// Limits that a kubelet refuses; all that is wrong with them.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", go_aggregate(.0))]
pub struct LimitsError(pub Vec<String>);

/// Where pulls wait for their turn. The default has no limits.
#[derive(Debug, Default)]
pub(super) struct Gate {
    bucket: Option<Bucket>,
    /// `None` for no limit.
    places: Option<Semaphore>,
}

/// The bucket was empty.
pub(super) struct Throttled;

impl Gate {
    pub(super) fn new(limits: PullLimits) -> Result<Self, LimitsError> {
        let problems = limits.problems();
        if !problems.is_empty() {
            return Err(LimitsError(problems));
        }
        let most = if limits.serialize() {
            Some(1)
        } else {
            limits.max_parallel
        };
        let places = most.and_then(|most| usize::try_from(most).ok());
        Ok(Self {
            bucket: (limits.qps > 0).then(|| Bucket::new(limits.qps, limits.burst)),
            places: places.map(Semaphore::new),
        })
    }

    /// Waits for a place, in the order of arrival, and takes a token. Without a token there is no
    /// waiting: the pull fails.
    pub(super) async fn enter(&self) -> Result<Option<SemaphorePermit<'_>>, Throttled> {
        let place = match &self.places {
            Some(places) => places.acquire().await.ok(),
            None => None,
        };
        match &self.bucket {
            Some(bucket) if !bucket.take() => Err(Throttled),
            _ => Ok(place),
        }
    }
}

/// A token bucket that begins full.
#[derive(Debug)]
struct Bucket {
    per_second: f64,
    most: f64,
    state: Mutex<(f64, Instant)>,
}

impl Bucket {
    fn new(qps: i32, burst: i32) -> Self {
        let most = f64::from(burst);
        Self {
            per_second: f64::from(qps),
            most,
            state: Mutex::new((most, Instant::now())),
        }
    }

    fn take(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (tokens, filled_at) = *state;
        let now = Instant::now();
        let new = (now - filled_at).as_secs_f64() * self.per_second;
        let tokens = (tokens + new).min(self.most);
        let taken = tokens >= 1.0;
        *state = (if taken { tokens - 1.0 } else { tokens }, now);
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_empties_the_bucket_and_time_fills_it() {
        let bucket = Bucket::new(2, 3);
        let count = || (0..10).filter(|_| bucket.take()).count();
        assert_eq!(count(), 3);
        advance(Duration::from_millis(499)).await;
        assert_eq!(count(), 0);
        advance(Duration::from_millis(1)).await;
        assert_eq!(count(), 1);
        advance(Duration::from_secs(3600)).await;
        assert_eq!(count(), 3, "never more than a burst");
    }

    #[test]
    fn refused_limits_have_the_kubelets_sentences() {
        let limits = PullLimits {
            qps: -1,
            burst: -2,
            serialize: Some(true),
            max_parallel: Some(2),
        };
        let error = Gate::new(limits).expect_err("refused").to_string();
        assert_eq!(
            error,
            "[invalid configuration: registryBurst (--registry-burst) -2 must not be a negative \
             number, invalid configuration: registryPullQPS (--registry-qps) -1 must not be a \
             negative number, invalid configuration: maxParallelImagePulls cannot be larger than \
             1 unless SerializeImagePulls (--serialize-image-pulls) is set to false]"
        );
        let none = PullLimits {
            max_parallel: Some(0),
            ..PullLimits::default()
        };
        let error = Gate::new(none).expect_err("refused").to_string();
        assert_eq!(
            error,
            "invalid configuration: maxParallelImagePulls 0 must be a positive number"
        );
    }

    #[test]
    fn pulls_are_one_at_a_time_unless_two_are_asked_for() {
        for (serialize, max_parallel, places) in [
            (None, None, Some(1)),
            (None, Some(1), Some(1)),
            (None, Some(4), Some(4)),
            (Some(true), Some(1), Some(1)),
            (Some(false), None, None),
            (Some(false), Some(1), Some(1)),
            (Some(false), Some(3), Some(3)),
        ] {
            let limits = PullLimits {
                serialize,
                max_parallel,
                ..PullLimits::default()
            };
            let gate = Gate::new(limits).expect("sound");
            let found = gate.places.map(|places| places.available_permits());
            assert_eq!(found, places, "{serialize:?} {max_parallel:?}");
        }
    }
}
