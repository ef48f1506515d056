//! One Secret.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::tenant::Who;
use super::{Accounts, Next, Refresher, Seen, Served};
use crate::cluster::{Cluster, ClusterError, Happening, Kind};
use crate::config::Ownership;
use crate::document::EntryForm;
use crate::plan::{Namespace, SecretPlan};
use crate::report::{Action, Report};
use crate::secret::{Desired, Existing, Part};
use crate::token::Life;
use crate::tokens::Failure;

impl Refresher {
    /// Brings the Secret of a plan in a namespace up to date, then the service accounts.
    pub(crate) async fn serve_secret(
        &self,
        place: usize,
        namespace: &Namespace,
        seen: Option<Seen>,
        accounts: Accounts,
    ) -> Served {
        let plan = &self.plan.secrets[place];
        let mut work = Work {
            refresher: self,
            plan,
            namespace,
            name: plan.name_in(&namespace.name),
            seen,
            failures: Vec::new(),
        };
        if let Err(why) = plan.covers(namespace) {
            return work.skip(why);
        }
        let Some(cluster) = &self.cluster else {
            return work.skip("no cluster");
        };
        let mut served = match work.run(cluster).await {
            Ok(served) => served,
            Err(error) => return work.failed(&error),
        };
        work.tell_of_registries(cluster, &mut served).await;
        if served
            .reports
            .iter()
            .all(|report| report.action.is_good() && report.action != Action::Skip)
        {
            let (reports, failure) = self.link_accounts(cluster, plan, namespace, accounts).await;
            served.reports.extend(reports);
            if let Some(error) = failure {
                served.next = next_after(&error);
            }
        }
        served
    }
}

/// The work on one Secret.
struct Work<'a> {
    refresher: &'a Refresher,
    plan: &'a SecretPlan,
    namespace: &'a Namespace,
    name: String,
    seen: Option<Seen>,
    failures: Vec<(usize, Failure)>,
}

impl Work<'_> {
    async fn run(&mut self, cluster: &Cluster) -> Result<Served, ClusterError> {
        let now = self.refresher.clock.now();
        let mut whos = Vec::new();
        for source in &self.plan.sources {
            let who = self.refresher.who(cluster, *source, self.namespace).await?;
            whos.push((*source, who));
        }
        let nobody = whos.iter().find_map(|(_, who)| match who {
            Who::Nobody(why) => Some(why.clone()),
            _ => None,
        });
        whos.retain(|(_, who)| !matches!(who, Who::Nobody(_)));
        if let (true, Some(why)) = (whos.is_empty(), nobody) {
            let mut served = self.skip(&why);
            served.next = Next::At(self.refresher.next_check());
            return Ok(served);
        }
        let (existing, changed) = self.look(cluster, now).await?;
        if let Existence::There(existing) = &existing
            && let Some(refusal) = self.refusal(cluster, existing).await
        {
            return Ok(refusal);
        }
        let fresh = |life: &Life, source: usize| {
            !self.refresher.mode.anew && now < self.refresher.tokens.due(source, life)
        };
        let lives: Vec<(usize, Option<Life>)> = whos
            .iter()
            .map(|(source, _)| (*source, self.life_of(*source, &existing)))
            .collect();
        let all_fresh = lives
            .iter()
            .all(|(source, life)| life.is_some_and(|life| fresh(&life, *source)));
        let gone = matches!(existing, Existence::Absent);
        if all_fresh && !changed && !gone {
            let lives = lives
                .into_iter()
                .filter_map(|(s, life)| Some((s, life?)))
                .collect();
            return Ok(self.untouched(&existing, lives));
        }
        let parts = self.parts(&whos, &lives, changed, &fresh).await;
        let existing = match existing {
            Existence::AsSeen if nothing_new(&parts, &lives) => {
                let lives = lives
                    .into_iter()
                    .filter_map(|(s, life)| Some((s, life?)))
                    .collect();
                return Ok(self.untouched(&existing, lives));
            }
            // The old content is needed where a part of it stays.
            Existence::AsSeen if parts.iter().any(|(_, part)| part.needs_old()) => {
                match cluster.secret(&self.namespace.name, &self.name).await? {
                    Some(found) => {
                        if let Some(refusal) = self.refusal(cluster, &found).await {
                            return Ok(refusal);
                        }
                        Existence::There(found)
                    }
                    None => Existence::Absent,
                }
            }
            other => other,
        };
        self.write(cluster, &existing, &parts).await
    }

    /// Reads as little as is needed to know how the Secret is; true when it is not as it was left.
    async fn look(
        &self,
        cluster: &Cluster,
        now: DateTime<Utc>,
    ) -> Result<(Existence, bool), ClusterError> {
        let namespace = &self.namespace.name;
        if let Some(seen) = &self.seen {
            if now < seen.check_at {
                return Ok((Existence::AsSeen, false));
            }
            let version = cluster.secret_version(namespace, &self.name).await?;
            if version.as_ref() == Some(&seen.version) {
                return Ok((Existence::AsSeen, false));
            }
        }
        Ok(match cluster.secret(namespace, &self.name).await? {
            None => (Existence::Absent, self.seen.is_some()),
            Some(found) => {
                let known = self.seen.as_ref().and_then(|seen| seen.fingerprint);
                let changed = known.is_some_and(|known| known != found.fingerprint(self.plan));
                (Existence::There(found), changed)
            }
        })
    }

    /// The Secret belongs to somebody else, or cannot be changed, and we may do nothing about it.
    async fn refusal(&mut self, cluster: &Cluster, existing: &Existing) -> Option<Served> {
        let (action, why) = if !existing.is_ours() && !self.may_take(existing) {
            let maker = existing
                .owner()
                .map_or("somebody else".to_owned(), |o| format!("{o:?}"));
            let why = format!(
                "it was made by {maker}; set ownership, or annotate it with \
                 refresh.regcred.dev/adopt=true"
            );
            (Action::Foreign, why)
        } else {
            let obstacle = existing.obstacle(self.plan)?;
            if self.forced(existing) {
                return None;
            }
            (
                Action::Failed,
                format!("{obstacle}; ownership Force replaces it"),
            )
        };
        self.tell(cluster, &existing.uid, Happening::ForeignSecret, &why)
            .await;
        let mut report = self.report(action);
        report.reason = Some(why);
        Some(Served {
            reports: vec![report],
            seen: None,
            next: Next::At(self.refresher.next_check()),
        })
    }

    fn may_take(&self, existing: &Existing) -> bool {
        self.forced(existing) || self.plan.ownership == Ownership::Merge
    }

    fn forced(&self, existing: &Existing) -> bool {
        self.refresher.mode.force
            || self.plan.ownership == Ownership::Force
            || existing.may_be_adopted()
    }

    fn life_of(&self, source: usize, existing: &Existence) -> Option<Life> {
        if let (Existence::AsSeen, Some(seen)) = (existing, &self.seen) {
            let known = seen.lives.iter().find(|(known, _)| *known == source);
            return known.map(|(_, life)| *life);
        }
        match existing {
            Existence::There(found) => found.life_of(&self.refresher.plan, self.plan, source),
            _ => None,
        }
    }

    /// Nothing is due and nothing was changed.
    fn untouched(&mut self, existing: &Existence, lives: Vec<(usize, Life)>) -> Served {
        let (version, fingerprint) = match (existing, self.seen.take()) {
            (Existence::There(found), _) => (
                found.resource_version.clone(),
                Some(found.fingerprint(self.plan)),
            ),
            (_, Some(seen)) => (seen.version, seen.fingerprint),
            (_, None) => (String::new(), None),
        };
        let mut report = self.report(Action::Unchanged);
        report.expires_at = lives.iter().filter_map(|(_, life)| life.expires).min();
        self.done(report, version, fingerprint, lives)
    }

    async fn parts(
        &mut self,
        whos: &[(usize, Who)],
        lives: &[(usize, Option<Life>)],
        changed: bool,
        fresh: &impl Fn(&Life, usize) -> bool,
    ) -> Vec<(usize, Part)> {
        let tokens = &self.refresher.tokens;
        let now = self.refresher.clock.now();
        let mut parts = Vec::new();
        for ((source, who), (_, life)) in whos.iter().zip(lives) {
            let tenant = who.tenant();
            if let Some(life) = life.filter(|life| !changed && fresh(life, *source)) {
                let held = tokens.peek(*source, tenant.map(|(tenant, _)| tenant)).await;
                let held = held.filter(|token| token.life == life);
                parts.push((*source, held.map_or(Part::Kept(life), Part::Token)));
                continue;
            }
            let answer = tokens.get(*source, tenant).await;
            if let Some(failure) = answer.failure {
                self.failures.push((*source, failure));
            }
            let part = match (answer.token, life) {
                (Some(token), _) => Part::Token(token),
                (None, life) => {
                    let hosts = &self.refresher.plan.sources[*source].hosts;
                    let anonymous = hosts.iter().all(|h| ANONYMOUS.contains(&h.as_str()));
                    match life {
                        Some(life) if life.is_over(now) && anonymous => Part::Dropped,
                        Some(life) => Part::Kept(*life),
                        None => Part::Leftover,
                    }
                }
            };
            parts.push((*source, part));
        }
        parts
    }

    async fn write(
        &mut self,
        cluster: &Cluster,
        existing: &Existence,
        parts: &[(usize, Part)],
    ) -> Result<Served, ClusterError> {
        let old = match existing {
            Existence::There(found) => Some(found),
            _ => None,
        };
        if let Some(old) = old
            && self.plan.ownership == Ownership::Merge
            && !old.is_ours()
            && !self.forced(old)
        {
            return self.merge(cluster, old, parts).await;
        }
        let Some(desired) = Desired::compose(&self.refresher.plan, self.plan, parts, old) else {
            return Ok(self.nothing_to_write());
        };
        if !desired.fits() {
            let mut report = self.report(Action::Failed);
            report.reason = Some("its entries are larger than an object may be".to_owned());
            return Ok(self.again(report));
        }
        let lives: Vec<_> = desired.lives.iter().map(|(s, life)| (*s, *life)).collect();
        let fingerprint = Some(desired.fingerprint(self.plan));
        if let Some(old) = old.filter(|old| desired.is(old, self.plan)) {
            let version = old.resource_version.clone();
            let report = self.report_of(Action::Unchanged, &desired);
            return Ok(self.done(report, version, fingerprint, lives));
        }
        let known = old.is_some() || matches!(existing, Existence::AsSeen);
        let action = if known {
            Action::Update
        } else {
            Action::Create
        };
        if self.refresher.mode.dry_run {
            let report = self.report_of(action, &desired);
            return Ok(self.done(report, String::new(), None, lives));
        }
        let force = old.is_some_and(|old| self.forced(old) && !old.is_ours())
            || (self.refresher.mode.force || self.plan.ownership == Ownership::Force);
        if let Some(old) = old.filter(|old| old.obstacle(self.plan).is_some()) {
            // Neither a type nor an immutable content can be changed in place.
            cluster
                .delete_secret(&self.namespace.name, &self.name, &old.uid)
                .await?;
        }
        let restored = matches!(existing, Existence::There(_)) && self.seen.is_some();
        match self.apply(cluster, &desired, force).await? {
            Ok(version) => {
                let report = self.report_of(action, &desired);
                if action == Action::Create {
                    let text = format!("logins for {}", desired.hosts.join(", "));
                    self.tell(cluster, "", Happening::Refreshed, &text).await;
                }
                let mut served = self.done(report, version, fingerprint, lives);
                if let Some(seen) = &mut served.seen {
                    seen.restored = restored;
                }
                Ok(served)
            }
            Err(conflict) => {
                let text = conflict.to_string();
                self.tell(cluster, "", Happening::Conflict, &text).await;
                let mut report = self.report(Action::Conflict);
                report.reason = Some(text);
                report.cause = Some(conflict.reason());
                Ok(Served {
                    reports: vec![report],
                    seen: None,
                    next: Next::At(self.refresher.next_check()),
                })
            }
        }
    }

    /// Applies without force first. Whoever changed a Secret of ours in passing owns its fields
    /// then: as long as it carries our label they are taken back. Without our label it is theirs.
    async fn apply(
        &self,
        cluster: &Cluster,
        desired: &Desired,
        force: bool,
    ) -> Result<Result<String, ClusterError>, ClusterError> {
        let namespace = &self.namespace.name;
        let conflict = match cluster
            .apply_secret(namespace, self.plan, desired, force)
            .await
        {
            Ok(version) => return Ok(Ok(version)),
            Err(error) if error.kind == Kind::Conflict => error,
            Err(error) => return Err(error),
        };
        let found = cluster.secret(namespace, &self.name).await?;
        if found.is_none_or(|found| !found.is_ours()) {
            return Ok(Err(conflict));
        }
        cluster
            .apply_secret(namespace, self.plan, desired, true)
            .await
            .map(Ok)
    }

    /// A Secret that others own and in which only our hosts are kept fresh.
    async fn merge(
        &mut self,
        cluster: &Cluster,
        old: &Existing,
        parts: &[(usize, Part)],
    ) -> Result<Served, ClusterError> {
        let Ok(mut document) = old.document(self.plan) else {
            let mut report = self.report(Action::Failed);
            report.reason = Some("it holds no docker configuration".to_owned());
            return Ok(self.again(report));
        };
        let mut lives = Vec::new();
        let mut report = self.report(Action::Unchanged);
        for (source, part) in parts {
            if let Part::Token(token) = part {
                for (host, login) in &token.logins {
                    document.set(host, login, EntryForm::Full);
                    report.hosts.push(host.clone());
                }
                lives.push((*source, token.life));
            }
        }
        if lives.is_empty() {
            return Ok(self.nothing_to_write());
        }
        report.expires_at = lives.iter().filter_map(|(_, life)| life.expires).min();
        let text = document.compact();
        let mut version = old.resource_version.clone();
        if !old.holds(&text) {
            report.action = Action::Update;
            if !self.refresher.mode.dry_run {
                let content = (self.plan.form, &text);
                let written =
                    cluster.replace_secret(&self.namespace.name, &self.name, &version, content);
                version = written.await?;
            }
        }
        let fingerprint = old.clone().with_text(text).fingerprint(self.plan);
        Ok(self.done(report, version, Some(fingerprint), lives))
    }

    /// No source gave anything and nothing was there.
    fn nothing_to_write(&mut self) -> Served {
        let report = self.report(Action::Failed);
        self.again(report)
    }

    fn again(&mut self, mut report: Report) -> Served {
        let retry = self
            .failures
            .iter()
            .map(|(_, failure)| failure.retry_at)
            .min();
        self.explain(&mut report);
        Served {
            reports: vec![report],
            seen: None,
            next: retry.map_or(Next::Later, Next::At),
        }
    }

    fn done(
        &mut self,
        mut report: Report,
        version: String,
        fingerprint: Option<crate::secret::Fingerprint>,
        lives: Vec<(usize, Life)>,
    ) -> Served {
        self.explain(&mut report);
        let tokens = &self.refresher.tokens;
        let check_at = match self
            .seen
            .as_ref()
            .filter(|s| self.refresher.clock.now() < s.check_at)
        {
            Some(seen) => seen.check_at,
            None => self.refresher.next_check(),
        };
        let failed = |source: usize| self.failures.iter().find(|(known, _)| *known == source);
        let due = self
            .plan
            .sources
            .iter()
            .filter_map(|source| match failed(*source) {
                Some((_, failure)) => Some(failure.retry_at),
                None => {
                    let life = lives.iter().find(|(known, _)| known == source);
                    life.map(|(_, life)| tokens.due(*source, life))
                }
            });
        let next = due.chain([check_at]).min().unwrap_or(check_at);
        let expires = report.expires_at;
        Served {
            reports: vec![report],
            seen: Some(Seen {
                version,
                fingerprint,
                lives,
                check_at,
                expires,
                told: self.seen.as_ref().is_some_and(|seen| seen.told),
                restored: false,
            }),
            next: Next::At(next),
        }
    }

    fn failed(&self, error: &ClusterError) -> Served {
        let mut report = self.report(Action::Failed);
        report.reason = Some(error.to_string());
        report.cause = Some(error.reason());
        if error.kind == Kind::Terminating {
            report.action = Action::Skip;
        }
        Served {
            reports: vec![report],
            seen: self.seen.clone(),
            next: next_after(error),
        }
    }

    fn skip(&self, why: &str) -> Served {
        let mut report = self.report(Action::Skip);
        report.reason = Some(why.to_owned());
        Served {
            reports: vec![report],
            seen: None,
            next: Next::Never,
        }
    }

    fn explain(&self, report: &mut Report) {
        let texts: Vec<&Arc<str>> = self
            .failures
            .iter()
            .map(|(_, failure)| &failure.text)
            .collect();
        if let Some(first) = texts.first() {
            report.registry_failed = true;
            report.reason = Some(first.to_string());
        }
    }

    fn report_of(&self, action: Action, desired: &Desired) -> Report {
        let mut report = self.report(action);
        report.hosts.clone_from(&desired.hosts);
        report.expires_at = desired.expires();
        report
    }

    fn report(&self, action: Action) -> Report {
        Report {
            target: self.plan.target.clone(),
            namespace: self.namespace.name.clone(),
            kind: "Secret",
            name: self.name.clone(),
            action,
            reason: None,
            hosts: Vec::new(),
            expires_at: None,
            registry_failed: false,
            cause: None,
        }
    }

    /// A registry that has failed for long is told of once, and its recovery too.
    async fn tell_of_registries(&self, cluster: &Cluster, served: &mut Served) {
        let (Some(seen), Some(report)) = (&mut served.seen, served.reports.first()) else {
            return;
        };
        let status = &self.refresher.status;
        let lasting = self
            .failures
            .iter()
            .find(|(source, _)| status.is_in_danger(*source));
        match lasting {
            Some((_, failure)) if !seen.told => {
                self.tell(cluster, "", Happening::RefreshFailed, &failure.text)
                    .await;
                seen.told = true;
            }
            None if seen.told && report.action == Action::Update => {
                let text = format!("logins for {} again", report.hosts.join(", "));
                self.tell(cluster, "", Happening::Refreshed, &text).await;
                seen.told = false;
            }
            _ => {}
        }
    }

    async fn tell(&self, cluster: &Cluster, uid: &str, happening: Happening, text: &str) {
        if self.refresher.mode.dry_run {
            return;
        }
        let place = (&*self.namespace.name, self.name.as_str(), uid);
        let now = self.refresher.clock.now();
        cluster
            .tell(&self.refresher.events, now, place, happening, text)
            .await;
    }
}

/// What is known of the Secret.
enum Existence {
    /// It is as it was left.
    AsSeen,
    There(Existing),
    Absent,
}

/// Whether putting the parts together would give what was written before.
fn nothing_new(parts: &[(usize, Part)], lives: &[(usize, Option<Life>)]) -> bool {
    parts
        .iter()
        .zip(lives)
        .all(|((_, part), (_, life))| match part {
            Part::Token(token) => Some(token.life) == *life,
            Part::Kept(_) | Part::Leftover => true,
            Part::Dropped => false,
        })
}

fn next_after(error: &ClusterError) -> Next {
    match error.kind {
        Kind::Unreachable | Kind::Throttled(_) => Next::WhenReachable,
        Kind::Terminating => Next::Never,
        _ => Next::Later,
    }
}

/// Registries that serve anybody, unless a dead login is shown to them.
const ANONYMOUS: [&str; 2] = ["public.ecr.aws", "ecr-public.aws.com"];
