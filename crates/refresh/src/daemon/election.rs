//! Which of several daemons works: the holder of a Lease, who renews it.
//!
//! Clocks of other machines are not trusted: a Lease has expired if it has not changed for its
//! duration while it was observed here, as in client-go. Work is idempotent, so two leaders for a
//! moment cost some requests and nothing else.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use regcred_core::{Clock, Env};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::backoff::{fraction, random};
use crate::cluster::{Cluster, ClusterErrorKind, ClusterResult, timestamp};
use crate::config::LeaderElection;
use crate::failure::PANICKED;
use crate::status::Status;

/// A name that no other process has: the pod's, and a random number.
pub(super) fn holder(env: &Env) -> String {
    let host = env.get("HOSTNAME").unwrap_or("regcred-refresh");
    format!("{host}_{:016x}", random())
}

/// One daemon's part in the election.
pub(super) struct Campaign {
    cluster: Cluster,
    election: LeaderElection,
    namespace: String,
    holder: String,
    clock: Clock,
    status: Arc<Status>,
    /// The Lease as last observed to change, and when that was.
    observed: Option<(Lease, Instant)>,
    /// `leaseTransitions` at which this one became the leader: the same number after a short absence
    /// means that no other one led meanwhile.
    term: i32,
}

impl Campaign {
    pub(super) fn new(
        cluster: Cluster,
        election: LeaderElection,
        holder: String,
        clock: Clock,
        status: Arc<Status>,
    ) -> Self {
        let namespace = election.namespace.as_deref();
        let length = election.lease_duration.0.mul_f64(0.7);
        cluster.fence().need_lease(clock.clone(), length);
        Self {
            namespace: namespace.unwrap_or(cluster.own_namespace()).to_owned(),
            cluster,
            election,
            holder,
            clock,
            status,
            observed: None,
            term: 0,
        }
    }

    /// Takes part until `stop` changes, then releases the Lease.
    pub(super) async fn run(
        mut self,
        lead: watch::Sender<Option<i32>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let length = self.election.lease_duration.0;
        loop {
            let turn = tokio::time::timeout(length / 3, self.turn());
            let failure = match AssertUnwindSafe(turn).catch_unwind().await {
                Ok(Ok(turn)) => turn.err().map(|error| error.to_string()),
                Ok(Err(_)) => Some(self.late()),
                Err(_) => {
                    self.status.panicked("election");
                    Some(PANICKED.to_owned())
                }
            };
            let failure = failure.map(|why| format!("the Lease cannot be read or renewed: {why}"));
            if let Some(text) = &failure {
                tracing::warn!("{text}");
            }
            self.status.lease(failure);
            let term = self.is_leading().then_some(self.term);
            lead.send_if_modified(|known| std::mem::replace(known, term) != term);
            let nap = if term.is_some() {
                length / 3
            } else {
                length.mul_f64(0.2 + 0.2 * fraction())
            };
            tokio::select! {
                () = sleep(nap.max(Duration::from_millis(20))) => {}
                stopped = stop.changed() => match stopped {
                    Ok(()) => break,
                    // The daemon was aborted: nothing is released, as after a SIGKILL.
                    Err(_) => return,
                },
            }
        }
        if self.is_leading()
            && let Some((mut lease, _)) = self.observed.take()
        {
            let spec = lease.spec.get_or_insert_default();
            spec.holder_identity = None;
            spec.lease_duration_seconds = Some(1);
            let _ = self.cluster.write_lease(lease, self.clock.now()).await;
        }
    }

    fn is_leading(&self) -> bool {
        self.cluster.fence().is_open()
    }

    /// The API server did not answer in time.
    fn late(&self) -> String {
        let place = format!("Lease {}/{}", self.namespace, self.election.name);
        let late = self.cluster.timed_out(&place);
        self.cluster.count(&late);
        late.to_string()
    }

    async fn turn(&mut self) -> ClusterResult<()> {
        let (namespace, name) = (&self.namespace, &self.election.name);
        let found = self.cluster.lease(namespace, name).await?;
        let started = (Instant::now(), self.clock.now());
        let mut lease = found.unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        let observed = self.observed.as_ref();
        if observed.is_none_or(|(known, _)| *known != lease) {
            self.observed = Some((lease.clone(), Instant::now()));
        }
        let spec = lease.spec.get_or_insert_default();
        let ours = spec.holder_identity.as_deref() == Some(self.holder.as_str());
        if !ours {
            self.cluster.fence().renewed(None);
            if !self.has_expired(spec) {
                return Ok(());
            }
            spec.holder_identity = Some(self.holder.clone());
            spec.acquire_time = Some(MicroTime(timestamp(started.1)));
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or(0) + 1);
        }
        let length = self.election.lease_duration.0.as_secs().max(1);
        spec.lease_duration_seconds = Some(length.try_into().unwrap_or(i32::MAX));
        match self.cluster.write_lease(lease, started.1).await {
            Ok(written) => {
                let spec = written.spec.as_ref();
                self.term = spec.and_then(|spec| spec.lease_transitions).unwrap_or(0);
                self.observed = Some((written, Instant::now()));
                self.cluster.fence().renewed(Some(started));
                Ok(())
            }
            // Another candidate was quicker.
            Err(error) if error.kind == ClusterErrorKind::Conflict => {
                self.cluster.fence().renewed(None);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn has_expired(&self, spec: &LeaseSpec) -> bool {
        let free = spec.holder_identity.as_deref().is_none_or(str::is_empty);
        let own = self.election.lease_duration.0;
        let length = spec.lease_duration_seconds.map_or(own, |seconds| {
            Duration::from_secs(seconds.try_into().unwrap_or(0))
        });
        let unchanged = self.observed.as_ref().map(|(_, since)| since.elapsed());
        free || unchanged.is_some_and(|time| time >= length)
    }
}

#[cfg(test)]
mod tests;
