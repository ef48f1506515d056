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

/// The arguments after systemd has put variables in: `$NAME` alone in a word is split at blanks,
/// `${NAME}` is not. A variable that is not set is empty.
pub(crate) fn expanded(words: &[Word], variables: &BTreeMap<String, String>) -> Vec<String> {
    let value = |name: &str| variables.get(name).map_or("", String::as_str);
    let mut args = Vec::new();
    for word in words {
        if let Some(name) = variable(&word.text) {
            args.extend(value(name).split_ascii_whitespace().map(unquoted));
            continue;
        }
        let mut text = String::new();
        let mut rest = word.text.as_str();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            text.push_str(value(name));
            rest = after;
        }
        args.push(text + rest);
    }
    args
}

/// The name in a word that is `$NAME`.
pub(crate) fn variable(word: &str) -> Option<&str> {
    let name = word.strip_prefix('$')?;
    let is_name = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    (is_name && !name.is_empty()).then_some(name)
}

fn unquoted(word: &str) -> String {
    word.trim_matches(['"', '\'']).to_owned()
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
        let args = expanded(&words, &variables.into());
        assert_eq!(args, ["k", "--x=1", "--y=2", "b", "c", "--z=b c"]);
    }
}
