//! One run of one program.

use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use regcred_core::{Env, is_secret_name, know_secret, plain_lines};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretSlice};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::ExecError;
use crate::ProcessEnvironment;
use crate::excerpt::Excerpt;
use crate::group::Group;
use crate::status;

/// A program to run once: built, then [`Exec::run`].
///
/// By default it runs with this process's environment and directory, an empty standard
/// input, 60 seconds, 1 MiB of standard output and 16 KiB of standard error.
pub struct Exec {
    program: PathBuf,
    args: Vec<OsString>,
    inherited: Option<ProcessEnvironment>,
    env: Vec<(OsString, OsString)>,
    current_dir: Option<PathBuf>,
    stdin: Option<SecretSlice<u8>>,
    deadline: Duration,
    max_stdout: usize,
    max_stderr: usize,
    keeps_failed: bool,
}

impl Exec {
    /// A run of the program. A name without a slash is searched in `PATH`; no shell is involved.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            inherited: None,
            env: Vec::new(),
            current_dir: None,
            stdin: None,
            deadline: DEADLINE,
            max_stdout: MAX_STDOUT,
            max_stderr: MAX_STDERR,
            keeps_failed: false,
        }
    }

    /// Adds arguments. Every user of the machine can read them: never a secret.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable on top of the inherited environment. The last value of a name wins.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Runs it with the environment of another process instead of this one's.
    #[must_use]
    pub fn inherit(mut self, environment: ProcessEnvironment) -> Self {
        self.inherited = Some(environment);
        self
    }

    /// Runs it in another directory.
    #[must_use]
    pub fn current_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.current_dir = Some(dir.into());
        self
    }

    /// Bytes for its standard input, which is closed after them. It is not an error if the program
    /// does not read them.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<SecretSlice<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The time it has, from the start to the end of its output.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Bytes of standard output beyond which it is killed.
    #[must_use]
    pub fn max_stdout(mut self, bytes: usize) -> Self {
        self.max_stdout = bytes;
        self
    }

    /// Bytes of standard error to keep; more is read and discarded.
    #[must_use]
    pub fn max_stderr(mut self, bytes: usize) -> Self {
        self.max_stderr = bytes;
        self
    }

    /// Returns the output of a run that ends with another status than 0 too: a docker credential helper
    /// writes its errors there.
    #[must_use]
    pub fn keep_failed(mut self) -> Self {
        self.keeps_failed = true;
        self
    }

    /// Runs it to its end. Dropping the future kills the program and everything in its process
    /// group.
    ///
    /// # Errors
    /// When it does not start, ends with another status than 0, is not done by the deadline or
    /// writes too much.
    pub async fn run(self) -> Result<Output, ExecError> {
        let began = Instant::now();
        let mut child = self.spawn(began + self.deadline).await?;
        let mut group = Group::led_by(&child);
        let mut stdout = Zeroizing::new(Vec::new());
        let mut stderr = Excerpt::new(self.max_stderr);

        let input = feed(child.stdin.take(), self.stdin.as_ref());
        let output = collect(child.stdout.take(), &mut stdout, self.max_stdout);
        let errors = drain(child.stderr.take(), &mut stderr);
        let pipes = async {
            tokio::try_join!(async { input.await.map_err(Broken::Io) }, output, async {
                errors.await.map_err(Broken::Io)
            })
        };
        let settled =
            timeout_at(began + self.deadline, settle(&mut child, &mut group, pipes)).await;
        if !matches!(settled, Ok(Ok(_))) {
            group.kill();
            // A killed process ends at once, unless it sleeps in the kernel.
            let _ = timeout(PATIENCE, child.wait()).await;
        }
        tracing::debug!(program = %self.program.display(), elapsed = ?began.elapsed(), "program run");

        let stderr = stderr.into_text();
        // Only now: a program that writes nothing repeats nothing.
        if !stderr.is_empty() || self.keeps_failed {
            self.know_secrets();
        }
        let stderr = plain_lines(&stderr);
        let program = self.program;
        match settled {
            Ok(Ok(status)) if status.success() || self.keeps_failed => Ok(Output {
                stdout,
                stderr,
                failed: (!status.success()).then(|| status::as_in_go(status)),
            }),
            Ok(Ok(status)) => Err(ExecError::Status {
                program,
                status: status::as_in_go(status),
                stderr,
            }),
            Ok(Err(Broken::TooMuch)) => Err(ExecError::TooMuchOutput {
                program,
                limit: self.max_stdout,
            }),
            Ok(Err(Broken::Io(source))) => Err(ExecError::Io { program, source }),
            Err(_) => Err(ExecError::TimedOut {
                program,
                after: self.deadline,
                stderr,
            }),
        }
    }

    /// The secrets of its environment, which it may repeat.
    fn know_secrets(&self) {
        match &self.inherited {
            None => Env::process().know_secrets(),
            Some(environment) => know_variables(environment.vars()),
        }
        know_variables(self.env.iter().cloned());
    }

    /// Starts it. If the file is still being written, it tries again for a moment: the plugin is
    /// being replaced, or a child process has inherited the writer's descriptor.
    async fn spawn(&self, until: Instant) -> Result<Child, ExecError> {
        let mut command = self.command();
        let mut tries = BUSY_TRIES;
        loop {
            match command.spawn() {
                Err(e) if e.kind() == io::ErrorKind::ExecutableFileBusy && tries > 0 => {
                    tries -= 1;
                    let _ = timeout_at(until, sleep(BUSY_PAUSE)).await;
                }
                Err(source) => {
                    return Err(ExecError::Start {
                        program: self.program.clone(),
                        source,
                    });
                }
                Ok(child) => return Ok(child),
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that starts processes"
    )]
    fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(&self.program);
        if let Some(environment) = &self.inherited {
            command.env_clear().envs(environment.vars());
        }
        command
            .args(&self.args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(match self.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if let Some(dir) = &self.current_dir {
            command.current_dir(dir);
        }
        command
    }
}

fn know_variables(vars: impl Iterator<Item = (OsString, OsString)>) {
    for (name, value) in vars {
        if let (Some(name), Some(value)) = (name.to_str(), value.to_str())
            && is_secret_name(name)
        {
            know_secret(value);
        }
    }
}

/// Shows the program only: everything else may hold secrets.
impl fmt::Debug for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exec")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// What a program wrote that ended with status 0, or with any after [`Exec::keep_failed`].
pub struct Output {
    /// Standard output, complete. Wiped from memory when dropped.
    pub stdout: Zeroizing<Vec<u8>>,
    /// Standard error: beginning and end if it was long, bytes that are not UTF-8 replaced, without
    /// secrets that this process knows and without control characters other than line ends and tabs.
    pub stderr: String,
    /// The status if it was not 0, in Go's words: `exit status 1`.
    pub failed: Option<String>,
}

/// Shows lengths only: a plugin's answer is a secret.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("stdout_len", &self.stdout.len())
            .field("stderr_len", &self.stderr.len())
            .finish()
    }
}

enum Broken {
    TooMuch,
    Io(io::Error),
}

/// Waits for the child's end and the end of its pipes. Once the child has ended, what still holds
/// a pipe open has a moment to end and is then killed; what was read by then counts.
async fn settle<T>(
    child: &mut Child,
    group: &mut Group,
    pipes: impl Future<Output = Result<T, Broken>>,
) -> Result<ExitStatus, Broken> {
    let mut pipes = pin!(pipes);
    let mut open = true;
    let status = loop {
        tokio::select! {
            ended = &mut pipes, if open => {
                ended?;
                open = false;
            }
            status = child.wait() => break status.map_err(Broken::Io)?,
        }
    };
    if open {
        match timeout(PATIENCE, pipes).await {
            Ok(ended) => {
                ended?;
            }
            Err(_) => group.kill(),
        }
    }
    group.release();
    Ok(status)
}

/// Writes and closes. As in Go, a reader that is gone is not an error.
async fn feed(pipe: Option<ChildStdin>, bytes: Option<&SecretSlice<u8>>) -> io::Result<()> {
    let (Some(mut pipe), Some(bytes)) = (pipe, bytes) else {
        return Ok(());
    };
    match pipe.write_all(bytes.expose_secret()).await {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e),
        _ => Ok(()),
    }
}

/// Reads to the end, or to the first byte too many.
async fn collect(
    pipe: Option<impl AsyncRead + Unpin>,
    into: &mut Zeroizing<Vec<u8>>,
    limit: usize,
) -> Result<(), Broken> {
    let Some(pipe) = pipe else { return Ok(()) };
    let mut pipe = pipe.take((limit as u64).saturating_add(1));
    loop {
        if into.len() == into.capacity() {
            // A plain `Vec` that grows leaves an unwiped copy in memory.
            let mut larger = Zeroizing::new(Vec::with_capacity((into.len() * 2).max(CHUNK)));
            larger.extend_from_slice(into);
            *into = larger;
        }
        let read = pipe.read_buf(&mut **into).await.map_err(Broken::Io)?;
        if into.len() > limit {
            return Err(Broken::TooMuch);
        }
        if read == 0 {
            return Ok(());
        }
    }
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>, into: &mut Excerpt) -> io::Result<()> {
    let Some(mut pipe) = pipe else { return Ok(()) };
    let mut chunk = [0; CHUNK];
    loop {
        match pipe.read(&mut chunk).await? {
            0 => return Ok(()),
            read => into.push(&chunk[..read]),
        }
    }
}

const DEADLINE: Duration = Duration::from_secs(60);
const MAX_STDOUT: usize = 1 << 20;
const MAX_STDERR: usize = 16 << 10;
const CHUNK: usize = 4 << 10;
/// For pipes that outlive the child, and for a killed child's end.
const PATIENCE: Duration = Duration::from_secs(1);
const BUSY_PAUSE: Duration = Duration::from_millis(10);
const BUSY_TRIES: u32 = 50;

#[cfg(test)]
mod tests;
