//! What the runs of one contestant took.

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Milliseconds from start to end.
    pub(crate) wall: f64,
    /// Milliseconds of processor time.
    pub(crate) cpu: f64,
    /// MiB at the peak.
    pub(crate) peak: f64,
    /// Calls of the server that counts them.
    pub(crate) calls: Option<usize>,
}

/// All runs of one contestant; run `n` of each was next to run `n` of the others.
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Millions of instructions of one run.
    pub(crate) instructions: Option<f64>,
    pub(crate) runs: Vec<Run>,
}

impl Score {
    /// The quantile of a value over all runs.
    pub(crate) fn quantile(&self, value: fn(&Run) -> f64, at: f64) -> f64 {
        quantile(self.runs.iter().map(value), at)
    }

    /// Run by run against the neighbour of the same round, so that a drift of the machine cancels.
    pub(crate) fn ratio(&self, first: &Self, at: f64) -> f64 {
        let pairs = self.runs.iter().zip(&first.runs);
        quantile(pairs.map(|(run, first)| run.wall / first.wall), at)
    }

    /// The most calls of one run, where they are counted.
    pub(crate) fn calls(&self) -> Option<usize> {
        self.runs.iter().filter_map(|run| run.calls).max()
    }
}

/// The nearest-rank quantile; not a number for no value.
fn quantile(values: impl Iterator<Item = f64>, at: f64) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * at).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}
