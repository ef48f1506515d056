//! Whether the Secret must be written, and from which parts.

use chrono::{DateTime, Utc};

use super::work::{Existing, Work};
use crate::cluster::{Cluster, ClusterError};
use crate::life::Life;
use crate::refresher::content::Part;
use crate::refresher::outcome::{Next, Outcome};
use crate::refresher::tenant::Who;

impl Work<'_> {
    pub(super) async fn run(&mut self, cluster: &Cluster) -> Result<Outcome, ClusterError> {
        let now = self.refresher.clock.now();
        let mut whos = Vec::new();
        let mut missing = None;
        for source in &self.plan.sources {
            match self.refresher.who(cluster, *source, self.namespace).await? {
                Who::Missing(why) => missing = missing.or(Some(why)),
                who => whos.push((*source, who)),
            }
        }
        if let (true, Some(why)) = (whos.is_empty(), missing) {
            let mut outcome = self.skip(&why);
            outcome.next = Next::At(self.refresher.next_check());
            return Ok(outcome);
        }
        let tenants = whos.iter().filter_map(|(_, who)| who.tenant());
        let roles = tenants.map(|identity| identity.tenant.role.as_str());
        self.inputs = self.plan.inputs_with(roles);
        let (existing, mut changed) = self.look(cluster, now).await?;
        let inputs = self.seen.as_ref().map(|seen| &seen.inputs);
        changed |= inputs.is_some_and(|inputs| *inputs != self.inputs);
        if let Existing::Read(existing) = &existing
            && let Some(refusal) = self.refusal(cluster, existing).await
        {
            return Ok(refusal);
        }
        let fresh = |life: &Life, source: usize| {
            !self.refresher.mode.renew_all && now < self.refresher.tokens.due(source, life)
        };
        let lives: Vec<(usize, Option<Life>)> = whos
            .iter()
            .map(|(source, _)| (*source, self.life_of(*source, &existing)))
            .collect();
        let known = || {
            let known = lives
                .iter()
                .filter_map(|(source, life)| Some((*source, (*life)?)));
            known.collect()
        };
        let mut all = lives.iter();
        let all_fresh = all.all(|(source, life)| life.is_some_and(|life| fresh(&life, *source)));
        let written = match &existing {
            Existing::Read(found) => found.is_labelled(self.plan),
            Existing::AsSeen => true,
            Existing::Absent => false,
        };
        if all_fresh && written && !changed {
            return Ok(self.untouched(&existing, known()));
        }
        let parts = self.parts(&whos, &lives, changed, &fresh).await;
        let existing = match existing {
            Existing::AsSeen if !changed && nothing_new(&parts, &lives) => {
                return Ok(self.untouched(&existing, known()));
            }
            // The old content is needed if a part of it stays.
            Existing::AsSeen if parts.iter().any(|(_, part)| part.needs_old()) => {
                match cluster.secret(&self.namespace.name, &self.name).await? {
                    Some(found) => {
                        if let Some(refusal) = self.refusal(cluster, &found).await {
                            return Ok(refusal);
                        }
                        Existing::Read(found)
                    }
                    None => Existing::Absent,
                }
            }
            other => other,
        };
        self.write(cluster, &existing, &parts).await
    }

    /// Reads as little as is needed to know the state of the Secret; true if it has changed since it
    /// was last seen.
    async fn look(
        &self,
        cluster: &Cluster,
        now: DateTime<Utc>,
    ) -> Result<(Existing, bool), ClusterError> {
        let namespace = &self.namespace.name;
        if let Some(seen) = &self.seen {
            if now < seen.check_at {
                return Ok((Existing::AsSeen, false));
            }
            let version = cluster.secret_version(namespace, &self.name).await?;
            if version.as_ref() == Some(&seen.version) {
                return Ok((Existing::AsSeen, false));
            }
        }
        Ok(match cluster.secret(namespace, &self.name).await? {
            None => (Existing::Absent, self.seen.is_some()),
            Some(found) => {
                let known = self.seen.as_ref().and_then(|seen| seen.fingerprint);
                let changed = known.is_some_and(|known| known != found.fingerprint(self.plan));
                (Existing::Read(found), changed)
            }
        })
    }

    fn life_of(&self, source: usize, existing: &Existing) -> Option<Life> {
        match existing {
            Existing::AsSeen => {
                let mut lives = self.seen.as_ref()?.lives.iter();
                let known = lives.find(|(known, _)| *known == source);
                known.map(|(_, life)| *life)
            }
            Existing::Read(found) => {
                found.life_of(&self.refresher.plan, self.plan, &self.inputs, source)
            }
            Existing::Absent => None,
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
            let identity = who.tenant();
            if let Some(life) = life.filter(|life| !changed && fresh(life, *source)) {
                let tenant = identity.map(|identity| &identity.tenant);
                let held = tokens.peek(*source, tenant).await;
                let held = held.filter(|token| token.life == life);
                parts.push((*source, held.map_or(Part::Kept(life), Part::Token)));
                continue;
            }
            let available = tokens.get(*source, identity).await;
            if let Some(failure) = available.failure {
                self.failures.push((*source, failure));
            }
            let part = match (available.token, life) {
                (Some(token), _) => Part::Token(token),
                (None, None) => Part::Leftover,
                (None, Some(life)) => {
                    let hosts = &self.refresher.plan.sources[*source].hosts;
                    let anonymous = hosts.iter().all(|h| ANONYMOUS.contains(&h.as_str()));
                    if life.has_expired(now) && anonymous {
                        Part::Dropped
                    } else {
                        Part::Kept(*life)
                    }
                }
            };
            parts.push((*source, part));
        }
        parts
    }
}

/// Whether the parts together are what was written before.
fn nothing_new(parts: &[(usize, Part)], lives: &[(usize, Option<Life>)]) -> bool {
    let mut both = parts.iter().zip(lives);
    both.all(|((_, part), (_, life))| match part {
        Part::Token(token) => Some(token.life) == *life,
        Part::Kept(_) | Part::Leftover => true,
        Part::Dropped => false,
    })
}

/// Registries that accept anonymous pulls, but refuse an expired login.
const ANONYMOUS: [&str; 2] = ["public.ecr.aws", "ecr-public.aws.com"];
