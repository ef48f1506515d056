//! Text: indented lines, and columns as wide as their cells.

use std::fmt::Display;

use regcred_core::is_shown;

/// Lines of text. Text from files, plugins and servers loses its control characters, so that it can
/// neither break a line nor control the terminal.
#[derive(Clone, Debug, Default)]
pub struct TextTable(Vec<TextLine>);

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextLine {
    /// How far it is indented, in steps.
    pub depth: usize,
    /// What it means.
    pub tone: Tone,
    /// The text without its indentation.
    pub text: String,
}

/// What a line means, for a display with colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// A fact.
    #[default]
    Plain,
    /// It matches, or it works.
    Good,
    /// It fails.
    Bad,
    /// Something may not do what its author means.
    Doubtful,
    /// It does not matter for the image.
    Faint,
}

impl TextTable {
    /// All lines.
    #[must_use]
    pub fn into_text(self) -> String {
        let lines = self.0.iter();
        let lines = lines.map(|line| format!("{}{}", "   ".repeat(line.depth), line.text));
        let lines: Vec<_> = lines.collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// All lines, each by itself.
    #[must_use]
    pub fn into_lines(self) -> Vec<TextLine> {
        self.0
    }

    /// Adds a line, indented by `depth` steps.
    pub fn line(&mut self, depth: usize, text: impl Display) {
        self.toned(Tone::Plain, depth, text);
    }

    /// As [`TextTable::line`], with a tone.
    pub fn toned(&mut self, tone: Tone, depth: usize, text: impl Display) {
        let clean = |c: char| if is_shown(c) { c } else { ' ' };
        let text: String = text.to_string().chars().map(clean).collect();
        let text = text.trim_end().to_owned();
        let depth = if text.is_empty() { 0 } else { depth };
        self.0.push(TextLine { depth, tone, text });
    }

    /// Adds a line for each note.
    pub fn notes(&mut self, depth: usize, notes: &[String]) {
        for note in notes {
            self.toned(Tone::Doubtful, depth, format_args!("note: {note}"));
        }
    }

    /// Adds rows in columns.
    pub fn rows(&mut self, depth: usize, rows: &[Vec<String>]) {
        for line in Self::columns(rows) {
            self.line(depth, line);
        }
    }

    /// Adds rows in columns, each with its tone.
    pub(crate) fn toned_rows(&mut self, depth: usize, rows: &[(Tone, Vec<String>)]) {
        let (tones, rows): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        for (tone, line) in tones.into_iter().zip(Self::columns(&rows)) {
            self.toned(tone, depth, line);
        }
    }

    /// Rows in columns, a line each. A cell that is longer than any name is cut.
    #[must_use]
    pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let cut = |cell: &String| -> String {
            let mut rest = cell.chars();
            let start: String = rest.by_ref().take(LONGEST_CELL).collect();
            if rest.next().is_none() {
                start
            } else {
                start + "..."
            }
        };
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(cut).collect())
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let pad = |row: &Vec<String>| {
            let cells = row.iter().zip(&widths);
            let padded: Vec<String> = cells.map(|(cell, w)| format!("{cell:<w$}")).collect();
            padded.join("  ")
        };
        rows.iter().map(pad).collect()
    }
}

/// `1 plugin`, `2 plugins`.
pub(crate) fn plural(n: usize, word: &str) -> String {
    match n {
        1 => format!("1 {word}"),
        n => format!("{n} {word}s"),
    }
}

/// Characters of a cell; a reference has at most 383. What formats a column panics at a width of 65,536.
const LONGEST_CELL: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_is_longer_than_any_name_is_cut() {
        let lines = TextTable::columns(&[vec!["k".repeat(70_000), "v".to_owned()]]);
        assert_eq!(lines, [format!("{}...  v", "k".repeat(LONGEST_CELL))]);
    }

    #[test]
    fn columns_are_as_wide_as_needed_and_lines_have_no_tail() {
        let rows = [vec!["é", "b", ""], vec!["ccc", "d", "last"]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect());
        let mut table = TextTable::default();
        table.rows(1, &rows);
        assert_eq!(table.into_text(), "   é    b\n   ccc  d  last");
    }
}
