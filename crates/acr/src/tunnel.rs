//! A TLS connection to an address that its name does not lead to: a door on loopback that speaks
//! just enough of an HTTP proxy (RFC 9110 section 9.3.6) to let the HTTP client through to it, and
//! to nothing else. TLS goes from end to end, so the door sees no secret.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// An open door. It closes when the value is dropped.
pub(crate) struct Tunnel {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Tunnel {
    /// A door through which `authority` (`host:port`) is found at `target` (`host:port`).
    pub(crate) async fn open(authority: &str, target: &str) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (authority, target) = (authority.to_owned(), target.to_owned());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let served = serve(stream, &authority, &target).await;
                if let Err(error) = served {
                    tracing::debug!(%target, %error, "no way to the API server");
                }
            }
        });
        Ok(Self { address, task })
    }

    /// What `HTTPS_PROXY` is set to.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, authority: &str, target: &str) -> io::Result<()> {
    let wanted = timeout(PATIENCE, head(&mut stream)).await??;
    if wanted != format!("CONNECT {authority} HTTP/1.1") {
        return stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await;
    }
    let mut server = match timeout(PATIENCE, TcpStream::connect(target)).await {
        Ok(Ok(server)) => server,
        failed => {
            stream
                .write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
                .await?;
            return Err(failed.map_or_else(io::Error::from, |e| {
                e.err().unwrap_or_else(|| io::Error::other("no connection"))
            }));
        }
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    copy_bidirectional(&mut stream, &mut server).await?;
    Ok(())
}

/// The request line; the headers behind it are read and forgotten.
async fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        if read.len() == LONGEST_HEAD {
            return Err(io::Error::other("the request's head is too long"));
        }
        read.push(stream.read_u8().await?);
    }
    let line = read.split(|b| *b == b'\r').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

const PATIENCE: Duration = Duration::from_secs(8);
const LONGEST_HEAD: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(tunnel: &Tunnel, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(tunnel.address).await.expect("the door");
        stream.write_all(request).await.expect("sent");
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.expect("an answer");
        answer
    }

    #[tokio::test]
    async fn it_leads_to_one_place_only() {
        let server = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = server.local_addr().expect("an address").to_string();
        let tunnel = Tunnel::open("ib.test:443", &target).await.expect("open");
        let other = asked(
            &tunnel,
            b"CONNECT evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        )
        .await;
        assert_eq!(other, b"HTTP/1.1 403");
        let other = asked(&tunnel, b"GET http://ib.test/ HTTP/1.1\r\n\r\n").await;
        assert_eq!(other, b"HTTP/1.1 403");
        let right = asked(&tunnel, b"CONNECT ib.test:443 HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert_eq!(right, b"HTTP/1.1 200");
    }

    #[tokio::test]
    async fn a_server_that_is_down_is_a_bad_gateway() {
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let target = closed.local_addr().expect("an address").to_string();
        drop(closed);
        let tunnel = Tunnel::open("ib.test:443", &target).await.expect("open");
        let answer = asked(&tunnel, b"CONNECT ib.test:443 HTTP/1.1\r\n\r\n").await;
        assert_eq!(answer, b"HTTP/1.1 502");
    }
}
