//! Go's shell-style globs (`path/filepath.Match`), as far as a host can contain them: `*`, and
//! classes of characters in brackets.

enum Part {
    Run,
    OneOf(Vec<(char, char)>),
}

/// Whether a glob matches a host label, as Go's `filepath.Match`: `*` matches any run, also an empty
/// one, brackets match one of the characters in them. A malformed glob matches nothing.
#[must_use]
pub fn glob_matches(glob: &str, text: &str) -> bool {
    let Some(parts) = parse(glob) else {
        return false;
    };
    let text: Vec<char> = text.chars().collect();
    let (mut part, mut at) = (0, 0);
    // The part after the last run, and the end of the text that the run matches so far.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match parts.get(part) {
            Some(Part::Run) => {
                retry = Some((part + 1, at));
                part += 1;
                continue;
            }
            Some(Part::OneOf(ranges)) if text.get(at).is_some_and(|c| is_in(ranges, *c)) => {
                part += 1;
                at += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match retry {
            Some((after, from)) if from < text.len() => {
                retry = Some((after, from + 1));
                (part, at) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

fn is_in(ranges: &[(char, char)], c: char) -> bool {
    ranges.iter().any(|(low, high)| (*low..=*high).contains(&c))
}

fn parse(glob: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut rest = glob.chars();
    while let Some(c) = rest.next() {
        parts.push(match c {
            '*' => Part::Run,
            '[' => Part::OneOf(class(&mut rest)?),
            c => Part::OneOf(vec![(c, c)]),
        });
    }
    Some(parts)
}

/// The ranges up to the closing bracket, which must not be the first.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Vec<(char, char)>> {
    let mut ranges = Vec::new();
    let end = |c: &char| !matches!(c, '-' | ']');
    loop {
        let low = match rest.next()? {
            ']' if !ranges.is_empty() => return Some(ranges),
            c => Some(c).filter(end)?,
        };
        let high = match rest.clone().next()? {
            '-' => {
                rest.next();
                rest.next().filter(end)?
            }
            _ => low,
        };
        ranges.push((low, high));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_gos_do() {
        for (glob, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("a*b**c", "axxbc", true),
            ("*a*a*", "aba", true),
            ("*é", "aé", true),
            ("[abc]", "b", true),
            ("[abc]", "d", false),
            ("[abc]", "", false),
            ("[a-c]x*", "bxy", true),
            ("[*]", "*", true),
            ("[*]", "a", false),
            ("*[ab]", "xxa", true),
            ("[]a]", "a", false),
            ("[a", "a", false),
            ("[a-]", "a", false),
            ("[-a]", "a", false),
            ("[::1]", "1", true),
            ("[::1]", "[::1]", false),
        ] {
            assert_eq!(glob_matches(glob, text), expected, "{glob} {text}");
        }
    }
}
