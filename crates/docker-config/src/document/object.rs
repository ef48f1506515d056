//! A JSON object whose values stay as they are written. A value may be a login: it is wiped.

use std::fmt;

use secrecy::zeroize::Zeroize as _;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// A text that is not a docker configuration. It may hold logins, so the message does not quote it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("it is not a docker configuration: {0}")]
pub struct DocumentError(pub(super) String);

/// A JSON object: its members in order, each value as the text has it.
#[derive(Clone, Default)]
pub(super) struct Object(pub(super) Vec<(String, Box<RawValue>)>);

impl Object {
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// A member that is an object; an empty object if it is absent or null.
    pub(super) fn member(&self, name: &str) -> Result<Self, DocumentError> {
        match self.get(name).map(RawValue::get) {
            None | Some("null") => Ok(Self::default()),
            Some(text) => Self::parse(text)
                .map_err(|_| DocumentError(format!("its {name} is not a JSON object"))),
        }
    }

    /// The last of several members of the name, as for docker and the kubelet.
    pub(super) fn get(&self, name: &str) -> Option<&RawValue> {
        let found = self.0.iter().rev().find(|(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }

    /// Sets a member; returns whether that changes it.
    pub(super) fn set(&mut self, name: &str, value: Box<RawValue>) -> bool {
        match self.0.iter_mut().rev().find(|(known, _)| known == name) {
            Some((_, old)) if old.get() == value.get() => false,
            Some((_, old)) => {
                wipe(std::mem::replace(old, value));
                true
            }
            None => {
                self.0.push((name.to_owned(), value));
                true
            }
        }
    }

    /// The text as the value of a member of the whole.
    pub(super) fn nested(&self, lines: bool) -> Box<RawValue> {
        raw(self.write(lines, if lines { "\t" } else { "" }))
    }

    pub(super) fn write(&self, lines: bool, indent: &str) -> String {
        let (before, colon) = if lines {
            (format!("\n{indent}\t"), ": ")
        } else {
            (String::new(), ":")
        };
        // An outgrown buffer would stay in memory with what it has of the logins.
        let members = self.0.iter();
        let length =
            members.map(|(name, value)| 7 * name.len() + value.get().len() + before.len() + 8);
        let mut out = String::with_capacity(length.sum::<usize>() + indent.len() + 8);
        out.push('{');
        for (place, (name, value)) in self.0.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            out.push_str(&before);
            out.push_str(&serde_json::Value::from(name.as_str()).to_string());
            out.push_str(colon);
            out.push_str(value.get());
        }
        if lines && !self.0.is_empty() {
            out.push('\n');
            out.push_str(indent);
        }
        out.push('}');
        out
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|(_, value)| wipe(value));
    }
}

/// A value may be a login.
fn wipe(value: Box<RawValue>) {
    Box::<str>::from(value).zeroize();
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

pub(super) fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

pub(super) fn raw(text: String) -> Box<RawValue> {
    RawValue::from_string(text).expect("strings and objects of values are JSON")
}
