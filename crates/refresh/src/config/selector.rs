//! Which namespaces and service accounts: label selectors and name patterns.
//!
//! The Kubernetes library's own selector is not used: it ignores unknown fields.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Kubernetes' label selector.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct LabelSelector {
    /// Labels that must have these values.
    pub(crate) match_labels: BTreeMap<String, String>,
    /// Rules that must hold as well.
    pub(crate) match_expressions: Vec<MatchExpression>,
}

/// A rule of a selector.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MatchExpression {
    pub(crate) key: String,
    pub(crate) operator: Operator,
    /// The values it is compared with.
    #[serde(default)]
    pub(crate) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum Operator {
    /// The value is one of these.
    In,
    /// The label is absent, or its value is none of these.
    NotIn,
    /// The label is present.
    Exists,
    /// The label is absent.
    DoesNotExist,
}

impl LabelSelector {
    /// The labels that it looks at.
    pub(crate) fn keys(&self) -> impl Iterator<Item = String> {
        let rules = self.match_expressions.iter().map(|rule| &rule.key);
        self.match_labels.keys().chain(rules).cloned()
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
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

impl fmt::Display for LabelSelector {
    /// As `kubectl --selector` writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let equal = self.match_labels.iter();
        let equal = equal.map(|(key, value)| format!("{key}={value}"));
        let rules = self.match_expressions.iter().map(|rule| {
            let (key, values) = (&rule.key, rule.values.join(","));
            match rule.operator {
                Operator::In => format!("{key} in ({values})"),
                Operator::NotIn => format!("{key} notin ({values})"),
                Operator::Exists => key.clone(),
                Operator::DoesNotExist => format!("!{key}"),
            }
        });
        f.write_str(&equal.chain(rules).collect::<Vec<_>>().join(","))
    }
}

/// Whether a name matches a pattern: `*` is any run of characters, `?` one character.
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

/// Whether the text is a pattern rather than a name.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

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
