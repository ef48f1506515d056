//! Programs that run at once, some of them until they are killed.
#![expect(
    clippy::print_stderr,
    reason = "figures of a run, and the seed of a failure"
)]

use std::time::{Duration, Instant};

use regcred_core::Env;
use regcred_tests::program::Running;
use regcred_tests::seeded::Seeded;
use regcred_tests::{Finished, Program};

/// What became of the programs of one round.
pub(crate) struct Race {
    /// Those that ended by themselves, each with its place.
    pub(crate) ended: Vec<(usize, Finished)>,
    killed: usize,
}

impl Race {
    /// Starts all programs and kills about every third, at the latest after so many milliseconds.
    pub(crate) fn run(programs: Vec<Program>, longest: usize, random: &mut Seeded) -> Self {
        Self::with_endless(programs, Vec::new(), longest, random)
    }

    /// The same with programs that do not end by themselves: they are all killed.
    pub(crate) fn with_endless(
        programs: Vec<Program>,
        endless: Vec<Program>,
        longest: usize,
        random: &mut Seeded,
    ) -> Self {
        let started = Instant::now();
        let ending = programs.len();
        let all = programs.into_iter().chain(endless);
        let mut all: Vec<Running> = all.map(Program::start).collect();
        let victims = (0..all.len()).filter(|at| *at >= ending || random.below(3) == 0);
        let victims: Vec<usize> = victims.collect();
        let mut moments: Vec<_> = victims
            .iter()
            .map(|one| (random.below(longest), *one))
            .collect();
        moments.sort_unstable();
        for (moment, victim) in moments {
            let moment = Duration::from_millis(moment as u64);
            std::thread::sleep(moment.saturating_sub(started.elapsed()));
            all[victim].kill();
        }
        let done = all.into_iter().map(Running::finish).enumerate();
        let (killed, ended): (Vec<_>, Vec<_>) = done.partition(|(_, done)| done.signal().is_some());
        Self {
            ended,
            killed: killed.len(),
        }
    }
}

/// Runs two rounds, or as many as fit into `STRESS_SECONDS`, from `STRESS_SEED` on.
pub(crate) fn rounds(name: &str, mut round: impl FnMut(&mut Seeded) -> Race) {
    let env = Env::process();
    let number = |name: &str| env.get(name).and_then(|text| text.parse::<u64>().ok());
    let seconds = number("STRESS_SECONDS").map(Duration::from_secs);
    let first = number("STRESS_SEED").unwrap_or(1);
    let started = Instant::now();
    let (mut count, mut processes, mut killed) = (0, 0, 0);
    while seconds.map_or(count < 2, |seconds| started.elapsed() < seconds) {
        let seed = Seed(first + count);
        let race = round(&mut Seeded::new(seed.0));
        std::mem::forget(seed);
        count += 1;
        processes += race.ended.len() + race.killed;
        killed += race.killed;
    }
    eprintln!("{name}: {count} rounds, {processes} processes, {killed} of them killed");
}

/// Names the seed of a round that fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        eprintln!("this was STRESS_SEED={}", self.0);
    }
}
