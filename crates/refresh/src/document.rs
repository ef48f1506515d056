//! A docker configuration as a text in which only some entries change and everything else stays as
//! it was written.

use std::fmt;

use regcred_core::Credentials;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A configuration, and where its entries are.
pub(crate) struct Document {
    /// The whole file, without its entries; `None` for the older form, which is entries alone.
    whole: Option<Object>,
    entries: Object,
}

/// Text that is no docker configuration. It may hold logins, so it is not repeated.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("it is no docker configuration: its {0} is no JSON object")]
pub(crate) struct Broken(&'static str);

/// A JSON object: its members in order, each value as it stands in the text.
#[derive(Default)]
struct Object(Vec<(String, Box<RawValue>)>);

impl Document {
    /// An empty `config.json`, or an empty `.dockercfg`.
    pub(crate) fn empty(config_json: bool) -> Self {
        Self {
            whole: config_json.then(Object::default),
            entries: Object::default(),
        }
    }

    /// Reads a text; an empty one counts as an empty object.
    pub(crate) fn parse(text: &str, config_json: bool) -> Result<Self, Broken> {
        let text = if text.trim().is_empty() { "{}" } else { text };
        let object = Object::parse(text, "text")?;
        if !config_json {
            return Ok(Self {
                whole: None,
                entries: object,
            });
        }
        let entries = match object.get(AUTHS) {
            Some(value) if value != "null" => Object::parse(value, AUTHS)?,
            _ => Object::default(),
        };
        Ok(Self {
            whole: Some(object),
            entries,
        })
    }

    /// The hosts that have entries.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.entries.0.iter().map(|(host, _)| host.as_str())
    }

    /// Whether a host has an entry.
    pub(crate) fn has(&self, host: &str) -> bool {
        self.entries.get(host).is_some()
    }

    /// Writes a host's login.
    pub(crate) fn set(&mut self, host: &str, login: &Credentials, form: EntryForm) {
        self.entries.set(host, entry(login, form));
    }

    /// Takes a host's entry as it stands in another document.
    pub(crate) fn keep(&mut self, host: &str, from: &Self) {
        if let Some((_, value)) = from.entries.0.iter().find(|(known, _)| known == host) {
            self.entries.set(host, value.clone());
        }
    }

    /// Drops a host's entry; false when there was none.
    pub(crate) fn remove(&mut self, host: &str) -> bool {
        let before = self.entries.0.len();
        self.entries.0.retain(|(known, _)| known != host);
        self.entries.0.len() < before
    }

    /// In one line, for a Secret.
    pub(crate) fn compact(&self) -> SecretString {
        self.write(None)
    }

    /// In docker's own form, for a file: a tab for each level.
    pub(crate) fn pretty(&self) -> SecretString {
        self.write(Some("\n"))
    }

    fn write(&self, line: Option<&str>) -> SecretString {
        let Some(whole) = &self.whole else {
            return self.entries.write(line, "").into();
        };
        let entries = self.entries.write(line, "\t");
        let mut all = Object(whole.0.clone());
        if let Ok(raw) = RawValue::from_string(entries) {
            all.set(AUTHS, raw);
        }
        let mut text = all.write(line, "");
        if line.is_some() {
            text.push('\n');
        }
        text.into()
    }
}

/// How much an entry repeats itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryForm {
    /// User name, password and `auth`, as `kubectl` writes them.
    Full,
    /// `auth` alone, which docker and the kubelet read as well: half the size.
    AuthOnly,
}

impl Object {
    fn parse(text: &str, name: &'static str) -> Result<Self, Broken> {
        serde_json::from_str(text).map_err(|_| Broken(name))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.get())
    }

    fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn write(&self, line: Option<&str>, indent: &str) -> String {
        let (open, space) = match line {
            Some(line) => (format!("{line}{indent}\t"), " "),
            None => (String::new(), ""),
        };
        let members = self
            .0
            .iter()
            .map(|(name, value)| format!("{open}{}:{space}{}", quote(name), value.get()));
        let members = members.collect::<Vec<_>>().join(",");
        let close = match line {
            Some(line) if !self.0.is_empty() => format!("{line}{indent}"),
            _ => String::new(),
        };
        format!("{{{members}{close}}}")
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

fn entry(login: &Credentials, form: EntryForm) -> Box<RawValue> {
    let auth = quote(login.to_basic().expose_secret());
    let text = match form {
        EntryForm::Full => format!(
            "{{\"username\":{},\"password\":{},\"auth\":{auth}}}",
            quote(&login.username),
            quote(login.password.expose_secret()),
        ),
        EntryForm::AuthOnly => format!("{{\"auth\":{auth}}}"),
    };
    // Three quoted strings in an object are JSON.
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const AUTHS: &str = "auths";

#[cfg(test)]
mod tests {
    use super::*;

    fn text(secret: &SecretString) -> &str {
        secret.expose_secret()
    }

    #[test]
    fn entries_are_those_that_kubectl_writes() {
        let mut document = Document::empty(true);
        let login = Credentials::new("AWS", "p\"w");
        document.set("a.io", &login, EntryForm::Full);
        document.set("b.io", &login, EntryForm::AuthOnly);
        assert_eq!(
            text(&document.compact()),
            r#"{"auths":{"a.io":{"username":"AWS","password":"p\"w","auth":"QVdTOnAidw=="},"b.io":{"auth":"QVdTOnAidw=="}}}"#
        );
        let mut old = Document::empty(false);
        old.set("a.io", &login, EntryForm::AuthOnly);
        assert_eq!(text(&old.compact()), r#"{"a.io":{"auth":"QVdTOnAidw=="}}"#);
    }

    #[test]
    fn what_is_not_ours_stays_as_it_was_written() {
        let before = "{\n\t\"zeta\": 1.50e3,\n\t\"auths\": {\n\t\t\"x.io\": {\"auth\": \"eA==\",  \"z\":0}\n\t},\n\t\"credHelpers\": {}\n}\n";
        let mut document = Document::parse(before, true).expect("sound");
        document.set("a.io", &Credentials::new("u", "p"), EntryForm::AuthOnly);
        let after = document.pretty();
        let expected = before.replace("\"z\":0}", "\"z\":0},\n\t\t\"a.io\": {\"auth\":\"dTpw\"}");
        assert_eq!(text(&after), expected);
        assert!(document.remove("a.io") && !document.remove("a.io"));
        assert_eq!(text(&document.pretty()), before);
    }

    #[test]
    fn broken_texts_are_refused_without_being_repeated() {
        for broken in [
            "[1]",
            "{\"auths\":\"canary\"}",
            "canary",
            "{\"auths\":[\"canary\"]}",
        ] {
            let Err(error) = Document::parse(broken, true) else {
                panic!("{broken} was taken");
            };
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn an_entry_can_be_kept_from_another_document() {
        let old = Document::parse(r#"{"auths":{"a.io":{"auth":"eA==" }}}"#, true).expect("sound");
        let mut new = Document::empty(true);
        new.keep("a.io", &old);
        new.keep("b.io", &old);
        assert_eq!(
            text(&new.compact()),
            r#"{"auths":{"a.io":{"auth":"eA==" }}}"#
        );
        assert_eq!(new.hosts().collect::<Vec<_>>(), ["a.io"]);
    }
}
