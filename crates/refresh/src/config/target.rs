//! Where logins are written to: a Secret in each of some namespaces, or a docker configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One target; exactly one of `secret` and `dockerConfig` is there.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    /// How logs, metrics and the status page name it.
    pub name: String,
    /// Names of registries, merged in this order; by default all.
    #[serde(default)]
    pub registries: Vec<String>,
    /// A Secret in each namespace.
    #[serde(default)]
    pub secret: Option<SecretTarget>,
    /// Which namespaces.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// Which service accounts get the Secret as an image pull secret; by default none.
    #[serde(default)]
    pub service_accounts: ServiceAccounts,
    /// A file on this machine.
    #[serde(default)]
    pub docker_config: Option<DockerConfigTarget>,
}

/// A Secret as it should be.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretTarget {
    /// Its name. `{namespace}` stands for the namespace, `{registry}` makes one Secret for each
    /// registry.
    pub name: String,
    /// `kubernetes.io/dockerconfigjson` or `kubernetes.io/dockercfg`.
    #[serde(default = "config_json", rename = "type")]
    pub kind: String,
    /// Labels beside our own.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Annotations beside our own.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// What becomes of a Secret that somebody else made.
    #[serde(default)]
    pub ownership: Ownership,
}

/// What becomes of a Secret that somebody else made.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub enum Ownership {
    /// It is left alone and reported.
    #[default]
    Refuse,
    /// It is taken over; one of a wrong type, or an immutable one, is replaced.
    Force,
    /// It stays theirs: only the entries of our hosts are kept fresh in it.
    Merge,
}

/// Which namespaces. `kube-node-lease`, terminating ones and those with an opt-out annotation are
/// never served.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Namespaces {
    /// Names; `*` stands for any run, `?` for one character. Literal names alone need no right to
    /// list namespaces.
    pub include: Vec<String>,
    /// Names that are left out, in the same form.
    pub exclude: Vec<String>,
    /// Only those with these labels.
    pub selector: Option<LabelSelector>,
}

/// Which service accounts.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ServiceAccounts {
    /// By name.
    pub names: Vec<String>,
    /// Every one.
    pub all: bool,
    /// Those with these labels.
    pub selector: Option<LabelSelector>,
}

/// Kubernetes' own label selector.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LabelSelector {
    /// Labels that must have these values.
    pub match_labels: BTreeMap<String, String>,
    /// Rules that must hold too.
    pub match_expressions: Vec<MatchExpression>,
}

/// One rule of a selector.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchExpression {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    #[serde(default)]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum Operator {
    /// Its value is one of these.
    In,
    /// It is absent, or has none of these values.
    NotIn,
    /// It is there.
    Exists,
    /// It is absent.
    DoesNotExist,
}

/// A docker configuration file.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DockerConfigTarget {
    /// Its absolute path. Entries of other hosts, and everything else in it, stay as they are.
    pub path: PathBuf,
    /// `user`, `user:group` or numbers; by default as the file is.
    #[serde(default)]
    pub owner: Option<String>,
    /// Permissions in octal; by default as the file is, `0600` for a new one.
    #[serde(default)]
    pub mode: Option<String>,
}

impl Namespaces {
    /// These names and patterns.
    #[must_use]
    pub fn named(include: Vec<String>) -> Self {
        Self {
            include,
            exclude: Vec::new(),
            selector: None,
        }
    }
}

impl Default for Namespaces {
    fn default() -> Self {
        Self::named(vec!["*".to_owned()])
    }
}

impl ServiceAccounts {
    /// True when no service account is touched.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.names.is_empty() && !self.all && self.selector.is_none()
    }
}

impl LabelSelector {
    /// Whether labels fit.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let equal = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.match_labels.iter().all(equal)
            && self.match_expressions.iter().all(|rule| {
                let value = labels.get(&rule.key);
                let listed = value.is_some_and(|value| rule.values.contains(value));
                match rule.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}

/// Whether a name fits a pattern: `*` is any run, `?` one character, all else literal.
pub(crate) fn glob(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(letter) if *letter == b'?' || *letter == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after_star, from)) = retry else {
                    return false;
                };
                retry = Some((after_star, from + 1));
                p = after_star;
                n = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

/// Whether the text is a pattern and no name.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

fn config_json() -> String {
    CONFIG_JSON.to_owned()
}

pub(crate) const CONFIG_JSON: &str = "kubernetes.io/dockerconfigjson";
pub(crate) const DOCKERCFG: &str = "kubernetes.io/dockercfg";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_anchored_and_literal_but_for_star_and_question_mark() {
        for (pattern, name, fits) in [
            ("*", "", true),
            ("team-*", "team-a", true),
            ("team-*", "my-team-a", false),
            ("team-?", "team-a", true),
            ("team-?", "team-ab", false),
            ("a.c", "abc", false),
            ("*-prod-**", "x-prod-y", true),
            ("default", "default2", false),
        ] {
            assert_eq!(glob(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn every_rule_of_a_selector_must_hold() {
        let selector: LabelSelector = serde_saphyr::from_str(
            "matchLabels: {team: a}\nmatchExpressions:\n\
             - {key: env, operator: In, values: [prod, test]}\n\
             - {key: skip, operator: DoesNotExist}\n",
        )
        .expect("a selector");
        let labels = |pairs: &[(&str, &str)]| {
            let owned = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
            owned.collect::<BTreeMap<String, String>>()
        };
        assert!(selector.matches(&labels(&[("team", "a"), ("env", "prod")])));
        assert!(!selector.matches(&labels(&[("team", "b"), ("env", "prod")])));
        assert!(!selector.matches(&labels(&[("team", "a"), ("env", "dev")])));
        assert!(!selector.matches(&labels(&[("team", "a"), ("env", "prod"), ("skip", "")])));
    }
}
