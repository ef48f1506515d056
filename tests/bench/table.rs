//! Medians, pairwise ratios with their spread, and the table that shows them.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use crate::contest::{Run, Score};

/// Prints one contest. The first contestant is the one that the others are compared with.
pub(crate) fn print(title: &str, scores: &[Score], notes: &[String]) {
    println!("\n{title}");
    println!(
        "  {:<34} {:>9} {:>17} {:>9} {:>9} {:>9} {:>20}",
        "", "wall ms", "(quartiles)", "CPU ms", "peak MiB", "size MB", "wall / first"
    );
    for score in scores {
        let wall = column(score, |run| run.wall);
        let ratio = scores.first().map(|first| ratios(score, first));
        let ratio = ratio.unwrap_or_default();
        println!(
            "  {:<34} {:>9.2} {:>17} {:>9.2} {:>9.1} {:>9.1} {:>20}",
            score.name,
            quantile(&wall, 0.5),
            format!("{:.2}-{:.2}", quantile(&wall, 0.25), quantile(&wall, 0.75)),
            quantile(&column(score, |run| run.cpu), 0.5),
            quantile(&column(score, |run| run.peak), 1.0),
            score.size as f64 / 1e6,
            format!(
                "{:.2} ({:.2}-{:.2})",
                quantile(&ratio, 0.5),
                quantile(&ratio, 0.25),
                quantile(&ratio, 0.75)
            ),
        );
    }
    for note in notes {
        println!("  note: {note}");
    }
}

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
