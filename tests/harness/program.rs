//! Runs a program to its end: a cleared environment, all of its input at once, a time limit, and
//! everything that it said.
#![expect(
    clippy::disallowed_methods,
    reason = "whole-program tests start programs; regcred-exec is one of the things under test"
)]

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A program about to be run.
#[derive(Clone, Debug)]
pub struct Program {
    program: PathBuf,
    args: Vec<OsString>,
    env: Vec<(String, OsString)>,
    directory: Option<PathBuf>,
    stdin: Vec<u8>,
    limit: Duration,
}

impl Program {
    /// A program by its path, with an empty environment but for `REGCRED_CACHE=off`, so that tests
    /// share nothing through the machine.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: vec![("REGCRED_CACHE".to_owned(), "off".into())],
            directory: None,
            stdin: Vec::new(),
            limit: Duration::from_secs(120),
        }
    }

    /// One of this workspace's programs, by its file name.
    ///
    /// # Panics
    /// When it has not been built.
    #[must_use]
    pub fn ours(name: &str) -> Self {
        Self::new(built(name))
    }

    /// One more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// More arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    /// Runs it as the last arguments of another program, which measures it.
    #[must_use]
    pub fn under<A: AsRef<OsStr>>(
        mut self,
        other: impl Into<PathBuf>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let program = std::mem::replace(&mut self.program, other.into());
        let args = args.into_iter().map(|arg| arg.as_ref().to_owned());
        self.args.splice(0..0, args.chain([program.into()]));
        self
    }

    /// A variable; the last of equal names counts.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// More variables.
    #[must_use]
    pub fn envs(mut self, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        self.env
            .extend(vars.into_iter().map(|(n, v)| (n, OsString::from(v))));
        self
    }

    /// The working directory.
    #[must_use]
    pub fn current_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Standard input; empty by default. A program need not read all of it.
    #[must_use]
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.stdin = input.into();
        self
    }

    /// How long it may take; two minutes by default.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started, or has not ended in time: then it is killed first.
    #[must_use]
    pub fn run(self) -> Finished {
        self.start().finish()
    }

    /// Starts it. The caller may watch or kill it before it is finished.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(self) -> Running {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env_clear()
            .envs(self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(directory) = self.directory {
            command.current_dir(directory);
        }
        let started = Instant::now();
        let mut child = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot start {}: {e}", self.program.display()));
        let mut pipe = child.stdin.take().expect("a piped stdin");
        let input = self.stdin;
        let taken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&taken);
        // Not joined: a child that reads nothing would hold it until it ends.
        std::thread::spawn(move || {
            for part in input.chunks(1 << 16) {
                if pipe.write_all(part).is_err() {
                    break;
                }
                count.fetch_add(part.len(), Ordering::Relaxed);
            }
        });
        Running {
            stdout: read_all(child.stdout.take().expect("a piped stdout")),
            stderr: read_all(child.stderr.take().expect("a piped stderr")),
            child: Owned(child),
            name: self.program,
            started,
            limit: self.limit,
            taken,
        }
    }
}

/// A program that was started. It is killed when the value is dropped before its end.
pub struct Running {
    child: Owned,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
    name: PathBuf,
    started: Instant,
    limit: Duration,
    taken: Arc<AtomicUsize>,
}

/// A child that does not outlive its test: it would go on asking at an address that is another
/// test's server by then.
struct Owned(Child);

impl Drop for Owned {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.0.id()
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.0.kill();
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.0.try_wait(), Ok(None))
    }

    /// Whether it stands in line for a lock on a file that another process holds.
    #[must_use]
    pub fn waits_for_a_lock(&self) -> bool {
        let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
        let id = self.id().to_string();
        locks.lines().any(|line| {
            let mut words = line.split_whitespace().skip(1);
            words.next() == Some("->") && words.nth(3) == Some(&id)
        })
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it has not ended in time: then it is killed first.
    #[must_use]
    pub fn finish(mut self) -> Finished {
        let status = loop {
            if let Some(status) = self.child.0.try_wait().expect("our own child") {
                break status;
            }
            if self.started.elapsed() > self.limit {
                self.kill();
                let _ = self.child.0.wait();
                let stderr = self.stderr.join().unwrap_or_default();
                panic!(
                    "{} did not end within {:?}; its standard error: {}",
                    self.name.display(),
                    self.limit,
                    String::from_utf8_lossy(&stderr)
                );
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        Finished {
            status,
            elapsed: self.started.elapsed(),
            taken: self.taken.load(Ordering::Relaxed),
            stdout: self.stdout.join().unwrap_or_default(),
            stderr: text(self.stderr),
        }
    }
}

/// What a program left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    status: ExitStatus,
    /// From its start to its end.
    pub elapsed: Duration,
    /// How many bytes of its input it took, those in the pipe included.
    pub taken: usize,
    stdout: Vec<u8>,
    /// What it wrote on stderr.
    pub stderr: String,
}

impl Finished {
    /// Its exit code; `None` when a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The signal that ended it.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }

    /// The bytes on stdout.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.stdout
    }

    /// The text on stdout.
    #[must_use]
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Its stdout, after an exit with 0.
    ///
    /// # Panics
    /// When it failed, with what it said.
    #[track_caller]
    #[must_use]
    pub fn success(&self) -> String {
        assert!(
            self.status.success(),
            "{}; stderr: {}; stdout: {}",
            self.status,
            self.stderr,
            self.stdout()
        );
        self.stdout()
    }

    /// Its stdout as one JSON value, after an exit with 0.
    ///
    /// # Panics
    /// When it failed or said something else.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let text = self.success();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e} in {text:?}"))
    }

    /// Its stderr, after an exit with that code, an empty stdout and one line on stderr.
    ///
    /// # Panics
    /// When it ended otherwise.
    #[track_caller]
    pub fn fails(&self, code: i32) -> &str {
        assert_eq!(
            (self.code(), self.stdout().as_str()),
            (Some(code), ""),
            "stderr: {}",
            self.stderr
        );
        let is_error = |line: &&str| !line.starts_with("waiting for ");
        let lines = self.stderr.lines().filter(is_error).count();
        assert_eq!(lines, 1, "not one line on stderr: {:?}", self.stderr);
        self.stderr.trim_end()
    }
}

/// The path of one of this workspace's programs, beside the test that runs.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    let me = std::env::current_exe().expect("a path of our own");
    let directory = me.parent().expect("a directory of our own");
    // Test executables lie in `deps`, programs one level up.
    let directory = match directory.file_name() {
        Some(last) if last == "deps" => directory.parent().unwrap_or(directory),
        _ => directory,
    };
    let path = directory.join(name);
    assert!(
        path.is_file(),
        "{} is missing: build the whole workspace first (cargo build --workspace, or make test)",
        path.display()
    );
    path
}

/// Writes a shell script that can be run, and gives its path.
///
/// Another process writes it: a program that this one has open for writing cannot be run, and any
/// child that another thread is just starting would have it open too, for a moment.
///
/// # Panics
/// When it cannot be written.
pub fn script(path: &Path, text: &str) {
    let write = "umask 022 && cat > \"$1\" && chmod 755 \"$1\"";
    let _ = Program::new("/bin/sh")
        .args(["-c", write, "sh"])
        .arg(path)
        .env("PATH", "/usr/bin:/bin")
        .stdin(format!("#!/bin/sh\n{text}\n"))
        .run()
        .success();
}

fn read_all(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn text(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}
