//! What the refresher knows of itself: the ground of health, metrics and the status page. It holds
//! names, times, counts and error texts; no token.

mod metrics;
mod page;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use regcred_core::{Clock, ErrorKind};

use crate::plan::Plan;
use crate::report::{Action, Report};
use crate::token::Life;

/// The state of sources and targets, shared by all tasks.
#[derive(Debug)]
pub struct Status {
    clock: Clock,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    started: DateTime<Utc>,
    alive: DateTime<Utc>,
    leader: bool,
    first_pass: bool,
    requests: u64,
    sources: Vec<Source>,
    targets: Vec<Target>,
}

#[derive(Debug, Default)]
struct Source {
    name: String,
    provider: String,
    hosts: Vec<String>,
    life: Option<Life>,
    tenants: bool,
    last_success: Option<DateTime<Utc>>,
    failure: Option<(DateTime<Utc>, String)>,
    issued: u64,
    failed: BTreeMap<&'static str, u64>,
    seconds: f64,
}

#[derive(Debug, Default)]
struct Target {
    name: String,
    kind: &'static str,
    place: String,
    actions: BTreeMap<&'static str, u64>,
    errors: BTreeMap<&'static str, u64>,
    last_success: Option<DateTime<Utc>>,
    failure: Option<(DateTime<Utc>, String)>,
    summary: Summary,
}

/// A target's objects, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Objects that are as they should be.
    pub(crate) good: usize,
    /// Objects that are not.
    pub(crate) failing: usize,
    /// Objects not looked at yet.
    pub(crate) waiting: usize,
    /// When the first entry ends.
    pub(crate) expires: Option<DateTime<Utc>>,
}

impl Status {
    /// A status in which nothing has happened.
    #[must_use]
    pub fn new(plan: &Plan, clock: Clock) -> Self {
        let now = clock.now();
        let sources = plan.sources.iter().map(|source| Source {
            name: source.name.clone(),
            provider: source.kind.shown(),
            hosts: source.hosts.clone(),
            tenants: source.identity.is_some(),
            ..Source::default()
        });
        let mut targets: Vec<Target> = Vec::new();
        for secret in &plan.secrets {
            match targets
                .iter_mut()
                .find(|target| target.name == secret.target)
            {
                Some(target) => target.place.push_str(&format!(", {}", secret.name)),
                None => targets.push(Target {
                    name: secret.target.clone(),
                    kind: "Secret",
                    place: secret.name.clone(),
                    ..Target::default()
                }),
            }
        }
        targets.extend(plan.files.iter().map(|file| Target {
            name: file.target.clone(),
            kind: "File",
            place: file.path.display().to_string(),
            ..Target::default()
        }));
        Self {
            inner: Mutex::new(Inner {
                started: now,
                alive: now,
                leader: false,
                first_pass: false,
                requests: 0,
                sources: sources.collect(),
                targets,
            }),
            clock,
        }
    }

    /// Healthy: the loop has turned within the last two minutes.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let now = self.clock.now();
        (now - self.lock().alive).abs() < TimeDelta::minutes(2)
    }

    /// Ready: a standby always; the leader when every object was looked at once and no source has
    /// failed for longer than half of what is left of its token. If not, why.
    ///
    /// # Errors
    /// The reasons, one a line.
    pub fn ready(&self) -> Result<(), String> {
        let now = self.clock.now();
        let inner = self.lock();
        if !inner.leader {
            return Ok(());
        }
        let mut reasons = Vec::new();
        if !inner.first_pass {
            reasons.push("the first pass is not complete".to_owned());
        }
        for source in &inner.sources {
            if let Some((since, text)) = &source.failure
                && source.is_in_danger(*since, now)
            {
                reasons.push(format!("registry {}: {text}", source.name));
            }
        }
        match reasons.is_empty() {
            true => Ok(()),
            false => Err(reasons.join("\n")),
        }
    }

    /// Whether a source has failed for so long that people should know.
    pub(crate) fn is_in_danger(&self, source: usize) -> bool {
        let now = self.clock.now();
        let inner = self.lock();
        let source = &inner.sources[source];
        source
            .failure
            .as_ref()
            .is_some_and(|(since, _)| source.is_in_danger(*since, now))
    }

    pub(crate) fn token(
        &self,
        source: usize,
        life: &Life,
        now: DateTime<Utc>,
        took: Duration,
        tenant: bool,
    ) {
        let mut inner = self.lock();
        let source = &mut inner.sources[source];
        let earlier = source
            .life
            .and_then(|known| known.expires)
            .filter(|_| tenant);
        source.life = Some(Life {
            issued: life.issued,
            // Of many namespaces' tokens the one that ends first.
            expires: match (life.expires, earlier.filter(|end| *end > now)) {
                (Some(new), Some(old)) => Some(new.min(old)),
                (new, _) => new,
            },
        });
        source.last_success = Some(now);
        source.failure = None;
        source.issued += 1;
        source.seconds += took.as_secs_f64();
    }

    pub(crate) fn token_failure(
        &self,
        source: usize,
        kind: ErrorKind,
        text: &str,
        now: DateTime<Utc>,
        took: Duration,
    ) {
        let mut inner = self.lock();
        let source = &mut inner.sources[source];
        *source.failed.entry(kind_name(kind)).or_default() += 1;
        let since = source.failure.as_ref().map_or(now, |(since, _)| *since);
        source.failure = Some((since, text.to_owned()));
        source.seconds += took.as_secs_f64();
    }

    pub(crate) fn report(&self, report: &Report) {
        let now = self.clock.now();
        let mut inner = self.lock();
        let Some(target) = inner.targets.iter_mut().find(|t| t.name == report.target) else {
            return;
        };
        *target.actions.entry(report.action.as_str()).or_default() += 1;
        if report.action.is_good() && !report.registry_failed {
            if report.action != Action::Skip {
                target.last_success = Some(now);
            }
            return;
        }
        let reason = match (report.action, report.registry_failed) {
            (Action::Foreign | Action::Conflict, _) => report.action.as_str(),
            (_, true) => "registry",
            _ => report.cause.unwrap_or("object"),
        };
        *target.errors.entry(reason).or_default() += 1;
        target.failure = Some((now, report.to_string()));
    }

    pub(crate) fn summaries(&self, all: &BTreeMap<String, Summary>) {
        let mut inner = self.lock();
        for target in &mut inner.targets {
            let summary = all.get(&target.name).cloned().unwrap_or_default();
            if summary.failing == 0 {
                target.failure = None;
            }
            target.summary = summary;
        }
    }

    pub(crate) fn alive(&self, leader: bool, requests: u64) {
        let now = self.clock.now();
        let mut inner = self.lock();
        inner.alive = now;
        inner.leader = leader;
        inner.requests = requests;
    }

    pub(crate) fn first_pass_done(&self) {
        self.lock().first_pass = true;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Source {
    /// With a token: half of what was left when it first failed is gone. Without one: at once.
    fn is_in_danger(&self, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        match self.life.and_then(|life| life.expires) {
            Some(end) if end > since => now >= since + (end - since) / 2,
            _ => true,
        }
    }
}

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
