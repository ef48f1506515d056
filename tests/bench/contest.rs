//! A contest: several programs doing the same work as whole processes, in turn, and what each run
//! took.

use std::path::{Path, PathBuf};

use regcred_tests::Program;
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
        }
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

/// All runs of one contestant; run `n` of each stood beside run `n` of the others.
pub(crate) struct Score {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) runs: Vec<Run>,
}

/// Runs the contestants in turn, A B C A B C, after one round that is not counted. One that fails
/// in that round is left out, with what it said.
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
