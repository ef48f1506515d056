//! One call for all callers that want the same at the same time.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, Shared, WeakShared};

type Flight<T> = BoxFuture<'static, T>;

/// Calls under way, by key. A call continues as long as one caller waits for it, and ends with the
/// last.
pub(super) struct Flights<K, T: Clone>(Arc<Mutex<HashMap<K, WeakShared<Flight<T>>>>>);

impl<K, T> Flights<K, T>
where
    K: Clone + Eq + Hash + Send + 'static,
    T: Clone + Send + Sync + 'static,
{
    pub(super) fn new() -> Self {
        Self(Arc::default())
    }

    /// Joins the call for the key, or begins it.
    pub(super) fn join<F>(&self, key: K, call: impl FnOnce() -> F) -> Shared<Flight<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&key).and_then(WeakShared::upgrade) {
            return flight;
        }
        flights.retain(|_, flight| flight.upgrade().is_some());
        let call = call();
        let (all, landed) = (Arc::clone(&self.0), key.clone());
        let flight = async move {
            let answer = call.await;
            all.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&landed);
            answer
        };
        let flight = flight.boxed().shared();
        if let Some(weak) = flight.downgrade() {
            flights.insert(key, weak);
        }
        flight
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn callers_at_the_same_time_share_one_call() {
        let (flights, calls) = (Flights::new(), Arc::new(AtomicUsize::new(0)));
        let call = || {
            let calls = Arc::clone(&calls);
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                calls.fetch_add(1, Ordering::SeqCst)
            }
        };
        let both = tokio::join!(flights.join("a", call), flights.join("a", call));
        assert_eq!(both, (0, 0));
        assert_eq!(
            flights.join("a", call).await,
            1,
            "a landed call is not shared"
        );
        assert_eq!(flights.join("b", call).await, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_survives_its_first_caller_but_not_its_last() {
        let (flights, ended) = (Flights::new(), Arc::new(AtomicUsize::new(0)));
        let call = || {
            let ended = Arc::clone(&ended);
            async move {
                tokio::time::sleep(Duration::from_secs(2)).await;
                ended.fetch_add(1, Ordering::SeqCst)
            }
        };
        let first = tokio::time::timeout(Duration::from_secs(1), flights.join("a", call));
        let (first, second) = tokio::join!(first, flights.join("a", call));
        assert!(first.is_err());
        assert_eq!(second, 0);

        let alone = tokio::time::timeout(Duration::from_secs(1), flights.join("a", call));
        assert!(alone.await.is_err());
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(ended.load(Ordering::SeqCst), 1, "no caller waited for it");
        assert_eq!(flights.join("a", call).await, 1);
    }
}
