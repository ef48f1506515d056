//! The thread that every server of the harness runs in, so that a test may be synchronous,
//! asynchronous or on a paused clock.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A thread with a runtime of its own. Dropping it ends what runs there, and its connections.
pub(crate) struct Thread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Thread {
    /// Binds that port of 127.0.0.1, or one that the system chooses for 0, and starts a server on it.
    /// What `start` spawns runs in the thread; what it returns comes back with the address.
    ///
    /// # Panics
    /// When the port is taken.
    pub(crate) fn serve<T>(
        port: u16,
        start: impl FnOnce(TcpListener) -> T,
    ) -> (Self, SocketAddr, T) {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        listener.set_nonblocking(true).expect("a socket option");
        let started = {
            let _inside = runtime.enter();
            start(TcpListener::from_std(listener).expect("a listening socket"))
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let _ = runtime.block_on(stopped);
        });
        let thread = Self {
            stop: Some(stop),
            thread: Some(thread),
        };
        (thread, address, started)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
