//! TLS under any names in front of a plain server, to which it passes everything on: a cloud's
//! services under their public names, an API server under the name of an identity binding.

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::Tls;
use crate::thread::Thread;

/// Listens on loopback until it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    tls: Tls,
    _thread: Thread,
}

impl TlsFront {
    /// Starts a server with a certificate for these names on a port that the system chooses.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(names: &[&str], server: SocketAddr) -> Self {
        Self::on_port(0, names, server)
    }

    /// Starts it on that port, for tests in a network namespace of their own.
    ///
    /// # Panics
    /// When the port is not available, as 443 is not outside a namespace.
    #[must_use]
    pub fn on_port(port: u16, names: &[&str], server: SocketAddr) -> Self {
        let tls = Tls::of(names);
        let acceptor = tls.acceptor();
        let (thread, address, _) = Thread::serve(port, |listener| {
            tokio::spawn(accept(listener, acceptor, server));
        });
        Self {
            address,
            tls,
            _thread: thread,
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

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, server: SocketAddr) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A response in two writes must not wait for an acknowledgement.
            stream.set_nodelay(true)?;
            // A client that refuses the certificate is that client's matter.
            let mut near = acceptor.accept(stream).await?;
            let mut far = TcpStream::connect(server).await?;
            far.set_nodelay(true)?;
            copy_bidirectional(&mut near, &mut far).await
        });
    }
}
