//! Reading of files that may be on a mount that does not answer: on a thread of its own, so that a
//! signal still ends the program, and within a deadline.

use std::panic::resume_unwind;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// How long reading may take.
pub(crate) const READ_DEADLINE: Duration = Duration::from_secs(30);

/// Reads; `None` if that takes longer than [`READ_DEADLINE`]. The thread is abandoned then.
pub(crate) async fn read_in_time<T: Send + 'static>(
    read: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    match timeout(READ_DEADLINE, spawn_blocking(read)).await.ok()? {
        Ok(read) => Some(read),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}
