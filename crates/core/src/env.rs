//! The process environment as a value.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use crate::known_secrets::{is_secret_name, know_secret};

/// The environment of a program, or one that a test made. Cheap to clone.
#[derive(Clone, Default)]
pub struct Env(Arc<BTreeMap<String, String>>);

impl Env {
    /// The environment of this process, read once. Variables that are not UTF-8 are left out.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    #[must_use]
    pub fn process() -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::map(std::env::vars_os().filter_map(text))
    }

    /// An environment with just these variables.
    pub fn map<N: Into<String>, V: Into<String>>(vars: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::default().with(vars)
    }

    /// The variable's value; one that is set but empty counts as not set.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|v| !v.is_empty())
    }

    /// The names of the variables that are set and not empty, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let set = self.0.iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, _)| name.as_str())
    }

    /// From now on no text for a person has the value of a variable whose name is that of a secret. For a
    /// program that runs with this environment and may repeat it.
    pub fn know_secrets(&self) {
        for (name, value) in &*self.0 {
            if is_secret_name(name) {
                know_secret(value);
            }
        }
    }

    /// The variable as a path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from)
    }

    /// The user's home directory by `HOME`. It may be missing: a kubelet unit often has none.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        self.path("HOME")
    }

    /// True for `1`, `true`, `yes`, `on` in any case.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| {
            ["1", "true", "yes", "on"]
                .iter()
                .any(|word| v.eq_ignore_ascii_case(word))
        })
    }

    /// This environment with some variables replaced or added.
    pub fn with<N: Into<String>, V: Into<String>>(
        &self,
        vars: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut all = (*self.0).clone();
        all.extend(vars.into_iter().map(|(n, v)| (n.into(), v.into())));
        Self(Arc::new(all))
    }
}

/// Shows names only: values may be secrets.
impl std::fmt::Debug for Env {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_counts_as_not_set() {
        let env = Env::map([("A", ""), ("B", "x")]);
        assert_eq!(env.get("A"), None);
        assert_eq!(env.get("B"), Some("x"));
        assert_eq!(env.get("C"), None);
    }

    #[test]
    fn truth_has_a_few_words() {
        let env = Env::map([("A", "True"), ("B", "0"), ("C", "1")]);
        assert!(env.is_true("A") && env.is_true("C"));
        assert!(!env.is_true("B") && !env.is_true("D"));
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", Env::map([("KEY", "canary")]));
        assert!(shown.contains("KEY") && !shown.contains("canary"));
    }
}
