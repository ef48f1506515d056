//! A Secret as it should be.

use std::sync::Arc;

use regcred_docker_config::{Document, EntryForm};

use super::stored::annotations;
use crate::cluster::{SecretContent, StoredSecret};
use crate::life::{Life, Lives};
use crate::names::{MANAGED_BY, NAME};
use crate::plan::{Plan, SecretPlan};
use crate::tokens::{Token, written};

/// What one source contributes.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A token in memory.
    Token(Arc<Token>),
    /// The entries that the Secret has, with the times in its annotations.
    Kept(Life),
    /// The entries that the Secret may have, of unknown age.
    Leftover,
    /// Nothing: its entries have expired, and the registry accepts anonymous pulls but refuses an
    /// expired login.
    Dropped,
}

/// A Secret as it should be.
#[derive(Debug)]
pub(crate) struct Desired {
    pub(crate) content: SecretContent,
    pub(crate) hosts: Vec<String>,
    /// The times of each source that contributes.
    pub(crate) lives: Lives,
}

impl Part {
    /// Whether it takes over entries of the existing Secret.
    pub(crate) fn needs_old(&self) -> bool {
        matches!(self, Self::Kept(_) | Self::Leftover)
    }
}

impl Desired {
    /// Another owner's Secret with our hosts' new logins. `None` without a new login.
    pub(crate) fn merge(
        parts: &[(usize, Part)],
        theirs: &StoredSecret,
        mut document: Document,
    ) -> Option<Self> {
        let mut hosts = Vec::new();
        let mut lives = Lives::default();
        for (source, part) in parts {
            if let Part::Token(token) = part {
                for (host, login) in &token.logins {
                    document.set(host, &written(login), EntryForm::Full);
                    hosts.push(host.clone());
                }
                lives.0.push((*source, token.life));
            }
        }
        let content = SecretContent {
            text: Some(document.compact()),
            ..theirs.content.clone()
        };
        (!lives.0.is_empty()).then_some(Self {
            content,
            hosts,
            lives,
        })
    }

    /// Puts the parts together. `None` if no part has an entry: nothing is written then.
    pub(crate) fn compose(
        plan: &Plan,
        secret: &SecretPlan,
        inputs: &str,
        parts: &[(usize, Part)],
        existing: Option<&StoredSecret>,
    ) -> Option<Self> {
        let old = existing.and_then(|existing| existing.document(secret).ok());
        let compose = |form| compose(plan, secret, parts, old.as_ref(), form);
        let mut document = compose(EntryForm::Full);
        let mut content = SecretContent {
            kind: secret.format.secret_type().to_owned(),
            text: Some(document.compact()),
            labels: secret.object.labels.clone(),
            ..SecretContent::default()
        };
        if content.exposed_text().len() > FULL_LIMIT {
            document = compose(EntryForm::AuthOnly);
            content.text = Some(document.compact());
        }
        let hosts: Vec<String> = document.hosts().map(str::to_owned).collect();
        // Entries that were dropped on purpose may have been the last.
        if hosts.is_empty() && !parts.iter().any(|(_, part)| matches!(part, Part::Dropped)) {
            return None;
        }
        let lives = parts.iter().filter_map(|(source, part)| match part {
            Part::Token(token) => Some((*source, token.life)),
            Part::Kept(life) => Some((*source, *life)),
            Part::Leftover | Part::Dropped => None,
        });
        let lives = Lives(lives.collect());
        let managed_by = (MANAGED_BY.to_owned(), NAME.to_owned());
        content.labels.extend([managed_by]);
        content.annotations = annotations(plan, secret, inputs, &lives);
        Some(Self {
            content,
            hosts,
            lives,
        })
    }

    /// Whether it fits into an object.
    pub(crate) fn fits(&self) -> bool {
        self.content.exposed_text().len() <= LIMIT
    }
}

fn compose(
    plan: &Plan,
    secret: &SecretPlan,
    parts: &[(usize, Part)],
    old: Option<&Document>,
    form: EntryForm,
) -> Document {
    let mut document = Document::empty(secret.format);
    for (source, part) in parts {
        match (part, old) {
            (Part::Token(token), _) => token.add_to(&mut document, form),
            (Part::Kept(_) | Part::Leftover, Some(old)) => {
                keep(plan, parts, *source, old, &mut document);
            }
            (Part::Kept(_) | Part::Leftover | Part::Dropped, _) => {}
        }
    }
    document
}

/// Takes over a source's old entries: those of its hosts, or, if it lists none, all that belong to no
/// other source.
fn keep(
    plan: &Plan,
    parts: &[(usize, Part)],
    source: usize,
    old: &Document,
    document: &mut Document,
) {
    let has = |source: usize, host: &str| {
        plan.sources[source]
            .registry
            .hosts
            .iter()
            .any(|own| own == host)
    };
    let others = |host: &str| {
        let mut others = parts.iter().filter(|(other, _)| *other != source);
        others.any(|(other, _)| has(*other, host))
    };
    let lists_none = plan.sources[source].registry.hosts.is_empty();
    for host in old.hosts() {
        let its_own = if lists_none {
            !others(host)
        } else {
            has(source, host)
        };
        if its_own && !document.has(host) {
            document.keep(host, old);
        }
    }
}

/// Base64 makes a third more of it, and an object may have 1 MiB.
const FULL_LIMIT: usize = 600_000;
const LIMIT: usize = 780_000;

#[cfg(test)]
mod tests;
