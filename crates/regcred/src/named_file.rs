//! Files that a person named. Each is read once; `-` is standard input.

use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use regcred_files::{MIB, read_secret_bytes};
use regcred_run::{DEADLINE, ProgramError, with_streams};
use secrecy::SecretSlice;

/// A file, and the option that names it.
#[derive(Clone, Debug)]
pub(crate) struct NamedFile {
    /// The flag or the variable.
    pub(crate) origin: String,
    pub(crate) path: PathBuf,
}

impl NamedFile {
    pub(crate) fn is_stdin(&self) -> bool {
        self.path == Path::new(STDIN)
    }

    /// The file's name in messages.
    pub(crate) fn label(&self) -> PathBuf {
        if self.is_stdin() {
            "standard input".into()
        } else {
            self.path.clone()
        }
    }

    /// The content. That of standard input has been read.
    pub(crate) fn read(
        &self,
        stdin: Option<&SecretSlice<u8>>,
    ) -> Result<SecretSlice<u8>, ProgramError> {
        if let Some(content) = stdin.filter(|_| self.is_stdin()) {
            return Ok(content.clone());
        }
        read_secret_bytes(&self.path, MAX_FILE).map_err(|error| {
            let why = format!("cannot read {}: {error}", self.path.display());
            self.unusable(why)
        })
    }

    pub(crate) fn unusable(&self, why: impl std::fmt::Display) -> ProgramError {
        ProgramError::not_configured(format!("{}: {why}", self.origin))
    }
}

/// Standard input, if one of the files is it.
///
/// # Errors
/// When two are, or when it is empty or cannot be read.
pub(crate) fn read_stdin(files: &[NamedFile]) -> Result<Option<SecretSlice<u8>>, ProgramError> {
    let named: Vec<_> = files.iter().filter(|file| file.is_stdin()).collect();
    match named[..] {
        [] => Ok(None),
        [_] => with_streams(Instant::now() + DEADLINE, |streams| {
            let content = streams.read_input("the content of the file -")?;
            Ok(Some(content.to_vec().into()))
        }),
        [first, second, ..] => Err(ProgramError::usage(format!(
            "{} and {} are both standard input: only one file can be -",
            first.origin, second.origin
        ))),
    }
}

/// Runs what reads files and directories, on a thread of its own.
///
/// # Errors
/// Those of the work; when it takes more than 30 seconds: then the thread is abandoned.
pub(crate) fn in_time<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ProgramError> + Send + 'static,
) -> Result<T, ProgramError> {
    let (done, wait) = mpsc::sync_channel(1);
    let worker = thread::spawn(move || done.send(work()));
    match wait.recv_timeout(READ_DEADLINE) {
        Ok(result) => result,
        Err(RecvTimeoutError::Disconnected) => match worker.join() {
            Err(panic) => resume_unwind(panic),
            Ok(_) => Err(ProgramError::not_configured(NOT_READ)),
        },
        Err(RecvTimeoutError::Timeout) => Err(ProgramError::not_configured(NOT_READ)),
    }
}

/// What names standard input in a file's place.
pub(crate) const STDIN: &str = "-";
const READ_DEADLINE: Duration = Duration::from_secs(30);
const NOT_READ: &str = "the files and directories of the options were not read within 30 seconds: \
                        look for a mount that does not answer";
/// As for the kubelet's own files.
const MAX_FILE: u64 = 64 * MIB;

#[cfg(test)]
mod tests {
    use super::*;

    fn dash(origin: &str) -> NamedFile {
        NamedFile {
            origin: origin.to_owned(),
            path: STDIN.into(),
        }
    }

    #[test]
    fn standard_input_is_one_file_only() {
        let both = [dash("--pull-secret"), dash("REGCRED_DOCKER_CONFIG")];
        let error = read_stdin(&both).expect_err("two");
        let expected = "--pull-secret and REGCRED_DOCKER_CONFIG are both standard input: only one file \
                        can be -";
        assert_eq!((error.exit_code(), &*error.to_string()), (2, expected));
        assert!(read_stdin(&[]).expect("none").is_none());
    }

    #[test]
    fn the_works_own_error_is_returned() {
        assert_eq!(in_time(|| Ok(7)).expect("done"), 7);
        let failed = in_time(|| Err::<(), _>(ProgramError::usage("wrong")));
        assert_eq!(failed.expect_err("wrong").to_string(), "wrong");
    }
}
