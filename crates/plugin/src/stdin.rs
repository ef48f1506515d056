//! Standard input within bounds: of size, and of time when it is a pipe that nobody closes.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use secrecy::zeroize::Zeroizing;

use crate::failure::Failure;

/// The process's standard input, which stops waiting at a moment.
#[derive(Debug)]
pub(crate) struct PatientStdin {
    end: Instant,
}

impl PatientStdin {
    pub(crate) fn until(end: Instant) -> Self {
        Self { end }
    }

    fn wait(&self) -> io::Result<()> {
        let left = self.end.saturating_duration_since(Instant::now());
        let left = Timespec::try_from(left).map_err(io::Error::other)?;
        let stdin = io::stdin();
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&left)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Read for PatientStdin {
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

/// Reads to the end, at most [`MAX_INPUT`]; `wanted` says in the error what was expected.
pub(crate) fn read_input(
    reader: &mut dyn Read,
    wanted: &str,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut input = Zeroizing::new(vec![0; FIRST]);
    let mut filled = 0;
    loop {
        if filled == input.len() {
            if filled > MAX_INPUT {
                return Err(Failure::usage(format!(
                    "standard input holds more than {} MiB: expected {wanted}",
                    MAX_INPUT >> 20
                )));
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
                return Err(Failure::usage(format!(
                    "standard input stayed open without an end: expected {wanted}"
                )));
            }
            Err(source) => {
                return Err(Failure::usage(format!(
                    "cannot read standard input ({source}): expected {wanted}"
                )));
            }
        }
    }
    input.truncate(filled);
    if input.trim_ascii().is_empty() {
        return Err(Failure::usage(format!(
            "standard input is empty: expected {wanted}"
        )));
    }
    Ok(input)
}

const FIRST: usize = 16 * 1024;
const MAX_INPUT: usize = 1 << 20;

/// How long a whole run may take, under the minute after which the kubelet kills a plugin.
pub(crate) const DEADLINE: Duration = Duration::from_secs(50);

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
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
