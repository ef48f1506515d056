//! Options read from the environment. A wrong value is never repeated in an error: people put
//! secrets into the wrong variable.

use std::path::PathBuf;

use regcred_core::{AlsoServe, Env, ProviderError};
use regcred_http::secure_url;
use secrecy::SecretString;

use crate::Errors;

/// Reads options, one policy for each form of value.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    env: &'a Env,
    errors: Errors,
}

impl<'a> Options<'a> {
    /// The options in an environment, reported as the provider's.
    #[must_use]
    pub fn new(errors: Errors, env: &'a Env) -> Self {
        Self { env, errors }
    }

    /// A text without the blanks around it.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.env.get(name).map(str::trim).filter(|t| !t.is_empty())
    }

    /// The text of the first of several names for one option.
    #[must_use]
    pub fn first(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| self.text(name))
    }

    /// A secret without the blanks around it.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// A path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.env.path(name)
    }

    /// A switch.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.env.is_true(name)
    }

    /// The texts of a comma-separated list.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let list = self.env.get(name).unwrap_or_default().split(',');
        list.map(str::trim).filter(|word| !word.is_empty())
    }

    /// One word of a list, in any case.
    ///
    /// # Errors
    /// When it is another word.
    pub fn one_of<T: Copy>(
        &self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, ProviderError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let found = words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        match found {
            Some((_, value)) => Ok(Some(*value)),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let (last, rest) = known.split_last().unwrap_or((&"", &[]));
                let known = match rest {
                    [] => (*last).to_owned(),
                    _ => format!("{} or {last}", rest.join(", ")),
                };
                Err(self.wrong(name, &format!("must be {known}")))
            }
        }
    }

    /// A URL that may be given secrets (https, or http of this machine), without a query and
    /// without a final slash.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn url(&self, name: &str) -> Result<Option<String>, ProviderError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match secure_base(text) {
            Some(base) => Ok(Some(base)),
            None => Err(self.wrong(
                name,
                "is not an https:// URL (http:// is for this machine only)",
            )),
        }
    }

    /// A list of hosts, each perhaps with a value: `HOST` or `HOST=VALUE`.
    ///
    /// # Errors
    /// When an entry is not a host.
    pub fn hosts(&self, name: &str) -> Result<AlsoServe, ProviderError> {
        AlsoServe::parse(self.env.get(name).unwrap_or_default())
            .map_err(|reason| self.errors.misconfigured(format!("{name}: {reason}")))
    }

    /// The error for an option whose value cannot be used: `what` continues the sentence after
    /// the name and does not repeat the value.
    #[must_use]
    pub fn wrong(&self, name: &str, what: &str) -> ProviderError {
        self.errors.misconfigured(format!("{name} {what}"))
    }
}

/// A URL that may be given secrets, without a query and without a final slash.
#[must_use]
pub fn secure_base(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    let url = secure_url(text)?;
    url.query().is_none().then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(value: &str, read: impl FnOnce(&Options<'_>) -> T) -> T {
        let env = Env::map([("X", value)]);
        read(&Options::new(Errors::of("x"), &env))
    }

    #[test]
    fn words_are_read_in_any_case_and_wrong_ones_are_never_echoed() {
        let words = [("token", 1), ("identity-token", 2), ("secret", 3)];
        assert_eq!(
            read(" Token ", |o| o.one_of("X", &words)).expect("word"),
            Some(1)
        );
        assert_eq!(read("", |o| o.one_of("X", &words)).expect("unset"), None);
        let error = read("canary", |o| o.one_of("X", &words)).expect_err("wrong");
        assert_eq!(
            error.to_string(),
            "x: X must be token, identity-token or secret"
        );
    }

    #[test]
    fn a_url_may_be_given_secrets() {
        for (text, base) in [
            (" https://iam.corp/ ", "https://iam.corp"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(
                read(text, |o| o.url("X")).expect(text).as_deref(),
                Some(base)
            );
        }
        for text in [
            "http://iam.corp",
            "iam.corp",
            "https://h/?x=1",
            "https://u:canary@iam.corp",
        ] {
            let error = read(text, |o| o.url("X")).expect_err(text).to_string();
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
