//! Which of several daemons works: a Lease, held by whoever renews it.
//!
//! Clocks of other machines are not trusted: a Lease is over when it has not changed for its length
//! while it was watched here (as client-go does it). Work is idempotent, so two leaders for a moment
//! cost some requests and nothing else.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};
use regcred_core::{Clock, Env};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::cluster::{Cluster, ClusterError, Kind, Lease, micro_time};
use crate::config::LeaderElection;
use crate::token::fraction;

/// A name that no other process has: the pod's, and something random.
pub(super) fn holder(env: &Env) -> String {
    let host = env.get("HOSTNAME").unwrap_or("regcred-refresh");
    format!("{host}_{:016x}", RandomState::new().build_hasher().finish())
}

/// One daemon's part in the election.
pub(super) struct Campaign {
    cluster: Cluster,
    election: LeaderElection,
    namespace: String,
    holder: String,
    clock: Clock,
    /// The Lease as it was last found different, and when that was.
    observed: Option<(Lease, Instant)>,
    renewed: Option<(Instant, DateTime<Utc>)>,
    /// Which change of holders made us the leader: the same one after a short absence means that
    /// nobody else led meanwhile.
    term: u64,
}

impl Campaign {
    pub(super) fn new(
        cluster: Cluster,
        election: LeaderElection,
        holder: String,
        clock: Clock,
    ) -> Self {
        let own = cluster.own_namespace().to_owned();
        Self {
            namespace: election.namespace.clone().unwrap_or(own),
            cluster,
            election,
            holder,
            clock,
            observed: None,
            renewed: None,
            term: 0,
        }
    }

    /// Takes part until told to stop, and gives the Lease back then.
    pub(super) async fn run(
        mut self,
        lead: watch::Sender<Option<u64>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let length = self.election.lease_duration.0;
        loop {
            let turn = tokio::time::timeout(length / 3, self.turn());
            match turn.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!("the Lease cannot be had: {error}"),
                Err(_) => tracing::warn!("the Lease cannot be had in time"),
            }
            let term = self.is_leading().then_some(self.term);
            lead.send_if_modified(|known| std::mem::replace(known, term) != term);
            let nap = match term.is_some() {
                true => length / 3,
                false => length.mul_f64(0.2 + 0.2 * fraction()),
            };
            tokio::select! {
                () = sleep(nap.max(Duration::from_millis(20))) => {}
                told = stop.changed() => match told {
                    Ok(()) => break,
                    // Whoever would have told is gone: so are we, as after a kill.
                    Err(_) => return,
                },
            }
        }
        if self.is_leading()
            && let Some((lease, _)) = self.observed.take()
        {
            let given = Lease {
                holder_identity: None,
                lease_duration_seconds: Some(1),
                renew_time: Some(micro_time(self.clock.now())),
                ..lease
            };
            let _ = self.write(&given).await;
        }
    }

    /// By both clocks: the one that stands still while the machine sleeps, and the other.
    fn is_leading(&self) -> bool {
        let limit = self.election.lease_duration.0.mul_f64(0.7);
        self.renewed.is_some_and(|(instant, wall)| {
            let by_wall = (self.clock.now() - wall).abs().to_std().unwrap_or_default();
            instant.elapsed() < limit && by_wall < limit
        })
    }

    async fn turn(&mut self) -> Result<(), ClusterError> {
        let found = self
            .cluster
            .lease(&self.namespace, &self.election.name)
            .await?;
        let started = (Instant::now(), self.clock.now());
        let lease = found.unwrap_or_default();
        if self
            .observed
            .as_ref()
            .is_none_or(|(known, _)| *known != lease)
        {
            self.observed = Some((lease.clone(), Instant::now()));
        }
        let ours = lease.holder_identity.as_deref() == Some(self.holder.as_str());
        if !ours {
            self.renewed = None;
        }
        if !ours && !self.is_over(&lease) {
            return Ok(());
        }
        let now = micro_time(started.1);
        let transitions = lease.lease_transitions.unwrap_or(0);
        let wanted = Lease {
            holder_identity: Some(self.holder.clone()),
            lease_duration_seconds: Some(self.election.lease_duration.0.as_secs().max(1)),
            acquire_time: match ours {
                true => lease.acquire_time.clone(),
                false => Some(now.clone()),
            },
            renew_time: Some(now),
            lease_transitions: Some(if ours { transitions } else { transitions + 1 }),
            resource_version: lease.resource_version,
        };
        match self.write(&wanted).await {
            Ok(written) => {
                self.term = written.lease_transitions.unwrap_or(0);
                self.observed = Some((written, Instant::now()));
                self.renewed = Some(started);
                Ok(())
            }
            // Another one was quicker.
            Err(error) if error.kind == Kind::Conflict => {
                self.renewed = None;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn is_over(&self, lease: &Lease) -> bool {
        let free = lease
            .holder_identity
            .as_deref()
            .unwrap_or_default()
            .is_empty();
        let own = self.election.lease_duration.0;
        let length = lease
            .lease_duration_seconds
            .map_or(own, Duration::from_secs);
        let unchanged = self.observed.as_ref().map(|(_, since)| since.elapsed());
        free || unchanged.is_some_and(|time| time >= length)
    }

    async fn write(&self, lease: &Lease) -> Result<Lease, ClusterError> {
        self.cluster
            .write_lease(&self.namespace, &self.election.name, lease)
            .await
    }
}
