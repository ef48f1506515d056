//! One thread for all connections, and an orderly end on Ctrl-C.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::failure::Failure;

/// Runs the future to its end, or to the signal that asks to stop: then it is dropped, which makes
/// a pull remove what it has half written.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    regcred_plugin::install_crypto();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let done = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).map_err(Failure::Runtime)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(Failure::Runtime)?;
        tokio::select! {
            done = future => done,
            _ = interrupt.recv() => Err(Failure::Signal(SIGINT)),
            _ = terminate.recv() => Err(Failure::Signal(SIGTERM)),
        }
    });
    // Writers end at once; a name look-up that hangs is left behind.
    runtime.shutdown_timeout(WRITERS_END);
    done
}

const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;
const WRITERS_END: Duration = Duration::from_secs(1);
