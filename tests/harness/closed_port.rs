//! A port on loopback without a listener, which no other process can take: a number that was
//! free a moment ago may be another test's server by now.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// The port, taken until the value is dropped. Whoever connects is refused.
pub struct ClosedPort {
    address: SocketAddr,
    _bound: TcpSocket,
}

impl ClosedPort {
    /// Takes a port that the system chooses.
    ///
    /// # Panics
    /// When no port is free.
    #[must_use]
    pub fn take() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(any).expect("a free loopback port");
        Self {
            address: socket.local_addr().expect("a bound address"),
            _bound: socket,
        }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn authority(&self) -> String {
        self.address.to_string()
    }
}
