//! Whether the Secret must be written, and from which parts.

use chrono::{DateTime, Utc};

use super::{Existing, Work};
use crate::cluster::ClusterResult;
use crate::life::{Life, Lives};
use crate::refresher::content::{Fingerprint, Part};
use crate::refresher::outcome::{Next, Outcome};
use crate::refresher::tenant::Who;
use crate::report::Action;
use crate::tokens::TenantIdentity;

/// One of the sources of a Secret.
struct Share {
    source: usize,
    /// Whose token it is; `None` for the refresher's own.
    tenant: Option<Box<TenantIdentity>>,
    /// The times of its entries, if they are there and good.
    life: Option<Life>,
}

impl Work<'_> {
    pub(super) async fn run(&mut self) -> ClusterResult<Outcome> {
        let now = self.refresher.clock.now();
        let mut shares = Vec::new();
        let mut missing = None;
        for source in &self.plan.sources {
            let who = self.refresher.who(self.cluster, *source, self.namespace);
            match who.await? {
                Who::Missing(why) => missing = missing.or(Some(why)),
                Who::Known(tenant) => shares.push(Share {
                    source: *source,
                    tenant,
                    life: None,
                }),
            }
        }
        if let (true, Some(why)) = (shares.is_empty(), missing) {
            let report = self.report(Action::Skip).with(Action::Skip, why);
            let next = Next::At(self.refresher.next_check());
            return Ok(Outcome::forgotten(report, next));
        }
        let tenants = shares.iter().filter_map(|share| share.tenant.as_ref());
        let roles = tenants.map(|identity| identity.tenant.role.as_str());
        self.inputs = self.plan.inputs_with(roles);
        let (mut existing, edited) = self.look(now).await?;
        let seen = self.seen.as_ref();
        let changed = edited || seen.is_some_and(|seen| seen.inputs != self.inputs);
        if let Existing::Read(found) = &existing
            && let Some(refusal) = self.refusal(found).await
        {
            return Ok(refusal);
        }
        for share in &mut shares {
            // What another writer put there is of unknown age.
            share.life = self.life_of(share.source, &existing).filter(|_| !edited);
        }
        let lives = || {
            let lives = shares.iter();
            Lives(
                lives
                    .filter_map(|share| Some((share.source, share.life?)))
                    .collect(),
            )
        };
        let mut all = shares.iter();
        let all_fresh = all.all(|share| self.is_fresh(share));
        let written = match &existing {
            Existing::Read(found) => found.is_labelled(self.plan),
            Existing::AsSeen => true,
            Existing::Absent => false,
        };
        if all_fresh && written && !changed {
            return Ok(self.untouched(&existing, lives()));
        }
        let parts = self.parts(&shares, changed).await;
        if matches!(existing, Existing::AsSeen) {
            if !changed && nothing_new(&parts, &shares) {
                return Ok(self.untouched(&existing, lives()));
            }
            // The old content is needed if a part of it stays.
            if parts.iter().any(|(_, part)| part.needs_old()) {
                let found = self.cluster.secret(&self.namespace.name, &self.name);
                existing = found.await?.map_or(Existing::Absent, Existing::Read);
            }
            if let Existing::Read(found) = &existing
                && let Some(refusal) = self.refusal(found).await
            {
                return Ok(refusal);
            }
        }
        self.write(&existing, &parts).await
    }

    /// Reads as little as is needed to know the state of the Secret; true if it has changed since it
    /// was last seen.
    async fn look(&self, now: DateTime<Utc>) -> ClusterResult<(Existing, bool)> {
        let namespace = &self.namespace.name;
        if let Some(seen) = &self.seen {
            if now < seen.check_at {
                return Ok((Existing::AsSeen, false));
            }
            let version = self.cluster.secret_version(namespace, &self.name).await?;
            if version.as_ref() == Some(&seen.version) {
                return Ok((Existing::AsSeen, false));
            }
        }
        Ok(match self.cluster.secret(namespace, &self.name).await? {
            None => (Existing::Absent, self.seen.is_some()),
            Some(found) => {
                let known = self.seen.as_ref().and_then(|seen| seen.fingerprint);
                let fingerprint = Fingerprint::of(&found.content, self.plan);
                let changed = known.is_some_and(|known| known != fingerprint);
                let changed = changed || found.is_edited(self.plan);
                (Existing::Read(found), changed)
            }
        })
    }

    fn life_of(&self, source: usize, existing: &Existing) -> Option<Life> {
        match existing {
            Existing::AsSeen => self.seen.as_ref()?.lives.of(source),
            Existing::Read(found) => {
                found.life_of(&self.refresher.plan, self.plan, &self.inputs, source)
            }
            Existing::Absent => None,
        }
    }

    /// Whether the source's entries are there and not due.
    fn is_fresh(&self, share: &Share) -> bool {
        let Share { source, life, .. } = share;
        let now = self.refresher.clock.now();
        let due = |life: Life| self.refresher.tokens.due(*source, &life);
        !self.refresher.mode.renew_all && life.is_some_and(|life| now < due(life))
    }

    async fn parts(&mut self, shares: &[Share], changed: bool) -> Vec<(usize, Part)> {
        let tokens = &self.refresher.tokens;
        let now = self.refresher.clock.now();
        let mut parts = Vec::new();
        for share in shares {
            let source = share.source;
            let tenant = share.tenant.as_deref();
            if let Some(life) = share.life.filter(|_| !changed && self.is_fresh(share)) {
                let held = tokens.peek(source, tenant.map(|identity| &identity.tenant));
                let held = held.filter(|token| token.life == life);
                parts.push((source, held.map_or(Part::Kept(life), Part::Token)));
                continue;
            }
            let available = tokens.get(source, tenant).await;
            if let Some(failure) = available.failure {
                self.failures.push((source, failure));
            }
            let part = match (available.token, share.life) {
                (Some(token), _) => Part::Token(token),
                (None, None) => Part::Leftover,
                (None, Some(life)) => {
                    let mut hosts = self.refresher.plan.sources[source].registry.hosts.iter();
                    let anonymous = hosts.all(|host| ANONYMOUS.contains(&host.as_str()));
                    if life.has_expired(now) && anonymous {
                        Part::Dropped
                    } else {
                        Part::Kept(life)
                    }
                }
            };
            parts.push((source, part));
        }
        parts
    }
}

/// Whether the parts together are what was written before.
fn nothing_new(parts: &[(usize, Part)], shares: &[Share]) -> bool {
    let mut both = parts.iter().zip(shares);
    both.all(|((_, part), share)| match part {
        Part::Token(token) => Some(token.life) == share.life,
        Part::Kept(_) | Part::Leftover => true,
        Part::Dropped => false,
    })
}

/// Registries that accept anonymous pulls, but refuse an expired login.
const ANONYMOUS: [&str; 2] = ["public.ecr.aws", "ecr-public.aws.com"];
