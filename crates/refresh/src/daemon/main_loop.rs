//! One loop owns all state. It takes in changes of namespaces, service accounts and (where that is
//! allowed) our own Secrets, keeps the time at which each object is due, and hands due objects to a
//! few tasks. All times are wall-clock times and are checked every second: a machine that was
//! suspended, or a clock that was set, is noticed then.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::election::Campaign;
use super::inventory::Inventory;
use super::schedule::{Key, Schedule};
use super::watches::watch_all;
use crate::backoff::pause;
use crate::cluster::{Cluster, ClusterChange, Collection, RequestCounts, WatchChange};
use crate::error::RunError;
use crate::refresher::{Next, Outcome, Refresher};

pub(super) struct Loop {
    refresher: Arc<Refresher>,
    holder: String,
    stopped: watch::Receiver<bool>,
    schedule: Schedule,
    inventory: Inventory,
    leading: bool,
    /// The last term in which this daemon led.
    term: Option<i32>,
    last_tick: DateTime<Utc>,
    away: Option<Away>,
    running: JoinSet<(Key, Outcome)>,
    first_pass: bool,
    inputs_at: Instant,
}

/// The API server cannot be reached: only one object at a time tries, after a pause.
struct Away {
    failures: u32,
    until: Instant,
}

impl Loop {
    pub(super) fn new(
        refresher: Arc<Refresher>,
        holder: String,
        stopped: watch::Receiver<bool>,
    ) -> Self {
        Self {
            inventory: Inventory::new(&refresher.plan),
            last_tick: refresher.clock.now(),
            schedule: Schedule::default(),
            holder,
            stopped,
            refresher,
            leading: false,
            term: None,
            away: None,
            running: JoinSet::new(),
            first_pass: false,
            inputs_at: Instant::now(),
        }
    }

    /// Runs until it is stopped.
    ///
    /// # Errors
    /// If a task that must not end has ended: by a panic, which is a bug.
    pub(super) async fn run(mut self, helpers: &mut JoinSet<()>) -> Result<(), RunError> {
        let (report, mut changes) = mpsc::channel(1024);
        let (lead, mut leads) = watch::channel(None);
        // A stop of its own: the Lease is released last.
        let (resign, resigned) = watch::channel(false);
        let mut campaign = self.prepare(helpers, &report, lead, resigned);
        // A branch of its own: the loop must tick however many changes come.
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.dispatch();
            let nap = self.nap();
            tokio::select! {
                Some(change) = changes.recv() => self.apply(change),
                Some(done) = self.running.join_next() => {
                    let (key, outcome) = done.map_err(|_| RunError::panicked("the work on an object"))?;
                    self.conclude(&key, outcome);
                }
                Some(_) = helpers.join_next() => {
                    return Err(RunError::panicked("a watch, or the server of the pages,"));
                }
                () = ended(&mut campaign) => return Err(RunError::panicked("the leader election")),
                Ok(()) = leads.changed() => {
                    let term = *leads.borrow_and_update();
                    self.lead(term);
                }
                _ = self.stopped.changed() => break,
                _ = ticks.tick() => self.tick().await,
                () = sleep(nap) => {}
            }
        }
        // Work in progress is a request or two.
        let finish = async { while self.running.join_next().await.is_some() {} };
        if timeout(PATIENCE, finish).await.is_err() {
            tracing::warn!("some writes did not finish in time");
        }
        let _ = resign.send(true);
        if let Some(campaign) = campaign {
            let _ = timeout(PATIENCE, campaign).await;
        }
        helpers.abort_all();
        Ok(())
    }

    /// Starts the watches and the campaign for the Lease.
    fn prepare(
        &mut self,
        helpers: &mut JoinSet<()>,
        changes: &mpsc::Sender<ClusterChange>,
        lead: watch::Sender<Option<i32>>,
        resigned: watch::Receiver<bool>,
    ) -> Option<JoinHandle<()>> {
        let plan = &self.refresher.plan;
        let now = self.refresher.clock.now();
        for place in 0..plan.files.len() {
            self.schedule.add(&Key::File(place), now);
        }
        let cluster = self.refresher.cluster.clone();
        let election = plan.leader_election.clone();
        if let Some(cluster) = &cluster {
            watch_all(plan, cluster, helpers, changes);
        }
        for name in plan.named_namespaces().into_iter().flatten() {
            self.inventory.name(&name);
            self.enqueue_all(&name);
        }
        let Some(cluster) = cluster.filter(|_| election.enabled) else {
            self.lead(Some(0));
            return None;
        };
        let (holder, clock) = (self.holder.clone(), self.refresher.clock.clone());
        let status = Arc::clone(&self.refresher.status);
        status.lease(Some("the Lease has not been read yet".to_owned()));
        let campaign = Campaign::new(cluster, election, holder, clock, status);
        Some(tokio::spawn(campaign.run(lead, resigned)))
    }

    fn lead(&mut self, term: Option<i32>) {
        let leading = term.is_some();
        if leading != self.leading {
            tracing::info!(leading, "leadership");
        }
        self.leading = leading;
        if leading && self.term != term {
            // Another leader may have written in between.
            self.schedule.forget_all(self.refresher.clock.now());
            self.term = term;
        }
        self.refresher.status.alive(leading, self.requests());
    }

    fn apply(&mut self, (watched, change): ClusterChange) {
        let plan = Arc::clone(&self.refresher.plan);
        let now = self.refresher.clock.now();
        match (&*watched, change) {
            (_, WatchChange::Panicked) => self.refresher.status.panicked("watch"),
            (Collection::Namespaces, WatchChange::Present(object)) => {
                if let Some(name) = self.inventory.namespace(object) {
                    self.enqueue_all(&name);
                }
            }
            (Collection::Namespaces, WatchChange::Deleted(_, name)) => {
                self.inventory.forget(&name);
                self.schedule.remove_namespace(&name);
                self.refresher.tokens.forget(&name);
            }
            (Collection::Namespaces, WatchChange::Listed) => {
                self.inventory.namespaces_listed = true
            }
            (Collection::Namespaces, WatchChange::Forbidden) => {
                tracing::error!("not allowed to list and watch namespaces; name them literally");
            }
            (Collection::Accounts { .. }, WatchChange::Present(object)) => {
                let namespace = object.metadata.namespace.clone();
                let change = self.inventory.account(object, &plan);
                if change.identity {
                    self.enqueue_all(&namespace);
                }
                for key in change.lacking {
                    self.schedule.first(&key, now);
                }
            }
            (Collection::Accounts { .. }, WatchChange::Deleted(namespace, name)) => {
                self.inventory.no_account(&namespace, &name);
            }
            (Collection::Accounts { namespace, .. }, WatchChange::Listed) => {
                self.inventory.accounts_listed(namespace.clone(), true);
            }
            (Collection::Accounts { namespace, .. }, WatchChange::Forbidden) => {
                self.inventory.accounts_listed(namespace.clone(), false);
            }
            (Collection::Secrets { .. }, WatchChange::Present(object)) => {
                let found = object.metadata;
                self.noticed(&found.namespace, &found.name, &found.resource_version);
            }
            (Collection::Secrets { .. }, WatchChange::Deleted(namespace, name)) => {
                self.noticed(&namespace, &name, "");
            }
            (Collection::Secrets { namespace, name }, WatchChange::Listed) => {
                self.schedule
                    .listed(&plan, (namespace.as_deref(), name), now);
            }
            // The periodic check finds changes then.
            (Collection::Secrets { .. }, WatchChange::Forbidden) => {}
        }
    }

    /// A watch reported a Secret's version; empty if the Secret was deleted.
    fn noticed(&mut self, namespace: &str, name: &str, version: &str) {
        let now = self.refresher.clock.now();
        for (place, secret) in self.refresher.plan.secrets.iter().enumerate() {
            if secret.name_in(namespace) == name {
                let key = Key::Secret(place, namespace.into());
                self.schedule.noticed(&key, version, now);
            }
        }
    }

    /// Moves all selected objects of a namespace to the front.
    fn enqueue_all(&mut self, name: &str) {
        let Some(namespace) = self.inventory.get(name) else {
            return;
        };
        let now = self.refresher.clock.now();
        for (place, secret) in self.refresher.plan.secrets.iter().enumerate() {
            let key = Key::Secret(place, Arc::clone(&namespace.name));
            match secret.covers(namespace) {
                Ok(()) => self.schedule.first(&key, now),
                Err(_) => self.schedule.remove(&key),
            }
        }
    }

    fn dispatch(&mut self) {
        let cluster = self.refresher.cluster.as_ref();
        // The election is asked every few seconds: the Lease may have ended since.
        let may_write = cluster.is_none_or(|cluster| cluster.fence().is_open());
        if !self.leading || !may_write {
            return;
        }
        let parallel = self.refresher.plan.limits.parallel;
        let mut room = parallel.saturating_sub(self.running.len());
        if let Some(away) = &self.away {
            let may_try = self.running.is_empty() && Instant::now() >= away.until;
            room = usize::from(may_try);
        }
        let now = self.refresher.clock.now();
        while room > 0 {
            let Some((key, seen)) = self.schedule.take(now) else {
                return;
            };
            let refresher = Arc::clone(&self.refresher);
            match key {
                Key::File(place) => {
                    let work = async move { (key, refresher.serve_file(place).await) };
                    self.running.spawn(work);
                }
                Key::Secret(place, ref name) => {
                    let Some(namespace) = self.inventory.get(name).cloned() else {
                        self.schedule.remove(&key);
                        continue;
                    };
                    let plan = &refresher.plan;
                    let accounts = self.inventory.accounts_for(place, &namespace, plan);
                    self.running.spawn(async move {
                        let work = refresher.serve_secret(place, &namespace, seen, accounts);
                        (key, work.await)
                    });
                }
            }
            room -= 1;
        }
    }

    fn conclude(&mut self, key: &Key, outcome: Outcome) {
        for report in &outcome.reports {
            self.refresher.status.report(report);
            if report.action.is_good() {
                tracing::debug!("{report}");
            } else {
                let first = report.failures.first();
                tracing::warn!(
                    target_name = report.target,
                    namespace = &*report.namespace,
                    kind = report.kind,
                    name = report.name,
                    action = report.action.as_str(),
                    reason = report.reason,
                    identity = first.and_then(|one| one.identity.as_deref()),
                    server = first.and_then(|one| one.server.as_deref()),
                    answer = first.map(|one| &*one.answer),
                    next_step = first.and_then(|one| one.next_step.as_deref()),
                    "not up to date"
                );
            }
        }
        let now = self.refresher.clock.now();
        let mut reports = outcome.reports.iter();
        let good = reports.all(|report| report.action.is_good() && !report.registry_failed);
        let at = match outcome.next {
            Next::At(at) => Some(at),
            Next::Never => None,
            Next::Soon => Some(now + TimeDelta::seconds(5)),
            Next::Later => Some(now + self.schedule.pause(key, LONGEST_PAUSE)),
            Next::WhenReachable => {
                // Of several failures at the same time only the first lengthens the pause.
                let away = self.away.as_ref();
                if away.is_none_or(|away| Instant::now() >= away.until) {
                    let failures = away.map_or(0, |away| away.failures) + 1;
                    let wait = pause(failures, Duration::from_secs(1), AWAY_PAUSE);
                    let until = Instant::now() + wait;
                    self.away = Some(Away { failures, until });
                }
                // Where others can be served, this one alone must not be asked for without pause.
                Some(now + self.schedule.pause(key, AWAY_PAUSE))
            }
        };
        if outcome.next != Next::WhenReachable && matches!(key, Key::Secret(..)) {
            self.away = None;
        }
        self.schedule.done(key, outcome.seen, at, good, now);
    }

    /// The time until the next object is due, a second at most.
    fn nap(&self) -> Duration {
        let next = match (&self.away, self.leading) {
            (None, true) => self.schedule.next(),
            _ => None,
        };
        let full = self.running.len() >= self.refresher.plan.limits.parallel;
        let next = next.filter(|_| !full);
        let left = next.and_then(|at| (at - self.refresher.clock.now()).to_std().ok());
        left.unwrap_or(TICK).clamp(Duration::from_millis(5), TICK)
    }

    async fn tick(&mut self) {
        let now = self.refresher.clock.now();
        if now < self.last_tick - TimeDelta::minutes(1) {
            tracing::warn!("the clock was set back");
            self.schedule.forget_all(now);
        }
        self.last_tick = now;
        self.refresher.status.alive(self.leading, self.requests());
        let plan = &self.refresher.plan;
        let summaries = self.schedule.summaries(plan, now);
        self.refresher.status.summaries(&summaries);
        let listed = self.inventory.namespaces_listed;
        if listed {
            self.refresher.status.listed();
        }
        // While the API server cannot be reached nothing has been processed.
        let is_complete = listed && self.away.is_none() && self.schedule.is_served();
        if !self.first_pass && self.leading && is_complete {
            self.first_pass = true;
            self.refresher.status.first_pass_done();
            tracing::info!(objects = self.schedule.len(), "first pass complete");
        }
        if self.inputs_at.elapsed() >= INPUTS {
            self.inputs_at = Instant::now();
            let changed = self.refresher.tokens.changed_inputs().await;
            if !changed.is_empty() {
                let names = changed.iter().map(|s| &*plan.sources[*s].registry.name);
                let registries = names.collect::<Vec<_>>().join(" ");
                tracing::info!(registries, "files of these registries have changed");
                self.schedule.renew(plan, &changed, now);
            }
        }
    }

    fn requests(&self) -> RequestCounts {
        let cluster = self.refresher.cluster.as_ref();
        cluster.map(Cluster::counts).unwrap_or_default()
    }
}

/// When the campaign has ended; never without one.
async fn ended(campaign: &mut Option<JoinHandle<()>>) {
    match campaign {
        Some(campaign) => drop(campaign.await),
        None => std::future::pending().await,
    }
}

const TICK: Duration = Duration::from_secs(1);
const INPUTS: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(15);
/// The longest pause after failures of one object.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The longest pause while the API server cannot be reached.
const AWAY_PAUSE: Duration = Duration::from_secs(30);
