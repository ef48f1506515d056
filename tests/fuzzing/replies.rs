//! Servers whose replies are the input: one part for each request, the last one again and again.
//!
//! A part is a status on a line, lines with headers, an empty line and a body; or `RAW` on a line and the
//! bytes of a whole response, after which the connection is closed. `{registry}` and `{other}` are the
//! addresses of the two servers.

use std::sync::{Arc, Mutex, PoisonError};

use regcred_http_testing::{Fake, Reply, Seen, bind};
use tokio::runtime::{Builder, Runtime};

use crate::scratch::parts;

/// The first server, and another one on another port.
pub(crate) struct Servers {
    pub(crate) registry: Fake,
    _other: Fake,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A request, and the part of the input that answered it.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) is_other: bool,
    pub(crate) request: Seen,
    pub(crate) reply: String,
}

impl Servers {
    pub(crate) async fn start(input: &[u8]) -> Self {
        let (one, two) = (bind().await, bind().await);
        let address = |listener: &tokio::net::TcpListener| {
            let address = listener.local_addr().expect("a bound listener");
            address.to_string()
        };
        let (registry, other) = (address(&one), address(&two));
        let replies: Vec<_> = parts(input)
            .into_iter()
            .map(|part| {
                let part = String::from_utf8_lossy(part);
                part.replace("{registry}", &registry)
                    .replace("{other}", &other)
            })
            .collect();
        let replies = Arc::new(replies);
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let script = |is_other: bool| {
            let (replies, asked) = (Arc::clone(&replies), Arc::clone(&asked));
            move |request: &Seen| {
                let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                let next = asked.len().min(replies.len() - 1);
                asked.push(Asked {
                    is_other,
                    request: request.clone(),
                    reply: replies[next].clone(),
                });
                reply(&replies[next])
            }
        };
        Self {
            registry: Fake::on(one, None, script(false)),
            _other: Fake::on(two, None, script(true)),
            asked,
        }
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(asked.len() < MOST_REQUESTS, "{} requests", asked.len());
        asked.clone()
    }
}

/// Runs to the end, on a clock that does not wait.
pub(crate) fn run(work: impl Future<Output = ()>) {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(work));
}

fn reply(part: &str) -> Reply {
    if let Some(raw) = part.strip_prefix("RAW\n") {
        return Reply::raw(raw).close();
    }
    let (head, body) = part.split_once("\n\n").unwrap_or((part, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|status| status.trim().parse().ok());
    let status = status.filter(|status| (200..=599).contains(status));
    let mut reply = Reply::new(status.unwrap_or(200));
    for line in lines {
        let legal = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if let Some((name, value)) = line.split_once(':')
            && !name.is_empty()
            && name.chars().all(legal)
            && !FRAMING
                .iter()
                .any(|framing| name.eq_ignore_ascii_case(framing))
        {
            reply = reply.header(name, value.trim());
        }
    }
    reply.body(body)
}

/// Headers that the server writes itself.
const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "connection"];
const MOST_REQUESTS: usize = 400;
