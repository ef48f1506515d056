//! A contest: several programs doing the same work as whole processes, in turn, and what each run
//! took.

use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_tests::program::built;
use regcred_tests::{Program, instructions};

use crate::score::{Run, Score};

/// One way of doing the work.
pub(crate) struct Contestant<'a> {
    pub(crate) name: String,
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: String,
    /// Removed before each run.
    scratch: Vec<PathBuf>,
    is_counted: bool,
    copies: usize,
    calls: Option<Box<dyn Fn() -> usize + 'a>>,
}

impl<'a> Contestant<'a> {
    pub(crate) fn new(name: &str, program: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            program,
            args: Vec::new(),
            env: Vec::new(),
            stdin: String::new(),
            scratch: Vec::new(),
            is_counted: false,
            copies: 1,
            calls: None,
        }
    }

    /// So many copies of the program run at once.
    pub(crate) fn copies(mut self, copies: usize) -> Self {
        self.copies = copies;
        self
    }

    /// Counts the calls of a server that a run makes, given how many it has had so far.
    pub(crate) fn calls(mut self, calls: impl Fn() -> usize + 'a) -> Self {
        self.calls = Some(Box::new(calls));
        self
    }

    /// Its instructions are counted too, where valgrind is installed and the programs are a release's.
    pub(crate) fn counted(mut self) -> Self {
        self.is_counted = !cfg!(debug_assertions);
        self
    }

    pub(crate) fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn envs(mut self, vars: &[(String, String)]) -> Self {
        self.env.extend_from_slice(vars);
        self
    }

    pub(crate) fn stdin(mut self, input: &str) -> Self {
        input.clone_into(&mut self.stdin);
        self
    }

    /// A directory or file that is removed before each run, outside the time that is measured.
    pub(crate) fn scratch(mut self, path: PathBuf) -> Self {
        self.scratch.push(path);
        self
    }

    /// Size of the program's file in bytes.
    pub(crate) fn size(&self) -> u64 {
        std::fs::metadata(&self.program).map_or(0, |m| m.len())
    }

    /// A run that is not measured.
    pub(crate) fn once(&self) {
        let _ = self.program().run().success();
    }

    /// A run as a process of its own, in an environment of just the variables given.
    fn program(&self) -> Program {
        let program = Program::new(&self.program).args(&self.args);
        let program = program.envs(self.env.iter().cloned());
        program.stdin(self.stdin.as_str()).limit(LIMIT)
    }

    /// Millions of instructions of one run.
    fn instructions(&self) -> Option<f64> {
        if !self.is_counted {
            return None;
        }
        self.clear();
        Some(instructions(self.program())? as f64 / 1e6)
    }

    fn clear(&self) {
        for path in &self.scratch {
            let removed = std::fs::remove_dir_all(path);
            let _ = removed.or_else(|_| std::fs::remove_file(path));
        }
    }

    /// One run, measured.
    fn run(&self, report: &Path) -> Result<Run, String> {
        self.clear();
        let calls = || self.calls.as_ref().map(|calls| calls());
        let before = calls();
        let copies = self.copies.to_string();
        let args = [report.as_os_str(), copies.as_ref()];
        let done = self.program().under(built("bench-measure"), args).run();
        let text = std::fs::read_to_string(report).unwrap_or_default();
        let numbers: Vec<i64> = text.split_whitespace().flat_map(str::parse).collect();
        let _ = std::fs::remove_file(report);
        match numbers[..] {
            [wall, cpu, peak, 0] => Ok(Run {
                wall: wall as f64 / 1e3,
                cpu: cpu as f64 / 1e3,
                peak: peak as f64 / 1024.0,
                calls: calls().zip(before).map(|(after, before)| after - before),
            }),
            _ => Err(done.stderr.lines().last().unwrap_or("no report").to_owned()),
        }
    }
}

/// Runs the contestants in turn, A B C C B A, so that none always follows the same one, after one round that
/// is counted only if it is the only one (`rounds` is 0). One that fails in that round is left out, with its
/// last line on standard error.
pub(crate) fn compete(
    contestants: Vec<Contestant<'_>>,
    rounds: usize,
) -> (Vec<Score>, Vec<String>) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let report = scratch.path().join("report");
    let mut out = Vec::new();
    let mut field: Vec<(Contestant<'_>, Score)> = Vec::new();
    for contestant in contestants {
        match contestant.run(&report) {
            Err(why) => out.push(format!("{} failed and is left out: {why}", contestant.name)),
            Ok(first) => {
                let score = Score {
                    name: contestant.name.clone(),
                    size: contestant.size(),
                    instructions: contestant.instructions(),
                    runs: (rounds == 0).then_some(first).into_iter().collect(),
                };
                field.push((contestant, score));
            }
        }
    }
    for round in 0..rounds {
        let mut turn: Vec<_> = field.iter_mut().collect();
        if round % 2 == 1 {
            turn.reverse();
        }
        for (contestant, score) in turn {
            match contestant.run(&report) {
                Ok(run) => score.runs.push(run),
                Err(why) => out.push(format!("{} failed in one round: {why}", score.name)),
            }
        }
    }
    (field.into_iter().map(|(_, score)| score).collect(), out)
}

/// No run takes this long.
const LIMIT: Duration = Duration::from_secs(600);
