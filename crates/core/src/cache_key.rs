//! The key under which an answer is shared.

use crate::{Env, EnvVar, fingerprint};

/// Everything that decides an answer, as text without secrets. Two requests with equal keys may
/// share one answer. The key is hashed before it becomes a file name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(String);

impl CacheKey {
    /// A key out of named parts, in the order given. Lengths are kept, so that no two lists of
    /// parts have the same key.
    pub fn new<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut key = Self(String::new());
        for (name, value) in parts {
            key.push(name, value);
        }
        key
    }

    /// Adds one part. Names and values are stable texts: never `Debug` output, never a secret
    /// (see [`fingerprint`]).
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.push_str(&format!("{name}={}:{value};", value.len()));
    }

    /// Adds every option that is set, unless its row excludes it; a secret by its fingerprint.
    #[must_use]
    pub fn with_options(mut self, options: &[EnvVar], env: &Env) -> Self {
        for option in options.iter().filter(|option| option.not_in_key.is_none()) {
            match env.get(option.name) {
                Some(value) if option.secret => {
                    self.push(option.name, &fingerprint(&value.into()));
                }
                Some(value) => self.push(option.name, value),
                None => {}
            }
        }
        self
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_have_the_same_key() {
        let one = CacheKey::new([("a", "1;b=1:2")]);
        let two = CacheKey::new([("a", "1"), ("b", "2")]);
        assert_ne!(one, two);
    }

    #[test]
    fn an_option_is_in_the_key_unless_its_row_excludes_it() {
        let options = [
            EnvVar::new("PLAIN", "A.", ""),
            EnvVar::new("SECRET", "B.", "").secret(),
            EnvVar::new("LOG", "C.", "").not_in_key("it changes no answer"),
        ];
        let key = |vars: &[(&str, &str)]| {
            CacheKey::new([]).with_options(&options, &Env::map(vars.iter().copied()))
        };
        let all = key(&[("PLAIN", "x"), ("SECRET", "canary"), ("LOG", "y")]);
        assert_eq!(all, key(&[("PLAIN", "x"), ("SECRET", "canary")]));
        assert_ne!(all, key(&[("PLAIN", "z"), ("SECRET", "canary")]));
        assert_ne!(all, key(&[("PLAIN", "x"), ("SECRET", "other")]));
        assert!(!all.as_str().contains("canary"));
    }
}
