//! One thread for all connections, and an orderly end on Ctrl-C.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

use crate::crypto::install_crypto;
use crate::error::ProgramError;
use crate::exit_code;

/// Runs the future on a single-threaded runtime. What still blocks when the future ends, such as a
/// name look-up, is abandoned.
///
/// # Errors
/// When the system refuses a runtime.
pub fn block_on<F: Future>(future: F) -> Result<F::Output, ProgramError> {
    let runtime = runtime().map_err(refused)?;
    let output = runtime.block_on(future);
    runtime.shutdown_timeout(Duration::ZERO);
    Ok(output)
}

/// Runs the future until it ends or SIGINT or SIGTERM arrives. After a signal the future is
/// dropped: a pull then removes the files it has not finished.
///
/// # Errors
/// The future's; when a signal arrives; when the system refuses a runtime.
pub fn block_on_until_signal<T>(
    future: impl Future<Output = Result<T, ProgramError>>,
) -> Result<T, ProgramError> {
    let runtime = runtime().map_err(refused)?;
    let done = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(refused)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(refused)?;
        tokio::select! {
            done = future => done,
            _ = interrupt.recv() => Err(interrupted(SIGINT)),
            _ = terminate.recv() => Err(interrupted(SIGTERM)),
        }
    });
    // Writers end at once; a name look-up that hangs is abandoned.
    runtime.shutdown_timeout(WRITERS_END);
    done
}

fn runtime() -> io::Result<Runtime> {
    install_crypto();
    // Where tokio lacks a descriptor for its signals it panics, so that as many as it needs are taken first.
    let needed: io::Result<Vec<_>> = (0..PAIRS).map(|_| UnixStream::pair()).collect();
    drop(needed?);
    Builder::new_current_thread().enable_all().build()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refused(error: io::Error) -> ProgramError {
    let is_full = matches!(error.raw_os_error(), Some(EMFILE | ENFILE));
    let next = if is_full {
        "; raise the limit of open files (ulimit -n)"
    } else {
        ""
    };
    ProgramError::new(
        exit_code::BUG,
        format!("cannot start the runtime: {error}{next}"),
    )
}

/// Shells report a program that signal N ended with the exit code 128 + N.
fn interrupted(signal: u8) -> ProgramError {
    ProgramError::new(128 + signal, "interrupted")
}

/// The descriptors of a runtime, in pairs: epoll twice, a waker, three for signals.
const PAIRS: usize = 3;
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;
const WRITERS_END: Duration = Duration::from_secs(1);
