//! A Secret as it is and as it should be, and what is allowed to happen between the two.
//!
//! The rules: one that somebody else made is left alone unless told; none is ever written empty or
//! with less than it held; entries of a source that gives no token stay as they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use regcred_docker_config::{Document, DocumentError, EntryForm};
use secrecy::{ExposeSecret as _, SecretString};

use crate::plan::{Plan, SecretPlan, digest};
use crate::token::{Life, Token, written};

/// A Secret in the cluster, as far as it concerns us.
#[derive(Clone, Debug, Default)]
pub(crate) struct Existing {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) kind: String,
    pub(crate) immutable: bool,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    /// The decoded value of the key that belongs to its type; `None` when that is not there.
    pub(crate) text: Option<SecretString>,
}

/// Tells contents apart without being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u8; 16]);

/// What one source contributes.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// A token in memory.
    Token(Arc<Token>),
    /// What the Secret holds for it already, with the times written beside.
    Kept(Life),
    /// What the Secret may hold for it, though nobody knows how good it is.
    Leftover,
    /// Nothing: its entries are over, and a dead login is worse than none where the registry serves
    /// anybody.
    Dropped,
}

/// A Secret as it should be.
#[derive(Debug)]
pub(crate) struct Desired {
    pub(crate) text: SecretString,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) hosts: Vec<String>,
    /// The times of each source that contributes, by its place in the plan.
    pub(crate) lives: BTreeMap<usize, Life>,
}

impl Existing {
    /// Whether it carries our label.
    pub(crate) fn is_ours(&self) -> bool {
        self.labels.get(MANAGED_BY).is_some_and(|by| by == NAME)
    }

    /// Whether its owner asked us to take it over.
    pub(crate) fn may_be_adopted(&self) -> bool {
        self.annotations
            .get(ADOPT)
            .is_some_and(|value| value == "true")
    }

    /// Whether it has the labels and annotations that the configuration wants. Somebody else's
    /// keeps its own.
    pub(crate) fn is_labelled(&self, plan: &SecretPlan) -> bool {
        let holds = |have: &BTreeMap<String, String>, want: &BTreeMap<String, String>| {
            want.iter().all(|(key, value)| have.get(key) == Some(value))
        };
        !self.is_ours()
            || (holds(&self.labels, &plan.labels) && holds(&self.annotations, &plan.annotations))
    }

    /// Whose it is, where a label says so.
    pub(crate) fn owner(&self) -> Option<&str> {
        self.labels.get(MANAGED_BY).map(String::as_str)
    }

    /// Why apply cannot change it, if it cannot.
    pub(crate) fn obstacle(&self, plan: &SecretPlan) -> Option<String> {
        if self.kind != plan.form.kind() {
            return Some(format!("its type is {:?} and cannot be changed", self.kind));
        }
        self.immutable.then(|| "it is immutable".to_owned())
    }

    /// The times that were written beside the entries of a source, if those entries are all there
    /// and nothing that decides them has changed since. Anything unreadable counts as absent.
    pub(crate) fn life_of(
        &self,
        plan: &Plan,
        secret: &SecretPlan,
        inputs: &str,
        source: usize,
    ) -> Option<Life> {
        if self
            .annotations
            .get(INPUTS)
            .is_none_or(|known| known != inputs)
        {
            return None;
        }
        let document = self.document(secret).ok()?;
        let source = &plan.sources[source];
        if !source.hosts.iter().all(|host| document.has(host)) || document.hosts().next().is_none()
        {
            return None;
        }
        let all: BTreeMap<String, Times> =
            serde_json::from_str(self.annotations.get(REGISTRIES)?).ok()?;
        let times = all.get(&source.name)?;
        Some(Life {
            issued: times.refreshed_at,
            expires: times.expires_at,
        })
    }

    /// The docker configuration inside.
    pub(crate) fn document(&self, secret: &SecretPlan) -> Result<Document, DocumentError> {
        let text = self.text.as_ref().map_or("", |text| text.expose_secret());
        Document::parse(text, secret.form.into())
    }

    /// A fingerprint of everything that we write, to notice changes without keeping tokens.
    pub(crate) fn fingerprint(&self, secret: &SecretPlan) -> Fingerprint {
        let text = self.text.as_ref().map_or("", |text| text.expose_secret());
        fingerprint(&self.kind, text, &self.labels, &self.annotations, secret)
    }
}

impl Existing {
    /// Whether its content is this text already.
    pub(crate) fn holds(&self, text: &SecretString) -> bool {
        let own = self.text.as_ref().map(|text| text.expose_secret());
        own == Some(text.expose_secret())
    }

    /// The same Secret with another content.
    pub(crate) fn with_text(mut self, text: SecretString) -> Self {
        self.text = Some(text);
        self
    }
}

impl Part {
    /// Whether it takes something over from what is there.
    pub(crate) fn needs_old(&self) -> bool {
        matches!(self, Self::Kept(_) | Self::Leftover)
    }
}

impl Desired {
    /// Puts the parts together. `None` when no part has any entry: nothing is written then.
    pub(crate) fn compose(
        plan: &Plan,
        secret: &SecretPlan,
        inputs: &str,
        parts: &[(usize, Part)],
        existing: Option<&Existing>,
    ) -> Option<Self> {
        let full = Self::compose_as(plan, secret, parts, existing, (EntryForm::Full, inputs));
        let desired = match full.text.expose_secret().len() > FULL_LIMIT {
            true => Self::compose_as(plan, secret, parts, existing, (EntryForm::AuthOnly, inputs)),
            false => full,
        };
        // Entries that were dropped on purpose may have been the last.
        let dropped = parts.iter().any(|(_, part)| matches!(part, Part::Dropped));
        (dropped || !desired.hosts.is_empty()).then_some(desired)
    }

    fn compose_as(
        plan: &Plan,
        secret: &SecretPlan,
        parts: &[(usize, Part)],
        existing: Option<&Existing>,
        (form, inputs): (EntryForm, &str),
    ) -> Self {
        let old = existing.and_then(|existing| existing.document(secret).ok());
        let mut document = Document::empty(secret.form.into());
        let mut lives = BTreeMap::new();
        for (source, part) in parts {
            match part {
                Part::Token(token) => {
                    for (host, login) in &token.logins {
                        if !document.has(host) {
                            document.set(host, &written(login), form);
                        }
                    }
                    lives.insert(*source, token.life);
                }
                Part::Kept(life) => {
                    keep(plan, parts, *source, old.as_ref(), &mut document);
                    lives.insert(*source, *life);
                }
                Part::Leftover => keep(plan, parts, *source, old.as_ref(), &mut document),
                Part::Dropped => {}
            }
        }
        let mut labels = secret.labels.clone();
        labels.insert(MANAGED_BY.to_owned(), NAME.to_owned());
        Self {
            text: document.compact(),
            labels,
            annotations: annotations(plan, secret, inputs, &lives),
            hosts: document.hosts().map(str::to_owned).collect(),
            lives,
        }
    }

    /// Whether the Secret is so already.
    pub(crate) fn is(&self, existing: &Existing, secret: &SecretPlan) -> bool {
        let holds = |have: &BTreeMap<String, String>, want: &BTreeMap<String, String>| {
            want.iter().all(|(key, value)| have.get(key) == Some(value))
        };
        existing.kind == secret.form.kind()
            && existing
                .text
                .as_ref()
                .is_some_and(|text| text.expose_secret() == self.text.expose_secret())
            && holds(&existing.labels, &self.labels)
            && holds(&existing.annotations, &self.annotations)
    }

    /// The fingerprint it will have.
    pub(crate) fn fingerprint(&self, secret: &SecretPlan) -> Fingerprint {
        let text = self.text.expose_secret();
        fingerprint(
            secret.form.kind(),
            text,
            &self.labels,
            &self.annotations,
            secret,
        )
    }

    /// Whether it fits into an object.
    pub(crate) fn fits(&self) -> bool {
        self.text.expose_secret().len() <= LIMIT
    }

    /// When the first of its entries ends.
    pub(crate) fn expires(&self) -> Option<DateTime<Utc>> {
        self.lives.values().filter_map(|life| life.expires).min()
    }
}

fn fingerprint(
    kind: &str,
    text: &str,
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
    secret: &SecretPlan,
) -> Fingerprint {
    let labels = labels
        .iter()
        .filter(|(key, _)| *key == MANAGED_BY || secret.labels.contains_key(*key));
    let annotations = annotations
        .iter()
        .filter(|(key, _)| key.starts_with(PREFIX) || secret.annotations.contains_key(*key));
    let mut parts = vec![kind, text];
    parts.extend(
        labels
            .chain(annotations)
            .flat_map(|(k, v)| [k.as_str(), v.as_str()]),
    );
    Fingerprint(digest(parts))
}

/// Takes over a source's old entries: its own hosts, or, where they are not listed, all that belong
/// to nobody else.
fn keep(
    plan: &Plan,
    parts: &[(usize, Part)],
    source: usize,
    old: Option<&Document>,
    document: &mut Document,
) {
    let Some(old) = old else {
        return;
    };
    let own = &plan.sources[source].hosts;
    let others = |host: &str| {
        let mut others = parts.iter().filter(|(other, _)| *other != source);
        others.any(|(other, _)| plan.sources[*other].hosts.iter().any(|known| known == host))
    };
    let hosts = old.hosts().filter(|host| match own.is_empty() {
        true => !others(host),
        false => own.iter().any(|known| known == host),
    });
    for host in hosts {
        if !document.has(host) {
            document.keep(host, old);
        }
    }
}

/// What is written beside the entries: times and a hash, nothing of a token.
fn annotations(
    plan: &Plan,
    secret: &SecretPlan,
    inputs: &str,
    lives: &BTreeMap<usize, Life>,
) -> BTreeMap<String, String> {
    let mut annotations = secret.annotations.clone();
    let times: BTreeMap<&str, Times> = lives
        .iter()
        .map(|(source, life)| {
            let times = Times {
                refreshed_at: life.issued,
                expires_at: life.expires,
            };
            (plan.sources[*source].name.as_str(), times)
        })
        .collect();
    let mut add = |key: &str, value: String| annotations.insert(key.to_owned(), value);
    if let Ok(times) = serde_json::to_string(&times) {
        add(REGISTRIES, times);
    }
    add(INPUTS, inputs.to_owned());
    if let Some(end) = lives.values().filter_map(|life| life.expires).min() {
        add(EXPIRES_AT, rfc3339(end));
    }
    if let Some(oldest) = lives.values().map(|life| life.issued).min() {
        add(REFRESHED_AT, rfc3339(oldest));
    }
    annotations
}

pub(crate) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[derive(serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Times {
    refreshed_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
}

/// The label that says whose a Secret is.
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Its value, and the field manager.
pub(crate) const NAME: &str = "regcred-refresh";
/// The beginning of our annotations.
pub(crate) const PREFIX: &str = "refresh.regcred.dev/";
const ADOPT: &str = "refresh.regcred.dev/adopt";
const EXPIRES_AT: &str = "refresh.regcred.dev/expires-at";
const REFRESHED_AT: &str = "refresh.regcred.dev/refreshed-at";
const INPUTS: &str = "refresh.regcred.dev/inputs";
const REGISTRIES: &str = "refresh.regcred.dev/registries";
/// Base64 makes a third more of it, and an object may have 1 MiB.
const FULL_LIMIT: usize = 600_000;
const LIMIT: usize = 780_000;

#[cfg(test)]
mod tests;
