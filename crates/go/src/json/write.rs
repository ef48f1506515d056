//! Compact JSON with Go's escapes.

use secrecy::{ExposeSecret, SecretString};

/// A string literal.
#[must_use]
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// A list of string literals.
#[must_use]
pub fn string_list(texts: &[&str]) -> String {
    let literals: Vec<_> = texts.iter().map(|text| string(text)).collect();
    format!("[{}]", literals.join(","))
}

/// An object with the members that `write` adds.
#[must_use]
pub fn object(write: impl FnOnce(&mut Members)) -> String {
    let mut members = Members(String::new());
    members.nested(['{', '}'], write);
    members.0
}

/// As [`object`], with a newline after it.
#[must_use]
pub fn object_line(write: impl FnOnce(&mut Members)) -> Vec<u8> {
    (object(write) + "\n").into_bytes()
}

/// The members of an object, in the order in which they are added.
pub struct Members(String);

impl Members {
    /// Adds a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        push_string(&mut self.0, text);
    }

    /// Adds a text, unless it is empty.
    pub fn some_text(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    /// Adds a secret.
    pub fn secret(&mut self, name: &str, secret: &SecretString) {
        self.text(name, secret.expose_secret());
    }

    /// Adds a secret, unless it is empty.
    pub fn some_secret(&mut self, name: &str, secret: &SecretString) {
        self.some_text(name, secret.expose_secret());
    }

    /// Adds a value that is JSON already.
    pub fn json(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(value);
    }

    /// Adds an object with the members that `write` adds.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.name(name);
        self.nested(['{', '}'], write);
    }

    /// Adds a list of objects, one for each item, unless it is empty.
    pub fn some_list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        self.name(name);
        self.nested(['[', ']'], |list| {
            for item in items {
                list.comma();
                list.nested(['{', '}'], |members| write(members, item));
            }
        });
    }

    fn nested(&mut self, [open, close]: [char; 2], write: impl FnOnce(&mut Self)) {
        self.0.push(open);
        write(self);
        self.0.push(close);
    }

    fn name(&mut self, name: &str) {
        self.comma();
        push_string(&mut self.0, name);
        self.0.push(':');
    }

    /// Between two members or items.
    fn comma(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }
}

fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // What needs no escape is copied in one piece: most of a token.
    while let Some(at) = rest.find(is_escaped) {
        let (plain, escaped) = rest.split_at(at);
        out.push_str(plain);
        let mut escaped = escaped.chars();
        match escaped.next() {
            Some(c @ ('"' | '\\')) => out.extend(['\\', c]),
            Some('\u{8}') => out.push_str("\\b"),
            Some('\u{c}') => out.push_str("\\f"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            None => {}
        }
        rest = escaped.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Go escapes some of these for the sake of HTML and JavaScript.
fn is_escaped(c: char) -> bool {
    matches!(
        c,
        '\0'..' ' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}'
    )
}
