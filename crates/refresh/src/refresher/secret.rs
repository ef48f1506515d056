//! One Secret.

mod outcome;
mod write;

use chrono::{DateTime, Utc};

use super::tenant::Who;
use super::{Accounts, Next, Refresher, Seen, Served};
use crate::cluster::{Cluster, ClusterError, EventReason};
use crate::config::Ownership;
use crate::plan::{Namespace, SecretPlan};
use crate::report::Action;
use crate::secret::{Existing, Part};
use crate::token::Life;
use crate::tokens::Failure;
use outcome::next_after;

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
            inputs: plan.inputs.clone(),
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
    /// A hash of what decides the content beside the tokens: the configuration, and whose identity
    /// counts here.
    inputs: String,
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
        let roles = whos
            .iter()
            .filter_map(|(_, who)| Some(who.tenant()?.0.role.as_str()));
        self.inputs = self.plan.inputs_with(roles);
        let (existing, mut changed) = self.look(cluster, now).await?;
        let inputs = self.seen.as_ref().map(|seen| &seen.inputs);
        changed |= inputs.is_some_and(|inputs| *inputs != self.inputs);
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
        let labelled = match &existing {
            Existence::There(found) => found.is_labelled(self.plan),
            _ => true,
        };
        if all_fresh && labelled && !changed && !gone {
            let lives = lives
                .into_iter()
                .filter_map(|(s, life)| Some((s, life?)))
                .collect();
            return Ok(self.untouched(&existing, lives));
        }
        let parts = self.parts(&whos, &lives, changed, &fresh).await;
        let existing = match existing {
            Existence::AsSeen if !changed && nothing_new(&parts, &lives) => {
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
        self.tell(cluster, &existing.uid, EventReason::ForeignSecret, &why)
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
            Existence::There(found) => {
                found.life_of(&self.refresher.plan, self.plan, &self.inputs, source)
            }
            _ => None,
        }
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

/// Registries that serve anybody, unless a dead login is shown to them.
const ANONYMOUS: [&str; 2] = ["public.ecr.aws", "ecr-public.aws.com"];
