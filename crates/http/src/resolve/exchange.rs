//! One question to one name server: over UDP, and over TCP when the response does not fit.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use super::message::{Response, Unusable, response, whole};

/// Why a server's response is missing or cannot be used.
#[derive(Debug)]
pub(super) enum ServerFailure {
    Silent(Duration),
    Io(io::Error),
    Malformed,
    /// An RCODE other than success and "no such name".
    Code(u8),
    Lame,
}

impl fmt::Display for ServerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(time) => write!(f, "did not answer within {time:?}"),
            Self::Io(error) => write!(f, "cannot be asked: {error}"),
            Self::Malformed => f.write_str("sent a malformed answer"),
            Self::Code(1) => f.write_str("answered FORMERR"),
            Self::Code(2) => f.write_str("answered SERVFAIL"),
            Self::Code(4) => f.write_str("answered NOTIMP"),
            Self::Code(5) => f.write_str("answered REFUSED"),
            Self::Code(code) => write!(f, "answered with code {code}"),
            Self::Lame => f.write_str("does not ask other servers"),
        }
    }
}

/// Asks the server; each of the two ways has the whole time.
pub(super) async fn ask(
    server: SocketAddr,
    query: &[u8],
    only_tcp: bool,
    time: Duration,
) -> Result<Response, ServerFailure> {
    if !only_tcp {
        let answer = timed(time, over_udp(server, query)).await?;
        if !answer.is_truncated {
            return checked(answer);
        }
    }
    checked(timed(time, over_tcp(server, query)).await?)
}

fn checked(answer: Response) -> Result<Response, ServerFailure> {
    match answer.code {
        0 if answer.is_lame => Err(ServerFailure::Lame),
        0 | NO_SUCH_NAME => Ok(answer),
        code => Err(ServerFailure::Code(code)),
    }
}

async fn timed(
    time: Duration,
    exchange: impl Future<Output = Result<Response, ServerFailure>>,
) -> Result<Response, ServerFailure> {
    match timeout(time, exchange).await {
        Ok(result) => result,
        Err(_) => Err(ServerFailure::Silent(time)),
    }
}

/// From a random port and to that server only. A datagram that is not the response to the query may be
/// forged, and changes nothing.
async fn over_udp(server: SocketAddr, query: &[u8]) -> Result<Response, ServerFailure> {
    let any: IpAddr = if server.is_ipv4() {
        Ipv4Addr::UNSPECIFIED.into()
    } else {
        Ipv6Addr::UNSPECIFIED.into()
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut buffer = [0; LONGEST_DATAGRAM];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match response(&buffer[..length], query) {
            Ok(answer) => return Ok(answer),
            Err(Unusable::Foreign) => {}
            Err(Unusable::Malformed) => return Err(ServerFailure::Malformed),
        }
    }
}

async fn over_tcp(server: SocketAddr, query: &[u8]) -> Result<Response, ServerFailure> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.len()).map_err(|_| ServerFailure::Malformed)?;
    let framed = [&length.to_be_bytes()[..], query].concat();
    stream.write_all(&framed).await?;
    let length = stream.read_u16().await?;
    let mut message = vec![0; length.into()];
    stream.read_exact(&mut message).await?;
    whole(&mut message);
    response(&message, query).map_err(|_| ServerFailure::Malformed)
}

impl From<io::Error> for ServerFailure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The RCODE for a name that does not exist.
pub(super) const NO_SUCH_NAME: u8 = 3;
/// Without EDNS a server sends 512 bytes at most.
const LONGEST_DATAGRAM: usize = 4096;
