//! `config.json` as a text whose members are kept as they were written, but for `credHelpers`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON object: its members in order, each value as it stands in the text.
struct Object(Vec<(String, Box<RawValue>)>);

/// The text with the helper named for the hosts, and what was named for them before, where that
/// was another one. An empty text counts as an empty object.
pub(super) fn with_helpers(
    text: &str,
    hosts: &[String],
    helper: &str,
) -> Result<(String, Vec<(String, String)>), String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let mut config = Object::parse(text, "it")?;
    let mut helpers = match config.get(HELPERS) {
        Some(value) if value != "null" => Object::parse(value, HELPERS)?,
        _ => Object(Vec::new()),
    };
    let mut replaced = Vec::new();
    let quoted = quote(helper);
    for host in hosts {
        if let Some(old) = helpers.get(host).filter(|old| *old != quoted) {
            replaced.push((host.clone(), old.trim_matches('"').to_owned()));
        }
        helpers.set(host, &quoted)?;
    }
    let helpers = helpers.write("\t");
    config.set(HELPERS, &helpers)?;
    Ok((config.write("") + "\n", replaced))
}

impl Object {
    /// Without the text in the error: it may hold logins.
    fn parse(text: &str, name: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!("{name} is no JSON object (line {line}, column {column})")
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| value.get())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let value = RawValue::from_string(value.to_owned()).map_err(|e| e.to_string())?;
        match self.0.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
        Ok(())
    }

    /// Docker's own form: a tab for each level.
    fn write(&self, indent: &str) -> String {
        let members = self.0.iter().map(|(name, value)| {
            let name = quote(name);
            format!("\n{indent}\t{name}: {}", value.get())
        });
        let members: Vec<_> = members.collect();
        format!("{{{}\n{indent}}}", members.join(","))
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

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const HELPERS: &str = "credHelpers";

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(text: &str) -> (String, Vec<(String, String)>) {
        let hosts = ["a.io".to_owned(), "b.io".to_owned()];
        with_helpers(text, &hosts, "fake").expect("an object")
    }

    #[test]
    fn a_missing_file_becomes_dockers_form() {
        let (text, replaced) = changed("");
        assert_eq!(
            text,
            "{\n\t\"credHelpers\": {\n\t\t\"a.io\": \"fake\",\n\t\t\"b.io\": \"fake\"\n\t}\n}\n"
        );
        assert!(replaced.is_empty());
        assert_eq!(changed(&text).0, text, "and stays so");
    }

    #[test]
    fn everything_else_is_kept_as_written() {
        let text = "{\n\t\"zeta\": 1.50e3,\n\t\"auths\": {\n\t\t\"h\": {\"auth\": \"eA==\"}\n\t},\n\t\
                    \"credHelpers\": {\n\t\t\"z.io\": \"other\",\n\t\t\"a.io\": \"old\"\n\t},\n\t\
                    \"alpha\": 12345678901234567890123\n}\n";
        let (changed, replaced) = changed(text);
        let expected = text.replace(
            "\"a.io\": \"old\"",
            "\"a.io\": \"fake\",\n\t\t\"b.io\": \"fake\"",
        );
        assert_eq!(changed, expected);
        assert_eq!(replaced, [("a.io".to_owned(), "old".to_owned())]);
    }

    #[test]
    fn what_is_no_object_is_refused_without_being_repeated() {
        for text in ["[1]", "{\"auth\":\"canary", r#"{"credHelpers":["canary"]}"#] {
            let error = with_helpers(text, &[], "fake").unwrap_err();
            assert!(!error.contains("canary"), "{error}");
            assert!(error.contains("is no JSON object"), "{error}");
        }
    }

    #[test]
    fn null_helpers_are_none() {
        let (text, _) = changed(r#"{"credHelpers":null}"#);
        assert!(text.contains("\"a.io\": \"fake\""));
    }
}
