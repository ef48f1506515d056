//! TLS under any names in front of a plain server, to which it passes everything on: a cloud's
//! services under their public names, an API server under the name of an identity binding.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::JoinHandle;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::Tls;

/// Listens on loopback until it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    tls: Tls,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsFront {
    /// Starts a server with a certificate for these names on a port that the system chooses.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(names: &[&str], behind: SocketAddr) -> Self {
        Self::on_port(0, names, behind)
    }

    /// Starts it on that port, for tests in a network namespace of their own.
    ///
    /// # Panics
    /// When the port is not to be had, as 443 is not outside a namespace.
    #[must_use]
    pub fn on_port(port: u16, names: &[&str], behind: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        listener.set_nonblocking(true).expect("a socket option");
        let tls = Tls::of(names);
        let acceptor = tls.acceptor();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, acceptor, behind) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            tls,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    /// The authority that it is trusted through, as a PEM file.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.tls.ca_file()
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor, behind: SocketAddr) {
    let listener = TcpListener::from_std(listener).expect("a listening socket");
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A client that refuses the certificate is that client's matter.
            let mut near = acceptor.accept(stream).await?;
            let mut far = TcpStream::connect(behind).await?;
            copy_bidirectional(&mut near, &mut far).await
        });
    }
}
