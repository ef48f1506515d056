//! Profiles as a text that the Rust SDK's reader accepts: one setting a line, names of the letters
//! that it knows.

use super::ini::{Section, Sections};
use super::profiles::KINDS;

/// The profiles of `chain` and every section of another kind. `lent` is a profile and the
/// `credential_source` that it has instead of its own.
pub(super) fn text(
    all: &Sections,
    chain: &[(&str, &Section)],
    lent: Option<(&str, &str)>,
) -> String {
    let mut text = String::new();
    let others = all
        .iter()
        .filter(|(name, _)| KINDS.iter().any(|kind| name.starts_with(kind)));
    for (name, section) in others {
        text.push_str(&format!("[{name}]\n"));
        settings(section, &mut text);
    }
    for &(name, section) in chain {
        text.push_str(&format!("[profile {}]\n", encoded(name)));
        let lent = lent.filter(|(profile, _)| *profile == name);
        let mut section = section.clone();
        if let Some(source) = section.values.get_mut("source_profile") {
            source.text = encoded(&source.text);
        }
        if let Some((_, source)) = lent {
            section.values.remove("source_profile");
            let value = section.values.entry("credential_source".to_owned());
            value.or_default().text = source.to_owned();
        }
        settings(&section, &mut text);
    }
    text
}

/// A profile's name in the text. The SDK has no profile whose name has a blank.
pub(super) fn encoded(name: &str) -> String {
    if is_identifier(name) && !name.contains('%') {
        return name.to_owned();
    }
    let encode = |byte: u8| match char::from(byte) {
        letter if letter.is_ascii_alphanumeric() || "_-/.@:+".contains(letter) => {
            letter.to_string()
        }
        _ => format!("%{byte:02x}"),
    };
    name.bytes().map(encode).collect()
}

fn settings(section: &Section, text: &mut String) {
    for (key, value) in section.values.iter().filter(|(key, _)| is_identifier(key)) {
        // The lines after the first are indented.
        let value_text = value.text.replace('\n', "\n ");
        // Without a blank, after which a value that begins with `#` would be a comment.
        text.push_str(&format!("{key}={value_text}\n"));
        let nested = value.nested.iter();
        for (key, value) in nested.filter(|(key, _)| is_identifier(key)) {
            text.push_str(&format!("  {key}={value}\n"));
        }
    }
}

/// What the Rust SDK accepts as a name.
fn is_identifier(name: &str) -> bool {
    let known = |letter: char| letter.is_ascii_alphanumeric() || "_-/.%@:+".contains(letter);
    !name.is_empty() && name.chars().all(known)
}
