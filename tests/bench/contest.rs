//! A contest: several programs doing the same work as whole processes, in turn, and what each run
//! took.

use std::path::{Path, PathBuf};

use regcred_tests::Program;
use regcred_tests::need::find;
use regcred_tests::program::built;

/// One way of doing the work.
pub(crate) struct Contestant {
    pub(crate) name: String,
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: String,
    /// Emptied before each run.
    scratch: Vec<PathBuf>,
    is_counted: bool,
}

impl Contestant {
    pub(crate) fn new(name: &str, program: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            program,
            args: Vec::new(),
            env: Vec::new(),
            stdin: String::new(),
            scratch: Vec::new(),
            is_counted: false,
        }
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

    /// A directory that is removed before each run, outside the time that is measured.
    pub(crate) fn scratch(mut self, directory: PathBuf) -> Self {
        self.scratch.push(directory);
        self
    }

    /// Size of the program's file in bytes.
    pub(crate) fn size(&self) -> u64 {
        std::fs::metadata(&self.program).map_or(0, |m| m.len())
    }

    /// Millions of instructions of one run, all its threads together. They hardly depend on what else the
    /// machine does.
    fn instructions(&self) -> Option<f64> {
        let counter = find("valgrind").filter(|_| self.is_counted)?;
        let done = Program::new(counter)
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
            .arg(&self.program)
            .args(&self.args)
            .envs(self.env.iter().cloned())
            .stdin(self.stdin.as_str())
            .run();
        let (_, count) = done.stderr.split_once("Collected : ")?;
        let count: u64 = count.lines().next()?.trim().parse().ok()?;
        (done.code() == Some(0)).then_some(count as f64 / 1e6)
    }

    /// One run as a process of its own, in an environment of just the variables given.
    fn run(&self, report: &Path) -> Result<Run, String> {
        for scratch in &self.scratch {
            let _ = std::fs::remove_dir_all(scratch);
        }
        let measured = Program::new(built("bench-measure"))
            .arg(report)
            .arg(&self.program)
            .args(&self.args)
            .envs(self.env.iter().cloned())
            .stdin(self.stdin.as_str());
        let done = measured.run();
        let text = std::fs::read_to_string(report).unwrap_or_default();
        let numbers: Vec<i64> = text.split_whitespace().flat_map(str::parse).collect();
        let _ = std::fs::remove_file(report);
        match numbers[..] {
            [wall, cpu, peak, 0] => Ok(Run {
                wall: wall as f64 / 1e3,
                cpu: cpu as f64 / 1e3,
                peak: peak as f64 / 1024.0,
            }),
            _ => Err(done.stderr.lines().last().unwrap_or("no report").to_owned()),
        }
    }
}

/// What one run took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    /// Milliseconds from start to end.
    pub(crate) wall: f64,
    /// Milliseconds of processor time.
    pub(crate) cpu: f64,
    /// MiB at the peak.
    pub(crate) peak: f64,
}

/// All runs of one contestant; run `n` of each was next to run `n` of the others.
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Millions of instructions of one run.
    pub(crate) instructions: Option<f64>,
    pub(crate) runs: Vec<Run>,
}

/// Runs the contestants in turn, A B C A B C, after one round that is not counted. One that fails
/// in that round is left out, with its last line on standard error.
pub(crate) fn compete(contestants: Vec<Contestant>, rounds: usize) -> (Vec<Score>, Vec<String>) {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let report = scratch.path().join("report");
    let mut out = Vec::new();
    let mut field: Vec<(Contestant, Score)> = Vec::new();
    for contestant in contestants {
        match contestant.run(&report) {
            Err(why) => out.push(format!("{} failed and is left out: {why}", contestant.name)),
            Ok(_) => {
                let score = Score {
                    name: contestant.name.clone(),
                    size: contestant.size(),
                    instructions: contestant.instructions(),
                    runs: Vec::new(),
                };
                field.push((contestant, score));
            }
        }
    }
    for _ in 0..rounds {
        for (contestant, score) in &mut field {
            match contestant.run(&report) {
                Ok(run) => score.runs.push(run),
                Err(why) => out.push(format!("{} failed in one round: {why}", score.name)),
            }
        }
    }
    (field.into_iter().map(|(_, score)| score).collect(), out)
}
