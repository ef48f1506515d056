//! Text that came from outside, as a message may show it.

/// On one line, without control characters and without those that turn or hide text on a terminal, cut to
/// `most` characters.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let spaced: String = text
        .chars()
        .map(|c| if is_shown(c) { c } else { ' ' })
        .collect();
    let line = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(most).collect()
}

/// Whether it is neither a control character nor one of Unicode's zero-width or direction marks.
#[must_use]
pub fn is_shown(c: char) -> bool {
    let mark = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    !c.is_control() && !mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_a_blank() {
        assert_eq!(plain("a\u{1b}[31m\r\nb\u{7}\u{202e}c", 99), "a [31m b c");
        assert_eq!(plain("abc", 2), "ab");
    }
}
