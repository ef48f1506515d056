//! Standard input with bounds on its size and on the time a pipe may stay open.

use std::io::{self, Read};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use secrecy::zeroize::Zeroizing;

use crate::error::ProgramError;

/// The process's standard input; a read that would wait past this moment fails with
/// [`io::ErrorKind::TimedOut`].
#[derive(Debug)]
pub(crate) struct StdinUntil(pub(crate) Instant);

impl StdinUntil {
    fn wait(&self) -> io::Result<()> {
        let left = self.0.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let stdin = io::stdin();
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&left)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Read for StdinUntil {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self
                .wait()
                .and_then(|()| rustix::io::read(io::stdin(), &mut *buffer).map_err(Into::into));
            match read {
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => {}
                other => return other,
            }
        }
    }
}

/// Standard input does not hold what the program expects.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Empty, or white space alone.
    #[error("standard input is empty: expected {0}")]
    Empty(&'static str),
    /// More than 1 MiB.
    #[error("standard input holds more than {max} MiB: expected {0}", max = MAX_INPUT >> 20)]
    TooLong(&'static str),
    /// A pipe that was not closed in time.
    #[error("standard input stayed open without an end: expected {0}")]
    Open(&'static str),
    /// The system's error.
    #[error("cannot read standard input ({1}): expected {0}")]
    Unreadable(&'static str, io::Error),
}

impl From<InputError> for ProgramError {
    fn from(error: InputError) -> Self {
        Self::usage(error)
    }
}

/// Reads to the end, at most 1 MiB. `expected` is for the message of an error.
///
/// # Errors
/// When the input is empty, longer, or cannot be read.
pub(crate) fn read_input(
    reader: &mut dyn Read,
    expected: &'static str,
) -> Result<Zeroizing<Vec<u8>>, InputError> {
    let mut input = Zeroizing::new(vec![0; FIRST]);
    let mut filled = 0;
    loop {
        if filled == input.len() {
            if filled > MAX_INPUT {
                return Err(InputError::TooLong(expected));
            }
            // A new buffer, so that the old one is wiped.
            let mut larger = Zeroizing::new(vec![0; (filled * 4).min(MAX_INPUT + 1)]);
            larger[..filled].copy_from_slice(&input);
            input = larger;
        }
        match reader.read(&mut input[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(InputError::Open(expected));
            }
            Err(error) => return Err(InputError::Unreadable(expected, error)),
        }
    }
    input.truncate(filled);
    if input.trim_ascii().is_empty() {
        return Err(InputError::Empty(expected));
    }
    Ok(input)
}

/// A request without a token has a few hundred bytes. What is not filled is wiped like the rest.
const FIRST: usize = 2 * 1024;
const MAX_INPUT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts what is taken from it.
    struct Endless(usize);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            buffer.fill(b' ');
            self.0 += buffer.len();
            Ok(buffer.len())
        }
    }

    #[test]
    fn too_much_is_refused_without_reading_it_all() {
        let mut endless = Endless(0);
        let error = read_input(&mut endless, "a request").unwrap_err();
        assert_eq!(
            error.to_string(),
            "standard input holds more than 1 MiB: expected a request"
        );
        assert_eq!(endless.0, MAX_INPUT + 1);
    }

    #[test]
    fn a_full_mebibyte_is_read() {
        let text = vec![b'x'; MAX_INPUT];
        let read = read_input(&mut &*text, "a request").unwrap();
        assert_eq!(*read, text);
    }

    #[test]
    fn nothing_and_blanks_are_empty() {
        for text in [&b""[..], b" \n"] {
            let error = read_input(&mut &*text, "a request").unwrap_err();
            assert_eq!(
                error.to_string(),
                "standard input is empty: expected a request"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_wrong_request() {
        struct Failing(io::ErrorKind);
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
        }
        for (kind, words) in [
            (io::ErrorKind::TimedOut, "stayed open"),
            (io::ErrorKind::IsADirectory, "cannot read standard input"),
        ] {
            let error = read_input(&mut Failing(kind), "a request").unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(ProgramError::from(error).exit_code(), 2);
        }
    }
}
