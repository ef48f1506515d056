//! Lines as a tree in colour, as wide as a terminal.

use console::Style;
use regcred_engine::{TextLine, Tone};

/// The lines, each below the last one before it that is less indented. A line that is too long goes on
/// below its beginning; a word that is too long by itself does not.
pub(super) fn draw(lines: &[TextLine], columns: usize, in_colour: bool) -> String {
    let parents = parents(lines);
    let is_last = |at: usize| {
        let mut later = parents[at + 1..].iter();
        parents[at].is_none() || !later.any(|parent| *parent == parents[at])
    };
    let mut drawn = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let mut before = String::new();
        let mut ancestor = parents[at];
        while let Some(one) = ancestor.filter(|one| parents[*one].is_some()) {
            before.insert_str(0, if is_last(one) { GAP } else { LINE });
            ancestor = parents[one];
        }
        let (first, rest) = match (parents[at], is_last(at)) {
            (None, _) => ("", ""),
            (_, true) => (END, GAP),
            (_, false) => (FORK, LINE),
        };
        let has_children = parents
            .get(at + 1)
            .is_some_and(|parent| *parent == Some(at));
        let below = if has_children && parents[at].is_some() {
            LINE
        } else {
            ""
        };
        let (first, rest) = (format!("{before}{first}"), format!("{before}{rest}{below}"));
        let is_heading = line.depth == 0 && has_children;
        let style = style(line.tone, is_heading, in_colour);
        let width = columns.saturating_sub(rest.chars().count().max(first.chars().count()));
        for (n, part) in wrapped(&line.text, width).into_iter().enumerate() {
            let branch = faint(in_colour).apply_to(if n == 0 { &first } else { &rest });
            drawn.push(
                format!("{branch}{}", style.apply_to(part))
                    .trim_end()
                    .to_owned(),
            );
        }
    }
    drawn.join("\n")
}

/// The line that each line is below.
fn parents(lines: &[TextLine]) -> Vec<Option<usize>> {
    let mut open: Vec<usize> = Vec::new();
    let parent = |(at, line): (usize, &TextLine)| {
        while open
            .last()
            .is_some_and(|last| lines[*last].depth >= line.depth)
        {
            open.pop();
        }
        let parent = open.last().copied();
        open.push(at);
        parent
    };
    lines.iter().enumerate().map(parent).collect()
}

/// The parts of a text, of which each is at most `width` characters long if its words are.
fn wrapped(text: &str, width: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let end = rest.char_indices().nth(width).map(|(end, _)| end);
        let Some(end) = end else {
            parts.push(rest);
            return parts;
        };
        let fits = rest[..end]
            .rfind(' ')
            .filter(|at| !rest[..*at].trim().is_empty());
        let Some(at) = fits.or_else(|| Some(end + rest[end..].find(' ')?)) else {
            parts.push(rest);
            return parts;
        };
        parts.push(rest[..at].trim_end());
        rest = rest[at..].trim_start();
    }
}

fn style(tone: Tone, is_heading: bool, in_colour: bool) -> Style {
    let style = match tone {
        Tone::Good => Style::new().green(),
        Tone::Bad => Style::new().red(),
        Tone::Doubtful => Style::new().yellow(),
        Tone::Faint => Style::new().dim(),
        _ if is_heading => Style::new().bold(),
        _ => Style::new(),
    };
    style.force_styling(in_colour)
}

fn faint(in_colour: bool) -> Style {
    style(Tone::Faint, false, in_colour)
}

const FORK: &str = "├─ ";
const END: &str = "└─ ";
const LINE: &str = "│  ";
const GAP: &str = "   ";

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<TextLine> {
        let line = |(depth, tone, text): (usize, Tone, &str)| TextLine {
            depth,
            tone,
            text: text.to_owned(),
        };
        let lines = [
            (0, Tone::Plain, "image  h.io/app"),
            (0, Tone::Plain, ""),
            (0, Tone::Plain, "1. sources"),
            (1, Tone::Plain, "a file"),
            (3, Tone::Good, "match  h.io"),
            (
                3,
                Tone::Faint,
                "-      x.io  another host, and a long reason why",
            ),
            (1, Tone::Bad, "error: it is broken"),
            (0, Tone::Good, "=> works"),
        ];
        lines.map(line).into()
    }

    #[test]
    fn lines_are_below_the_last_one_that_is_less_indented() {
        let expected = "image  h.io/app\n\n1. sources\n├─ a file\n│  ├─ match  h.io\n│  └─ -      x.io  another host, \
                        and a long reason why\n└─ error: it is broken\n=> works";
        assert_eq!(draw(&lines(), 80, false), expected);
    }

    #[test]
    fn a_line_is_not_wider_than_the_terminal() {
        let drawn = draw(&lines(), 30, false);
        let wide = drawn.lines().find(|line| line.chars().count() > 30);
        assert_eq!(wide, None, "{drawn}");
        let wrapped = "│  └─ -      x.io  another\n│     host, and a long reason\n│     why\n└─ error: it is broken";
        assert!(drawn.contains(wrapped), "{drawn}");
        assert!(
            draw(&lines(), 0, false).contains("match\n"),
            "a word is whole"
        );
    }

    #[test]
    fn colours_are_those_of_the_tone_and_the_words_stay() {
        let drawn = draw(&lines(), 80, true);
        assert!(
            drawn.contains("\u{1b}[32mmatch  h.io\u{1b}[0m"),
            "{drawn:?}"
        );
        assert!(drawn.contains("\u{1b}[31merror: it is broken"), "{drawn:?}");
        assert!(drawn.contains("\u{1b}[1m1. sources"), "{drawn:?}");
        assert_eq!(console::strip_ansi_codes(&drawn), draw(&lines(), 80, false));
    }
}
