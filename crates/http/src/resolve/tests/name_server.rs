//! A name server on loopback, over UDP and TCP on one port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// What the server was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) name: String,
    /// 1 for A, 28 for AAAA.
    pub(super) kind: u8,
    pub(super) is_tcp: bool,
}

/// What the server answers.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// Those of the question's kind.
    Addresses(Vec<IpAddr>),
    /// A response with this RCODE and no answer.
    Code(u8),
    /// "Ask over TCP."
    Truncated,
    /// A forged response first, to another question, then this.
    Forged(Vec<IpAddr>),
    Malformed,
    Silence,
}

/// A running server; it ends with this.
pub(super) struct NameServer {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Vec<Question>>>,
    _tasks: JoinSet<()>,
}

type Script = Arc<dyn Fn(&Question) -> Answer + Send + Sync>;

impl NameServer {
    pub(super) async fn start(
        script: impl Fn(&Question) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let script: Script = Arc::new(script);
        let seen = Arc::default();
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
                .await
                .expect("UDP");
            let address = udp.local_addr().expect("address");
            // Another program may have the TCP port of that number.
            if let Ok(tcp) = TcpListener::bind(address).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().expect("address");
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_udp(udp, script.clone(), Arc::clone(&seen)));
        tasks.spawn(serve_tcp(tcp, script, Arc::clone(&seen)));
        Self {
            address,
            seen,
            _tasks: tasks,
        }
    }

    /// The questions so far, A before AAAA of a name.
    pub(super) fn seen(&self) -> Vec<Question> {
        self.seen.lock().expect("questions").clone()
    }

    /// The names that were asked for, each once, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.seen().into_iter().map(|q| q.name).collect();
        names.dedup();
        names
    }
}

async fn serve_udp(socket: UdpSocket, script: Script, seen: Arc<Mutex<Vec<Question>>>) {
    let mut buffer = [0; 512];
    while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
        for message in answer(&buffer[..length], false, &script, &seen) {
            let _ = socket.send_to(&message, from).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, script: Script, seen: Arc<Mutex<Vec<Question>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let served: io::Result<()> = async {
            let mut query = vec![0; stream.read_u16().await?.into()];
            stream.read_exact(&mut query).await?;
            for message in answer(&query, true, &script, &seen) {
                let length = u16::try_from(message.len()).expect("short");
                stream.write_u16(length).await?;
                stream.write_all(&message).await?;
            }
            Ok(())
        }
        .await;
        drop(served);
    }
}

fn answer(
    query: &[u8],
    is_tcp: bool,
    script: &Script,
    seen: &Mutex<Vec<Question>>,
) -> Vec<Vec<u8>> {
    let question = question(query, is_tcp);
    let kind = question.kind;
    seen.lock().expect("questions").push(question.clone());
    match script(&question) {
        Answer::Addresses(all) => vec![with_addresses(query, kind, &all)],
        Answer::Code(code) => vec![head(query, [0x81, 0x80 | code], 0)],
        Answer::Truncated => vec![head(query, [0x83, 0x80], 0)],
        Answer::Forged(all) => {
            let mut forged = with_addresses(query, kind, &[[203, 0, 113, 66].into()]);
            forged[0] ^= 0xff;
            vec![forged, with_addresses(query, kind, &all)]
        }
        Answer::Malformed => vec![head(query, [0x81, 0x80], 1)],
        Answer::Silence => Vec::new(),
    }
}

fn head(query: &[u8], flags: [u8; 2], answers: u8) -> Vec<u8> {
    let mut message = query.to_vec();
    message[2..4].copy_from_slice(&flags);
    message[7] = answers;
    message
}

fn with_addresses(query: &[u8], kind: u8, all: &[IpAddr]) -> Vec<u8> {
    let fitting: Vec<_> = all.iter().filter(|a| a.is_ipv4() == (kind == 1)).collect();
    let count = u8::try_from(fitting.len()).expect("few");
    let mut message = head(query, [0x81, 0x80], count);
    for address in fitting {
        let data = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let length = u8::try_from(data.len()).expect("short");
        message.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, length]);
        message.extend(data);
    }
    message
}

fn question(query: &[u8], is_tcp: bool) -> Question {
    let mut labels = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).into_owned());
        at = end;
    }
    Question {
        name: labels.join("."),
        kind: query[at + 2],
        is_tcp,
    }
}
