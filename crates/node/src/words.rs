//! The words of a command line in a unit, as systemd splits it (systemd.service(5), "Command lines").

use std::collections::BTreeMap;
use std::ops::Range;

/// A word, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Without quotes and escapes.
    pub(crate) text: String,
    /// Its bytes in the line, quotes included.
    pub(crate) written: Range<usize>,
}

/// Splits a line. `None` for what is not understood: an open quote, an unknown escape, several
/// commands.
pub(crate) fn words(line: &str) -> Option<Vec<Word>> {
    let mut found = Vec::new();
    let mut chars = line.char_indices().peekable();
    loop {
        while chars.next_if(|(_, c)| c.is_ascii_whitespace()).is_some() {}
        let Some(&(start, _)) = chars.peek() else {
            return Some(found);
        };
        let (mut text, mut quote, mut end) = (String::new(), None, line.len());
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                ('\\', _) => text.push(escaped(&mut chars)?),
                (c, Some(q)) if c == q => quote = None,
                (c, Some(_)) => text.push(c),
                ('"' | '\'', None) => quote = Some(c),
                (c, None) if c.is_ascii_whitespace() => {
                    end = at;
                    break;
                }
                (c, None) => text.push(c),
            }
        }
        if quote.is_some() || text == ";" {
            return None;
        }
        found.push(Word {
            text,
            written: start..end,
        });
    }
}

fn escaped(chars: &mut impl Iterator<Item = (usize, char)>) -> Option<char> {
    let (_, c) = chars.next()?;
    Some(match c {
        '\\' | '"' | '\'' | ';' => c,
        's' => ' ',
        't' => '\t',
        'x' => {
            let digits: String = chars.take(2).map(|(_, c)| c).collect();
            let byte = u8::from_str_radix(&digits, 16).ok().filter(u8::is_ascii)?;
            char::from(byte)
        }
        _ => return None,
    })
}

/// What blanks outside quotes are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blanks {
    /// They separate words.
    BetweenWords,
    /// They belong to the word: the value in an environment file.
    OfWords,
}

/// The words of a variable's value: quotes are removed, and a backslash takes its meaning from the next
/// character.
pub(crate) fn split(text: &str, blanks: Blanks) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let is_separator = c.is_whitespace() && blanks == Blanks::BetweenWords;
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if is_separator => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The program of a command and its arguments, after systemd has put variables in. Signs before the
/// program are systemd's, and with `@` the second word is the name of the process.
pub(crate) fn command_line(words: &[Word], variables: &BTreeMap<String, String>) -> Vec<String> {
    let Some((first, mut rest)) = words.split_first() else {
        return Vec::new();
    };
    let program = first.text.trim_start_matches(SIGNS);
    let signs = &first.text[..first.text.len() - program.len()];
    if signs.contains('@') {
        rest = rest.get(1..).unwrap_or_default();
    }
    let mut line = vec![program.to_owned()];
    for word in rest {
        if signs.contains(':') {
            line.push(word.text.clone());
        } else {
            line.extend(expanded(&word.text, variables));
        }
    }
    line
}

/// The words of one word after its variables were replaced: `$NAME` alone is split at blanks, `${NAME}`
/// is not, and `$$` is a dollar sign. A variable that is not set is empty.
fn expanded(word: &str, variables: &BTreeMap<String, String>) -> Vec<String> {
    let value = |name: &str| variables.get(name).map_or("", String::as_str);
    if let Some(name) = variable(word) {
        return split(value(name), Blanks::BetweenWords);
    }
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let variable = after
            .strip_prefix('{')
            .and_then(|after| after.split_once('}'));
        rest = match variable {
            Some((name, after)) if is_name(name) => {
                out.push_str(value(name));
                after
            }
            _ => {
                out.push('$');
                after.strip_prefix('$').unwrap_or(after)
            }
        };
    }
    out.push_str(rest);
    vec![out]
}

/// The name in a word that is `$NAME`.
pub(crate) fn variable(word: &str) -> Option<&str> {
    word.strip_prefix('$').filter(|name| is_name(name))
}

fn is_name(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(is_part)
}

/// A word as it is written in a unit.
pub(crate) fn written(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    let text = text.replace('%', "%%").replace('$', "$$");
    if text.contains([' ', '\t', '\'']) {
        format!("\"{text}\"")
    } else {
        text
    }
}

/// Signs before a program, for systemd.
pub(crate) const SIGNS: [char; 6] = ['-', ':', '+', '!', '|', '@'];

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Option<Vec<String>> {
        words(line).map(|found| found.into_iter().map(|word| word.text).collect())
    }

    #[test]
    fn a_line_is_split_as_systemd_does() {
        let line = r#"/usr/bin/k "a b" --x='c d' e\x20f --g="h\"i" j\sk"#;
        let expected = ["/usr/bin/k", "a b", "--x=c d", "e f", "--g=h\"i", "j k"];
        assert_eq!(texts(line).expect("understood"), expected);
        let found = words(line).expect("understood");
        assert_eq!(&line[found[2].written.clone()], "--x='c d'");
        for line in ["a \"b", "a ; b", r"a \q"] {
            assert_eq!(texts(line), None, "{line}");
        }
    }

    #[test]
    fn variables_alone_are_split_and_those_in_braces_are_not() {
        let variables = [("A", "--x=1 --y=2"), ("B", "b c")];
        let variables = variables.map(|(n, v)| (n.to_owned(), v.to_owned()));
        let words = words("k $A \"$B\" --z=${B} $NONE").expect("understood");
        let args = command_line(&words, &variables.into());
        assert_eq!(args, ["k", "--x=1", "--y=2", "b", "c", "--z=b c"]);
    }
}
