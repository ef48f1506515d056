//! Start and stop of the daemon: by signals as a program, by a handle inside another program.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use regcred_core::Env;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::main_loop::Loop;
use super::{election, server};
use crate::error::RunError;
use crate::failure::RefreshFailure;
use crate::refresher::Refresher;

/// A running daemon inside another program.
#[derive(Debug)]
pub struct Handle {
    /// Address of health, metrics and the status page.
    pub address: std::net::SocketAddr,
    stop: watch::Sender<bool>,
    done: tokio::task::JoinHandle<Result<(), RunError>>,
}

impl Handle {
    /// Stops it: finishes work in progress and releases the Lease.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.done.await;
    }

    /// Waits for its end, which comes by itself only if something panicked.
    ///
    /// # Errors
    /// A panic, which is a bug.
    pub async fn ended(&mut self) -> Result<(), RunError> {
        let done = (&mut self.done).await;
        done.unwrap_or_else(|_| Err(RunError::panicked("the daemon")))
    }

    /// Stops it as a SIGKILL would: nothing is finished or released.
    pub fn kill(self) {
        self.done.abort();
    }
}

impl Refresher {
    /// Runs until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// If it cannot listen, cannot handle signals, or something panicked that it needs.
    pub async fn daemon(self, env: &Env) -> Result<(), RunError> {
        let on = |kind| signal(kind).map_err(RunError::at("cannot handle signals"));
        let mut term = on(SignalKind::terminate())?;
        let mut int = on(SignalKind::interrupt())?;
        let mut handle = self.start(env).await?;
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
            ended = handle.ended() => return ended,
        }
        tracing::info!("stopping");
        handle.stop().await;
        Ok(())
    }

    /// Starts the daemon in the background.
    ///
    /// # Errors
    /// If it cannot listen.
    pub async fn start(mut self, env: &Env) -> Result<Handle, RunError> {
        self.tokens.serve_daemon(Duration::from_secs(5));
        let address = self.plan.server.address;
        let failed = |error: io::Error| {
            let next = "name another address with --listen, or end what listens there";
            let failure = RefreshFailure::new(error.to_string(), Some(next));
            RunError::at(format!("cannot listen on {address}"))(failure)
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        tracing::info!(%address, "listening");
        let (stop, stopped) = watch::channel(false);
        let holder = election::holder(env);
        let done = tokio::spawn(async move {
            let mut helpers = JoinSet::new();
            helpers.spawn(server::serve(listener, Arc::clone(&self.status)));
            let main_loop = Loop::new(Arc::new(self), holder, stopped);
            main_loop.run(&mut helpers).await
        });
        Ok(Handle {
            address,
            stop,
            done,
        })
    }
}
