//! The state of sources and targets: names, times, counts and error texts; no token.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{Clock, ErrorKind, shown};

use super::lacking::Lacking;
use crate::cluster::{REASONS, RequestCounts};
use crate::life::Life;
use crate::plan::Plan;
use crate::report::{Action, Report};

/// The state of sources and targets, shared by all tasks.
#[derive(Debug)]
pub(crate) struct Status {
    pub(super) clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) started: DateTime<Utc>,
    alive: DateTime<Utc>,
    pub(super) leader: bool,
    first_pass: bool,
    /// Whether the namespaces have been listed, or need not be.
    pub(super) listed: bool,
    /// Why the Lease cannot be read or renewed, if it is needed and cannot.
    lease: Option<String>,
    pub(super) requests: RequestCounts,
    /// Panics of tasks that began again, by task.
    pub(super) panics: BTreeMap<&'static str, u64>,
    pub(super) sources: Vec<SourceState>,
    pub(super) targets: Vec<TargetState>,
}

#[derive(Debug, Default)]
pub(super) struct SourceState {
    pub(super) name: String,
    pub(super) provider: String,
    pub(super) hosts: Vec<String>,
    pub(super) life: Option<Life>,
    pub(super) tenants: bool,
    pub(super) last_success: Option<DateTime<Utc>>,
    /// Since when it has failed, and the last error.
    pub(super) failure: Option<(DateTime<Utc>, String)>,
    /// Requests by result: `success`, or the kind of failure.
    pub(super) results: BTreeMap<&'static str, u64>,
    pub(super) seconds: f64,
}

#[derive(Debug, Default)]
pub(super) struct TargetState {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) place: String,
    pub(super) actions: BTreeMap<&'static str, u64>,
    pub(super) errors: BTreeMap<&'static str, u64>,
    pub(super) last_success: Option<DateTime<Utc>>,
    pub(super) failure: Option<(DateTime<Utc>, String)>,
    pub(super) summary: Summary,
}

/// Counts of a target's objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Objects that are up to date.
    pub(crate) good: usize,
    /// Objects that are not up to date.
    pub(crate) failing: usize,
    /// Objects not processed yet.
    pub(crate) waiting: usize,
    /// When the first entry expires.
    pub(crate) expires: Option<DateTime<Utc>>,
    /// When the first entry expires of the objects that lack none.
    pub(crate) holds_until: Option<DateTime<Utc>>,
    pub(crate) lacking: Lacking,
    /// Whether some object has entries of which none expires, as far as is known.
    pub(crate) endless: bool,
}

impl Status {
    /// A status in which nothing has happened.
    pub(crate) fn new(plan: &Plan, clock: Clock) -> Self {
        let now = clock.now();
        let sources = plan.sources.iter().map(|source| SourceState {
            name: source.registry.name.clone(),
            provider: source.kind.shown(),
            hosts: source.registry.hosts.clone(),
            tenants: source.registry.namespace_identity.is_some(),
            results: RESULTS.iter().map(|result| (*result, 0)).collect(),
            ..SourceState::default()
        });
        let mut targets: Vec<TargetState> = Vec::new();
        for secret in &plan.secrets {
            let known = targets.iter_mut().find(|t| t.name == secret.target);
            match known {
                Some(target) => target.place.push_str(&format!(", {}", secret.object.name)),
                None => targets.push(TargetState {
                    place: secret.object.name.clone(),
                    ..TargetState::new(&secret.target, "Secret")
                }),
            }
        }
        targets.extend(plan.files.iter().map(|file| TargetState {
            place: file.file.path.display().to_string(),
            ..TargetState::new(&file.target, "File")
        }));
        Self {
            state: Mutex::new(State {
                started: now,
                alive: now,
                leader: false,
                first_pass: false,
                listed: false,
                lease: None,
                requests: RequestCounts::default(),
                panics: TASKS.map(|task| (task, 0)).into(),
                sources: sources.collect(),
                targets,
            }),
            clock,
        }
    }

    /// Healthy: the main loop has run within the last two minutes.
    pub(crate) fn is_alive(&self) -> bool {
        let now = self.clock.now();
        (now - self.lock().alive).abs() < TimeDelta::minutes(2)
    }

    /// Ready: once the namespaces have been listed, and while the Lease can be read; the leader once
    /// every object has been processed and while no source has failed for longer than half of its
    /// token's remaining life. If not, why, one reason per line.
    pub(crate) fn ready(&self) -> Result<(), String> {
        let now = self.clock.now();
        let state = self.lock();
        let mut reasons = state.obstacles();
        let sources = state.sources.iter().filter(|_| state.leader);
        let failing = sources.filter_map(|source| {
            let text = source.danger(now)?;
            Some(format!("registry {}: {text}", source.name))
        });
        reasons.extend(failing);
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons.join("\n"))
        }
    }

    /// Whether a source has failed for so long that its logins may expire.
    pub(crate) fn is_in_danger(&self, source: usize) -> bool {
        let now = self.clock.now();
        self.lock().sources[source].danger(now).is_some()
    }

    /// A token of the source was issued.
    pub(crate) fn issued(&self, source: usize, life: &Life, tenant: bool, took: Duration) {
        let now = self.clock.now();
        let mut state = self.lock();
        let source = &mut state.sources[source];
        let earlier = source.life.filter(|_| tenant);
        let earlier = earlier.and_then(|known| known.expires);
        source.life = Some(Life {
            issued: life.issued,
            // Of many namespaces' tokens the one that expires first.
            expires: match (life.expires, earlier.filter(|end| *end > now)) {
                (Some(new), Some(old)) => Some(new.min(old)),
                (new, _) => new,
            },
        });
        source.last_success = Some(now);
        source.failure = None;
        source.requested(SUCCESS, took);
    }

    /// A request for a token of the source failed.
    pub(crate) fn not_issued(&self, source: usize, kind: ErrorKind, text: &str, took: Duration) {
        let now = self.clock.now();
        let mut state = self.lock();
        let source = &mut state.sources[source];
        let since = source.failure.as_ref().map_or(now, |(since, _)| *since);
        source.failure = Some((since, shown(text)));
        source.requested(kind_name(kind), took);
    }

    pub(crate) fn report(&self, report: &Report) {
        let now = self.clock.now();
        let mut state = self.lock();
        let Some(target) = state.targets.iter_mut().find(|t| t.name == report.target) else {
            return;
        };
        if report.kind == "Secret" {
            *target.actions.entry(report.action.as_str()).or_default() += 1;
        }
        if report.action.is_good() && !report.registry_failed {
            if report.action != Action::Skip {
                target.last_success = Some(now);
            }
            return;
        }
        let reason = match (report.action, report.registry_failed) {
            (Action::Foreign | Action::Conflict, _) => report.action.as_str(),
            (_, true) => REGISTRY,
            _ => report.cause.unwrap_or(OBJECT),
        };
        *target.errors.entry(reason).or_default() += 1;
        // A registry's failure is with the registry.
        if !report.registry_failed {
            let since = target.failure.as_ref().map_or(now, |(since, _)| *since);
            target.failure = Some((since, shown(&report.to_string())));
        }
    }

    pub(crate) fn summaries(&self, all: &BTreeMap<&str, Summary>) {
        let mut state = self.lock();
        for target in &mut state.targets {
            let summary = all.get(&*target.name).cloned().unwrap_or_default();
            if summary.failing == 0 {
                target.failure = None;
            }
            target.summary = summary;
        }
    }

    pub(crate) fn alive(&self, leader: bool, requests: RequestCounts) {
        let now = self.clock.now();
        let mut state = self.lock();
        state.alive = now;
        state.leader = leader;
        state.requests = requests;
    }

    /// A task panicked, which is a bug, and begins again.
    pub(crate) fn panicked(&self, task: &'static str) {
        *self.lock().panics.entry(task).or_default() += 1;
    }

    /// The namespaces have been listed, or need not be.
    pub(crate) fn listed(&self) {
        self.lock().listed = true;
    }

    /// The Lease was read or renewed, or cannot be, and why.
    pub(crate) fn lease(&self, failure: Option<String>) {
        self.lock().lease = failure.map(|why| shown(&why));
    }

    pub(crate) fn first_pass_done(&self) {
        self.lock().first_pass = true;
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What keeps the daemon itself from its work.
    pub(super) fn obstacles(&self) -> Vec<String> {
        let mut obstacles = Vec::new();
        if !self.listed {
            obstacles.push("the namespaces have not been listed yet".to_owned());
        }
        obstacles.extend(self.lease.clone());
        if self.leader && !self.first_pass {
            obstacles.push("the first pass is not complete".to_owned());
        }
        obstacles
    }
}

impl TargetState {
    /// Nothing has happened: every count is there, and 0.
    fn new(name: &str, kind: &'static str) -> Self {
        let reasons = REASONS.into_iter().chain([FOREIGN, REGISTRY, OBJECT]);
        Self {
            name: name.to_owned(),
            kind,
            actions: Action::ALL
                .iter()
                .filter(|_| kind == "Secret")
                .map(|action| (action.as_str(), 0))
                .collect(),
            errors: reasons.map(|reason| (reason, 0)).collect(),
            ..Self::default()
        }
    }
}

impl SourceState {
    fn requested(&mut self, result: &'static str, took: Duration) {
        *self.results.entry(result).or_default() += 1;
        self.seconds += took.as_secs_f64();
    }

    /// The failure, if it has lasted so long that logins may expire. With a token: half of the life
    /// that was left at the first failure. Without one: at once.
    fn danger(&self, now: DateTime<Utc>) -> Option<&str> {
        let (since, text) = self.failure.as_ref()?;
        let in_danger = match self.life.and_then(|life| life.expires) {
            Some(end) if end > *since => now >= *since + (end - *since) / 2,
            _ => true,
        };
        in_danger.then_some(text)
    }
}

pub(super) const SUCCESS: &str = "success";
/// Every result of a token request: [`SUCCESS`], and the words of [`kind_name`].
const RESULTS: [&str; 9] = [
    SUCCESS,
    "not_served",
    "not_configured",
    "no_identity",
    "denied",
    "throttled",
    "unreachable",
    "malformed",
    "other",
];
/// The tasks that begin again after a panic; that of the work on an object is a failure of the object.
const TASKS: [&str; 3] = ["watch", "election", "page"];
/// Reasons of failures of objects, besides those of the API server.
const FOREIGN: &str = "foreign";
const REGISTRY: &str = "registry";
const OBJECT: &str = "object";

fn kind_name(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NotServed => "not_served",
        ErrorKind::NotConfigured => "not_configured",
        ErrorKind::IdentityUnavailable => "no_identity",
        ErrorKind::Denied => "denied",
        ErrorKind::Throttled => "throttled",
        ErrorKind::Unreachable => "unreachable",
        ErrorKind::Malformed => "malformed",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
