//! Results on standard output, notes on standard error: the one place that writes to them. What others may
//! have written a part of is without known secrets, without characters that a terminal obeys, and of a
//! bounded length ([`shown`]).

use std::io::{self, IsTerminal as _, Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use regcred_core::{is_shown, report, shown, shown_json, without_secrets};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use crate::error::ProgramError;
use crate::exit_code;
use crate::stdin::{InputError, StdinUntil, read_input};

/// The three standard streams, as values.
pub struct Streams<'a> {
    /// Standard input.
    pub stdin: &'a mut dyn Read,
    /// Standard output.
    pub stdout: &'a mut dyn Write,
    /// Standard error.
    pub stderr: &'a mut dyn Write,
    /// Whether standard input is a terminal.
    pub terminal: bool,
}

impl Streams<'_> {
    /// Reads standard input to its end, at most 1 MiB. A person at a terminal reads first what is
    /// expected.
    ///
    /// # Errors
    /// When the input is empty, longer, or cannot be read.
    pub fn read_input(&mut self, expected: &'static str) -> Result<Zeroizing<Vec<u8>>, InputError> {
        if self.terminal {
            self.note(&format!(
                "waiting on standard input for {expected}; Ctrl-D ends it"
            ));
        }
        read_input(self.stdin, expected)
    }

    /// Writes a text for people.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn text(&mut self, text: &str) -> Result<(), ProgramError> {
        self.write(shown(text).as_bytes())
    }

    /// Writes an answer of a protocol in one piece, as it is: it may be a secret.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ProgramError> {
        write_all(self.stdout, bytes)
    }

    /// Writes a secret that the user asked for, with a final newline.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn write_secret(&mut self, text: &SecretString) -> Result<(), ProgramError> {
        let text = text.expose_secret();
        let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() + 1));
        bytes.extend_from_slice(text.strip_suffix('\n').unwrap_or(text).as_bytes());
        bytes.push(b'\n');
        self.write(&bytes)
    }

    /// Writes one line to standard error; a failure to do so is ignored.
    pub fn note(&mut self, line: &str) {
        let _ = writeln!(self.stderr, "{}", shown(line));
    }

    /// Writes the failure, if any, as one line to standard error; returns the exit code.
    pub fn conclude(&mut self, done: Result<(), ProgramError>) -> u8 {
        conclude_on(done, self.stderr)
    }
}

/// How long a run may take, under the minute after which the kubelet kills a plugin.
pub const DEADLINE: Duration = Duration::from_secs(50);

/// Runs with the process's own streams. Standard input is read until `end`.
pub fn with_streams<T>(end: Instant, run: impl FnOnce(&mut Streams<'_>) -> T) -> T {
    run(&mut Streams {
        stdin: &mut StdinUntil(end),
        stdout: &mut io::stdout().lock(),
        stderr: &mut io::stderr(),
        terminal: io::stdin().is_terminal(),
    })
}

/// Writes the failure, if any, as one line to the process's standard error; returns the exit code.
pub fn conclude(done: Result<(), ProgramError>) -> u8 {
    conclude_on(done, &mut io::stderr())
}

fn conclude_on(done: Result<(), ProgramError>, stderr: &mut dyn Write) -> u8 {
    let Err(error) = done else {
        return exit_code::DONE;
    };
    if !error.is_reported() {
        let _ = writeln!(stderr, "{}", shown(&report(&error)));
    }
    error.exit_code()
}

/// Writes a document to the process's standard output: a manifest, a configuration, help. It is as it was
/// made but for secrets that it repeats, and on a terminal for characters that the terminal obeys.
///
/// # Errors
/// When standard output cannot be written.
pub fn write(document: &str) -> Result<(), ProgramError> {
    let document = without_secrets(document);
    if !stdout_is_terminal() {
        return write_all(&mut io::stdout().lock(), document.as_bytes());
    }
    let keep = |c: char| c == '\n' || c == '\t' || is_shown(c);
    let clean = |c: char| if keep(c) { c } else { ' ' };
    let document: String = document.chars().map(clean).collect();
    write_all(&mut io::stdout().lock(), document.as_bytes())
}

/// Writes lines of a report to the process's standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn line(text: &str) -> Result<(), ProgramError> {
    write_all(&mut io::stdout().lock(), (shown(text) + "\n").as_bytes())
}

/// As [`line()`], for lines of this program's own making that a terminal draws with colours and moves.
///
/// # Errors
/// When standard output cannot be written.
pub fn drawn(text: &str) -> Result<(), ProgramError> {
    let text = without_secrets(text);
    write_all(&mut io::stdout().lock(), format!("{text}\n").as_bytes())
}

/// Writes a secret that the user asked for to the process's standard output, with a final newline.
///
/// # Errors
/// When standard output cannot be written.
pub fn secret(text: &SecretString) -> Result<(), ProgramError> {
    with_streams(Instant::now(), |streams| streams.write_secret(text))
}

/// Whether standard output is a terminal.
#[must_use]
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether standard error is a terminal.
#[must_use]
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Writes a value as JSON, in one line, to the process's standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn json_line(value: &impl Serialize) -> Result<(), ProgramError> {
    let text = serde_json::to_string(value);
    let text = text.map_err(|error| ProgramError::system("cannot make JSON", &error.into()))?;
    write_all(
        &mut io::stdout().lock(),
        (shown_json(&text) + "\n").as_bytes(),
    )
}

/// Writes lines to the process's standard error; a failure to do so is ignored.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", shown(text));
}

/// Writes one line to standard error if `work` takes longer than a second and a half.
pub fn noting_wait<T>(text: String, work: impl FnOnce() -> T) -> T {
    let (done, ended) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        if ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
            note(&text);
        }
    });
    let result = work();
    drop(done);
    result
}

/// How long a program works before it reports what it waits for.
const PATIENCE: Duration = Duration::from_millis(1500);

fn write_all(out: &mut dyn Write, bytes: &[u8]) -> Result<(), ProgramError> {
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|error| unwritable(&error))
}

fn unwritable(error: &io::Error) -> ProgramError {
    let code = match error.kind() {
        io::ErrorKind::BrokenPipe => exit_code::READER_ENDED,
        _ => exit_code::UNWRITABLE,
    };
    ProgramError::new(code, format!("cannot write to standard output: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Unwritable(io::ErrorKind);

    impl Write for Unwritable {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_note_has_no_secret_and_nothing_that_a_terminal_obeys() {
        regcred_core::know_secret("c4n4ry-note");
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut streams = Streams {
            stdin: &mut io::empty(),
            stdout: &mut stdout,
            stderr: &mut stderr,
            terminal: false,
        };
        streams.note("plugin p failed: \u{1b}[2J\u{202e}x\n\tnext");
        streams
            .text("at http://u:p@h/?q: c4n4ry-note\n")
            .expect("written");
        let error = ProgramError::usage("c4n4ry%2Dnote");
        assert_eq!(streams.conclude(Err(error)), exit_code::USAGE);
        streams.write(b"c4n4ry-note").expect("an answer");
        assert_eq!(stderr, b"plugin p failed:  [2J x\n\tnext\n[secret]\n");
        assert_eq!(stdout, b"at http://h/: [secret]\nc4n4ry-note");
    }

    #[test]
    fn a_reader_that_ended_and_a_full_disk_are_not_a_bug() {
        for (kind, code) in [
            (io::ErrorKind::BrokenPipe, 141),
            (io::ErrorKind::StorageFull, 9),
        ] {
            let error = write_all(&mut Unwritable(kind), b"x").expect_err("unwritable");
            assert_eq!(error.exit_code(), code);
            let text = error.to_string();
            assert!(
                text.starts_with("cannot write to standard output: "),
                "{text}"
            );
        }
    }
}
