//! Labels of host names.

/// Whether a text is one label of a DNS name (RFC 1123): letters, digits and inner hyphens, at most
/// 63 of them.
#[must_use]
pub fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_letters_digits_and_inner_hyphens() {
        for label in ["a", "eu-west-1", "A9", &"a".repeat(63)] {
            assert!(is_label(label), "{label}");
        }
        for text in ["", "-a", "a-", "a.b", "a_b", "é", &"a".repeat(64)] {
            assert!(!is_label(text), "{text}");
        }
    }
}
