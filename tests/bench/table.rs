//! Medians, pairwise ratios with their spread, and the table that shows them.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::fmt::Write as _;

use crate::contest::{Run, Score};

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
        "\n{title}\n  {:<34} {:>9} {:>17} {:>9} {:>9} {:>9} {:>9} {:>20}\n",
        "", "wall ms", "(quartiles)", "CPU ms", "peak MiB", "size MB", "M instr", "wall / first"
    );
    for score in scores {
        let wall = column(score, |run| run.wall);
        let ratio = scores.first().map(|first| ratios(score, first));
        let ratio = ratio.unwrap_or_default();
        let instructions = score.instructions.map(|count| format!("{count:.2}"));
        let _ = writeln!(
            text,
            "  {:<34} {:>9.2} {:>17} {:>9.2} {:>9.1} {:>9.1} {:>9} {:>20}",
            score.name,
            quantile(&wall, 0.5),
            format!("{:.2}-{:.2}", quantile(&wall, 0.25), quantile(&wall, 0.75)),
            quantile(&column(score, |run| run.cpu), 0.5),
            quantile(&column(score, |run| run.peak), 1.0),
            score.size as f64 / 1e6,
            instructions.unwrap_or_default(),
            format!(
                "{:.2} ({:.2}-{:.2})",
                quantile(&ratio, 0.5),
                quantile(&ratio, 0.25),
                quantile(&ratio, 0.75)
            ),
        );
    }
    for note in notes {
        let _ = writeln!(text, "  note: {note}");
    }
    text
}

const INTRODUCTION: &str = "\
# Performance

`make bench` wrote this page. It builds the static programs of a release and runs each as a whole process, in turn with an
empty process (the floor) and with the peers that the machine has (A B C A B C), in a cleared environment. Times are
medians, memory is the largest peak. Times drift with the machine: compare the ratios of one table. Instructions are
counted by valgrind in one run of their own and hardly drift.

A plugin's run is its start, the request, the decision whose identity is used, and either one file of the cache (warm) or
the cloud's calls (cold). A warm run starts no runtime, makes no HTTP client and sets up no TLS. Over https most of a
cold run is the handshake; of the trusted roots only those are parsed that the server's chain names.
";

/// Run by run against the neighbour of the same round, so that a drift of the machine cancels.
fn ratios(score: &Score, first: &Score) -> Vec<f64> {
    let pairs = score.runs.iter().zip(&first.runs);
    let mut ratios: Vec<f64> = pairs.map(|(a, b)| a.wall / b.wall).collect();
    ratios.sort_by(f64::total_cmp);
    ratios
}

fn column(score: &Score, value: fn(&Run) -> f64) -> Vec<f64> {
    let mut values: Vec<f64> = score.runs.iter().map(value).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The nearest-rank quantile of sorted values; not a number for none.
fn quantile(sorted: &[f64], at: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * at).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}
