//! The terminal on standard error, for bars.

use std::io;

use console::Term;
use indicatif::TermLike;
use regcred_core::shown;

/// A terminal whose cursor is at the beginning of a line after each drawing. At the end of a full
/// line, the `^C` that a terminal shows would move the cursor to the next one, and a line of the bars
/// would stay.
#[derive(Clone, Debug)]
pub(super) struct Screen(Term);

impl Screen {
    pub(super) fn of_stderr() -> Self {
        Self(Term::buffered_stderr())
    }

    /// The characters in a line; 80 where the terminal has no size.
    pub(super) fn columns(&self) -> usize {
        match self.0.size() {
            (_, 0) => 80,
            (_, columns) => columns.into(),
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from(self.columns()).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        match self.0.size() {
            (0, _) => 24,
            (lines, _) => lines,
        }
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(&shown(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(&shown(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.write_str("\r")?;
        self.0.flush()
    }
}
