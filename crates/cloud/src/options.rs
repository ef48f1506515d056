//! Options read from the environment. A wrong value is never repeated in an error: people put
//! secrets into the wrong variable.

use std::path::PathBuf;

use regcred_core::{AlsoServe, Env, ProviderError};
use regcred_http::{Url, has_user, is_link_local, secure_url};
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
        let is_it = |(word, _): &&(&str, T)| word.eq_ignore_ascii_case(text);
        if let Some((_, value)) = words.iter().find(is_it) {
            return Ok(Some(*value));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        Err(self.wrong(name, &format!("must be one of {}", known.join(", "))))
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
        let wrong = "is not an https:// URL (http:// is for this machine only)";
        let base = secure_base(text).ok_or_else(|| self.wrong(name, wrong))?;
        Ok(Some(base))
    }

    /// The base URL of a metadata server, as [`metadata_base`] reads it.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn metadata_url(
        &self,
        name: &str,
        hosts: &[&str],
    ) -> Result<Option<String>, ProviderError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let base = metadata_base(text, hosts).ok_or_else(|| {
            let named = hosts.iter().map(|host| format!(", and for {host}"));
            let what = format!(
                "is not an https:// URL ({METADATA}{})",
                named.collect::<String>()
            );
            self.wrong(name, &what)
        })?;
        Ok(Some(base))
    }

    /// A list of hosts, each perhaps with a value: `HOST` or `HOST=VALUE`.
    ///
    /// # Errors
    /// When an entry is not a host; the message counts from 1.
    pub fn hosts(&self, name: &str) -> Result<AlsoServe, ProviderError> {
        let Some(list) = self.env.get(name) else {
            return Ok(AlsoServe::default());
        };
        let hosts = AlsoServe::parse(list).map_err(|_| {
            let valid = list
                .split(',')
                .map(AlsoServe::parse)
                .take_while(Result::is_ok);
            let number = valid.count() + 1;
            let what = format!("has an entry (number {number}) that is not HOST or HOST=VALUE");
            self.wrong(name, &what)
        })?;
        if hosts.hosts().next().is_none() {
            return Err(self.wrong(name, "is set and has no host"));
        }
        Ok(hosts)
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

/// The base URL of a metadata server, without a query and without a final slash: https, or http of this
/// machine, of its link, or of one of these hosts, which are the cloud's own names for an address of the
/// link. Such a server returns tokens and keys, and on any other way these can be read or replaced.
#[must_use]
pub fn metadata_base(text: &str, hosts: &[&str]) -> Option<String> {
    let text = text.trim().trim_end_matches('/');
    secure_base(text).or_else(|| {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "http")?;
        let is_bare = url.query().is_none() && url.fragment().is_none();
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let is_near = is_link_local(&url) || hosts.contains(&host);
        (is_bare && !has_user(&url) && is_near).then(|| text.to_owned())
    })
}

const METADATA: &str = "http:// is for this machine and its link, 169.254.0.0/16";

#[cfg(test)]
mod tests {
    use regcred_core::{ErrorKind, report};

    use super::*;
    use crate::SecretPlace;

    fn read<T>(value: &str, read: impl FnOnce(&Options<'_>) -> T) -> T {
        let env = Env::map([("X", value)]);
        read(&Options::new(Errors::of("x"), &env))
    }

    const WORDS: [(&str, i32); 3] = [("token", 1), ("identity-token", 2), ("secret", 3)];

    #[test]
    fn words_are_read_in_any_case() {
        let word = |text| read(text, |o| o.one_of("X", &WORDS)).expect("word");
        assert_eq!((word(" Token "), word("")), (Some(1), None));
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
        for text in ["http://iam.corp", "iam.corp", "https://h/?x=1"] {
            assert!(read(text, |o| o.url("X")).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_has_texts_and_a_list_of_hosts_has_hosts() {
        let texts = read(" a,,b ", |o| o.list("X").collect::<Vec<_>>().join("+"));
        assert_eq!(texts, "a+b");
        let hosts = read("a.test, b.test=eu", |o| o.hosts("X")).expect("hosts");
        assert_eq!(hosts.hosts().collect::<Vec<_>>(), ["a.test", "b.test"]);
        let none = read(" , ", |o| o.hosts("X")).expect_err("no host");
        assert_eq!(report(&none), "x: X is set and has no host");
    }

    /// Every reader that refuses a value, with the whole error for a value that it refuses.
    #[test]
    fn a_wrong_value_is_never_repeated() {
        let refused = |value: &str, error: fn(&Options<'_>) -> Option<ProviderError>| {
            let error = read(value, error).expect(value);
            assert_eq!(error.kind(), ErrorKind::NotConfigured);
            report(&error)
        };
        for (value, reader, expected) in [
            (
                "canary",
                (|o| o.one_of("X", &WORDS).err()) as fn(&Options<'_>) -> Option<ProviderError>,
                "x: X must be one of token, identity-token, secret",
            ),
            (
                "https://u:canary@iam.corp",
                |o| o.url("X").err(),
                "x: X is not an https:// URL (http:// is for this machine only)",
            ),
            (
                "one.test,*.canary",
                |o| o.hosts("X").err(),
                "x: X has an entry (number 2) that is not HOST or HOST=VALUE",
            ),
        ] {
            assert_eq!(refused(value, reader), expected);
        }
        let error = SecretPlace::Given(" ".into()).read(Errors::of("x"), "the key");
        assert_eq!(error.expect_err("empty").to_string(), "x: the key is empty");
        let options = read("canary", |o| format!("{o:?}"));
        assert!(!options.contains("canary"), "{options}");
    }

    #[test]
    fn metadata_comes_from_this_machine_its_link_or_by_https() {
        let hosts = ["metadata.cloud.test"];
        for (text, expected) in [
            ("http://169.254.169.254/", "http://169.254.169.254"),
            ("http://169.254.170.2:81/x", "http://169.254.170.2:81/x"),
            (
                "http://[fd00:c1::a9fe:a9fe]/opc/v2",
                "http://[fd00:c1::a9fe:a9fe]/opc/v2",
            ),
            ("http://127.0.0.1:9", "http://127.0.0.1:9"),
            ("http://localhost:9/", "http://localhost:9"),
            ("http://metadata.cloud.test", "http://metadata.cloud.test"),
            ("https://10.0.0.5", "https://10.0.0.5"),
        ] {
            let base = metadata_base(text, &hosts);
            assert_eq!(base.as_deref(), Some(expected));
        }
        for text in [
            "http://10.0.0.5",
            "http://metadata",
            "http://metadata.cloud.test.evil.test",
            "http://169.254.169.254.evil.test",
            "http://169.254.169.254@evil.test",
            "http://u:p@169.254.169.254",
            "http://169.254.169.254/?x",
            "ftp://169.254.169.254",
            "169.254.169.254",
            "",
        ] {
            assert_eq!(metadata_base(text, &hosts), None, "{text}");
        }
        let error = read("http://10.0.0.5", |options| {
            options.metadata_url("X", &hosts)
        });
        assert_eq!(
            report(&error.expect_err("foreign")),
            "x: X is not an https:// URL (http:// is for this machine and its link, 169.254.0.0/16, and for \
             metadata.cloud.test)"
        );
        let unset = read("", |options| options.metadata_url("X", &hosts));
        assert_eq!(unset.expect("nothing"), None);
    }
}
