//! Runs a face inside the test process, with everything it touches as values.

use std::io;

use chrono::{TimeZone as _, Utc};

use super::*;
use crate::fake;

/// A run to make, and then its result.
#[derive(Default)]
pub(crate) struct Started {
    specs: &'static [&'static ProviderSpec],
    program: String,
    args: Vec<String>,
    vars: Vec<(String, String)>,
    stdin: Vec<u8>,
    terminal: bool,
    closed: bool,
    pub(crate) code: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Started {
    /// The fake provider's plugin under this name, with arguments that hold no blanks.
    pub(crate) fn new(program: &str, line: &str) -> Self {
        Self {
            specs: &[&fake::SPEC],
            program: program.to_owned(),
            args: line.split_whitespace().map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// The program of these providers instead.
    pub(crate) fn clouds(mut self, specs: &'static [&'static ProviderSpec]) -> Self {
        self.specs = specs;
        self
    }

    pub(crate) fn env(mut self, vars: &[(&str, &str)]) -> Self {
        let vars = vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        self.vars.extend(vars);
        self
    }

    pub(crate) fn stdin(mut self, input: &str) -> Self {
        self.stdin = input.into();
        self
    }

    pub(crate) fn terminal(mut self) -> Self {
        self.terminal = true;
        self
    }

    pub(crate) fn closed_stdout(mut self) -> Self {
        self.closed = true;
        self
    }

    /// Runs it at 2023-11-14T22:13:20Z, without a cache unless a variable names one.
    pub(crate) fn run(mut self) -> Self {
        let names_cache = self.vars.iter().any(|(name, _)| name.contains("CACHE"));
        if !names_cache {
            self.vars.push(("REGCRED_CACHE".into(), "off".into()));
        }
        let now = Utc.timestamp_opt(1_700_000_000, 0).single();
        let invocation = Invocation {
            specs: self.specs,
            argv0: &self.program,
            args: self.args.clone(),
            env: Env::map(self.vars.clone()),
            clock: Clock::fixed(now.expect("a time")),
            end: Instant::now() + DEADLINE,
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut closed = Closed;
        let mut streams = Streams {
            stdin: &mut &*self.stdin,
            stdout: if self.closed {
                &mut closed
            } else {
                &mut stdout
            },
            stderr: &mut stderr,
            terminal: self.terminal,
        };
        self.code = invocation.run(&mut streams, |_, _| Ok(()));
        self.stdout = String::from_utf8(stdout).expect("text");
        self.stderr = String::from_utf8(stderr).expect("text");
        self
    }
}

/// A pipe whose reader has gone.
struct Closed;

impl io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
