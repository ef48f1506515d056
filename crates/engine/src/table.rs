//! Text: indented lines, and columns as wide as their cells.

use std::fmt::Display;

/// Lines of text. Text from files, plugins and servers loses its control characters, so that it can
/// neither break a line nor control the terminal.
#[derive(Clone, Debug, Default)]
pub struct TextTable(Vec<String>);

impl TextTable {
    /// All lines.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0.join("\n").trim_end().to_owned()
    }

    /// Adds a line, indented by `depth` steps.
    pub fn line(&mut self, depth: usize, text: impl Display) {
        let clean = |c: char| if c.is_control() { ' ' } else { c };
        let text: String = text.to_string().chars().map(clean).collect();
        let line = format!("{}{text}", "   ".repeat(depth));
        self.0.push(line.trim_end().to_owned());
    }

    /// Adds a line for each note.
    pub fn notes(&mut self, depth: usize, notes: &[String]) {
        for note in notes {
            self.line(depth, format_args!("note: {note}"));
        }
    }

    /// Adds rows in columns.
    pub fn rows(&mut self, depth: usize, rows: &[Vec<String>]) {
        for line in Self::columns(rows) {
            self.line(depth, line);
        }
    }

    /// Rows in columns, a line each.
    #[must_use]
    pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_needed_and_lines_have_no_tail() {
        let rows = [vec!["é", "b", ""], vec!["ccc", "d", "last"]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect());
        let mut table = TextTable::default();
        table.rows(1, &rows);
        assert_eq!(table.0, ["   é    b", "   ccc  d  last"]);
    }
}
