//! Medians, pairwise ratios with their spread, and the table that shows them.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::fmt::Write as _;

use crate::page::INTRODUCTION;
use crate::score::Score;

/// What was printed, for the page.
#[derive(Default)]
pub(crate) struct Tables(String);

impl Tables {
    /// Prints one contest. The first contestant is the one that the others are compared with.
    pub(crate) fn show(&mut self, title: &str, scores: &[Score], notes: &[String]) {
        let text = table(title, scores, notes);
        println!("{text}");
        self.0.push_str(&text);
        self.0.push('\n');
    }

    /// The page with all tables; `rounds` is how often each program ran.
    pub(crate) fn page(&self, rounds: usize) -> String {
        format!(
            "{INTRODUCTION}\nRounds: {rounds}.\n\n```text{}```\n",
            self.0
        )
    }
}

fn table(title: &str, scores: &[Score], notes: &[String]) -> String {
    let mut text = format!(
        "\n{title}\n  {:<34} {:>9} {:>19} {:>9} {:>9} {:>9} {:>9} {:>7} {:>20}\n",
        "",
        "wall ms",
        "(quartiles)",
        "CPU ms",
        "peak MiB",
        "size MB",
        "M instr",
        "calls",
        "wall / first"
    );
    for score in scores {
        let wall = |at| score.quantile(|run| run.wall, at);
        let first = scores.first().unwrap_or(score);
        let ratio = |at| score.ratio(first, at);
        let instructions = score.instructions.map(|count| format!("{count:.2}"));
        let calls = score.calls().map(|count| count.to_string());
        let _ = writeln!(
            text,
            "  {:<34} {:>9.2} {:>19} {:>9.2} {:>9.1} {:>9.1} {:>9} {:>7} {:>20}",
            score.name,
            wall(0.5),
            format!("{:.2}-{:.2}", wall(0.25), wall(0.75)),
            score.quantile(|run| run.cpu, 0.5),
            score.quantile(|run| run.peak, 1.0),
            score.size as f64 / 1e6,
            instructions.unwrap_or_default(),
            calls.unwrap_or_default(),
            format!("{:.2} ({:.2}-{:.2})", ratio(0.5), ratio(0.25), ratio(0.75)),
        );
    }
    for note in notes {
        let _ = writeln!(text, "  note: {note}");
    }
    text
}
