//! Questions about a secret text that can be answered without showing it.

use secrecy::{ExposeSecret as _, SecretString};

use crate::known_secrets::know_secret;

/// What any code may ask about a secret text: code that only checks, compares or trims a secret has
/// no reason to expose it. For every crate above this one.
pub trait SecretText {
    /// The length in bytes.
    fn len(&self) -> usize;

    /// Whether it has no characters.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has nothing but white space.
    fn is_blank(&self) -> bool;

    /// A copy without the white space around it.
    fn trimmed(&self) -> SecretString;

    /// Whether both are the same text.
    fn is_same(&self, other: &SecretString) -> bool;

    /// From now on no text for a person has it: see [`know_secret`].
    fn never_shown(&self);
}

impl SecretText for SecretString {
    fn len(&self) -> usize {
        self.expose_secret().len()
    }

    fn is_blank(&self) -> bool {
        self.expose_secret().trim().is_empty()
    }

    fn trimmed(&self) -> SecretString {
        self.expose_secret().trim().into()
    }

    fn is_same(&self, other: &SecretString) -> bool {
        self.expose_secret() == other.expose_secret()
    }

    fn never_shown(&self) {
        know_secret(self.expose_secret());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_is_not_empty_and_trimming_keeps_what_is_inside() {
        let text = SecretString::from;
        assert!(text("").is_empty() && text("").is_blank());
        assert!(!text(" \n").is_empty() && text(" \n").is_blank());
        assert!(!text("a").is_blank());
        assert_eq!(text(" a b\n").trimmed().expose_secret(), "a b");
        assert_eq!(text("ä").len(), 2);
        assert!(text("a").is_same(&text("a")) && !text("a").is_same(&text("a ")));
    }
}
