//! Connections of plain http that have sent a file, for the next request of an upload.
//!
//! A registry spends less of its kernel's time on bytes that arrive on a connection on which it has
//! answered before, so that the request that opens an upload and the one with its bytes share one.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;

/// Idle connections, the one that was used last at the end.
#[derive(Default)]
pub(crate) struct KeptSockets(Mutex<Vec<Kept>>);

struct Kept {
    /// `HOST:PORT` as in the address.
    server: String,
    socket: TcpStream,
    since: Instant,
}

impl KeptSockets {
    /// The connection to a server that was used last, unless the server has closed it or sent what was
    /// not asked for.
    pub(crate) fn take(&self, server: &str) -> Option<TcpStream> {
        let kept = {
            let mut idle = self.idle();
            let at = idle.iter().rposition(|kept| kept.server == server)?;
            idle.remove(at)
        };
        let unread = kept.socket.try_read(&mut [0]);
        unread
            .is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
            .then_some(kept.socket)
    }

    pub(crate) fn keep(&self, server: String, socket: TcpStream) {
        self.idle().push(Kept {
            server,
            socket,
            since: Instant::now(),
        });
    }

    /// Those that were used within [`LONGEST`].
    fn idle(&self) -> MutexGuard<'_, Vec<Kept>> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|kept| kept.since.elapsed() < LONGEST);
        idle
    }
}

/// Servers keep an idle connection for longer.
const LONGEST: Duration = Duration::from_secs(3);
