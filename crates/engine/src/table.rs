//! A page of text in the making: indented lines, columns.

/// Lines in the making. What came from files, plugins and servers loses its control characters, so
/// that it can neither break a line nor speak to the terminal.
#[derive(Default)]
pub(crate) struct Page(Vec<String>);

impl Page {
    /// All lines.
    pub(crate) fn into_text(self) -> String {
        self.0.join("\n").trim_end().to_owned()
    }

    pub(crate) fn line(&mut self, depth: usize, text: &str) {
        let clean: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let line = format!("{}{}", "   ".repeat(depth), clean);
        self.0.push(line.trim_end().to_owned());
    }

    pub(crate) fn notes(&mut self, depth: usize, notes: &[String]) {
        for note in notes {
            self.line(depth, &format!("note: {note}"));
        }
    }

    pub(crate) fn table(&mut self, depth: usize, rows: &[Vec<String>]) {
        for line in Self::columns(rows) {
            self.line(depth, &line);
        }
    }

    /// Rows in columns that are as wide as needed.
    pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_needed_and_lines_have_no_tail() {
        let rows = [vec!["é", "b", ""], vec!["ccc", "d", "last"]];
        let rows = rows.map(|row| row.into_iter().map(str::to_owned).collect());
        let mut page = Page::default();
        page.table(1, &rows);
        assert_eq!(page.0, ["   é    b", "   ccc  d  last"]);
    }
}
