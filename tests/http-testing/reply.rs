//! What the server sends, and how it fails to.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::Gate;

/// A reply, or a way of not replying.
#[derive(Clone, Debug)]
pub struct Reply {
    content: Content,
    pub(super) end: End,
    pub(super) gate: Option<Gate>,
}

#[derive(Clone, Debug)]
enum Content {
    Http {
        status: u16,
        headers: Vec<(String, String)>,
        body: Bytes,
        sent: Option<usize>,
        chunked: bool,
        /// The pause before each byte of the body.
        drip: Duration,
        /// Blanks after the body.
        flood: usize,
    },
    /// Pieces, each after its pause.
    Raw(Vec<(Duration, Bytes)>),
}

/// What happens to the connection after the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Open,
    Close,
    /// Open, and nothing more comes.
    Stall,
    /// The connection is reset.
    Reset,
}

impl Reply {
    /// A reply without headers of its own and without a body.
    #[must_use]
    pub fn new(status: u16) -> Self {
        Self::of(Content::Http {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            sent: None,
            chunked: false,
            drip: Duration::ZERO,
            flood: 0,
        })
    }

    /// 200 with this body.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200).body(body)
    }

    /// A reply with a body of that `Content-Type`.
    #[must_use]
    pub fn typed(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status)
            .header("content-type", content_type)
            .body(body)
    }

    /// A reply with a JSON body.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::typed(status, "application/json", value.to_string())
    }

    /// A plain-text reply.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        Self::typed(status, "text/plain; charset=utf-8", text)
    }

    /// These bytes and no others.
    #[must_use]
    pub fn raw(bytes: &str) -> Self {
        let bytes = Bytes::from(bytes.to_owned());
        Self::of(Content::Raw(vec![(Duration::ZERO, bytes)]))
    }

    /// A connection that is closed without a reply.
    #[must_use]
    pub fn hang_up() -> Self {
        Self::raw("").close()
    }

    /// A connection on which no reply ever comes.
    #[must_use]
    pub fn hang() -> Self {
        let mut silent = Self::raw("");
        silent.end = End::Stall;
        silent
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Content::Http { headers, .. } = &mut self.content {
            headers.push((name.to_owned(), value.into()));
        }
        self
    }

    /// Replaces a header.
    #[must_use]
    pub fn set_header(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Content::Http { headers, .. } = &mut self.content {
            headers.retain(|(has, _)| has != name);
        }
        self.header(name, value)
    }

    /// The names of the headers.
    #[must_use]
    pub fn header_names(&self) -> Vec<String> {
        match &self.content {
            Content::Http { headers, .. } => headers.iter().map(|(name, _)| name.clone()).collect(),
            Content::Raw(_) => Vec::new(),
        }
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Http { body, .. } => body,
            Content::Raw(_) => &[],
        }
    }

    /// Adds a header, unless the reply has one of this name.
    #[must_use]
    pub fn default_header(self, name: &str, value: impl Into<String>) -> Self {
        match &self.content {
            Content::Http { headers, .. } if headers.iter().all(|(has, _)| has != name) => {
                self.header(name, value)
            }
            _ => self,
        }
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        if let Content::Http { body, .. } = &mut self.content {
            *body = bytes.into().into();
        }
        self
    }

    /// Sends only this much of the body, then closes the connection.
    #[must_use]
    pub fn cut(self, at: usize) -> Self {
        self.part(at, End::Close)
    }

    /// Sends only this much of the body, then nothing more.
    #[must_use]
    pub fn stall(self, at: usize) -> Self {
        self.part(at, End::Stall)
    }

    /// Sends only this much of the body, then resets the connection.
    #[must_use]
    pub fn reset(self, at: usize) -> Self {
        self.part(at, End::Reset)
    }

    /// Waits so long before each byte of the body.
    #[must_use]
    pub fn drip(mut self, pause: Duration) -> Self {
        if let Content::Http { drip, .. } = &mut self.content {
            *drip = pause;
        }
        self
    }

    /// After the body, this many blanks whose end is not announced.
    #[must_use]
    pub fn flood(mut self, length: usize) -> Self {
        if let Content::Http { flood, .. } = &mut self.content {
            *flood = length;
        }
        self.close()
    }

    /// Does not announce the length of the body.
    #[must_use]
    pub fn chunked(mut self) -> Self {
        if let Content::Http { chunked, .. } = &mut self.content {
            *chunked = true;
        }
        self
    }

    /// Adds bytes to a raw reply, sent after a pause.
    #[must_use]
    pub fn then_after(mut self, pause: Duration, bytes: &str) -> Self {
        if let Content::Raw(pieces) = &mut self.content {
            pieces.push((pause, bytes.to_owned().into()));
        }
        self
    }

    /// Closes the connection after the reply.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.end = End::Close;
        self
    }

    /// Waits with the reply until the gate is open.
    #[must_use]
    pub fn after(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    fn of(content: Content) -> Self {
        Self {
            content,
            end: End::Open,
            gate: None,
        }
    }

    fn part(mut self, at: usize, end: End) -> Self {
        if let Content::Http { sent, .. } = &mut self.content {
            *sent = Some(at);
        }
        self.end = end;
        self
    }

    /// What goes over the wire, each piece after its pause; the head alone for a `HEAD` request.
    pub(super) fn pieces(&self, head_only: bool) -> Vec<(Duration, Bytes)> {
        let (status, headers, body, sent, chunked, drip, flood) = match &self.content {
            Content::Raw(pieces) => return pieces.clone(),
            Content::Http {
                status,
                headers,
                body,
                sent,
                chunked,
                drip,
                flood,
            } => (*status, headers, body, *sent, *chunked, *drip, *flood),
        };
        let reason = StatusCode::from_u16(status).ok();
        let reason = reason.and_then(|status| status.canonical_reason());
        let mut head = format!("HTTP/1.1 {status} {}\r\n", reason.unwrap_or("Unknown"));
        if chunked {
            head.push_str("transfer-encoding: chunked\r\n");
        } else if status != 204 && status != 304 && flood == 0 {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut pieces = vec![(Duration::ZERO, head.into())];
        if head_only {
            return pieces;
        }
        let body = body.slice(..sent.unwrap_or(body.len()).min(body.len()));
        if chunked {
            pieces.push((Duration::ZERO, in_chunks(&body, sent.is_none()).into()));
        } else if drip.is_zero() {
            pieces.push((Duration::ZERO, body));
        } else {
            pieces.extend((0..body.len()).map(|at| (drip, body.slice(at..=at))));
        }
        if flood > 0 {
            let blanks = Bytes::from(vec![b' '; FLOOD]);
            pieces.extend((0..flood / FLOOD).map(|_| (Duration::ZERO, blanks.clone())));
        }
        pieces
    }
}

/// A piece of a flood.
const FLOOD: usize = 100_000;

fn in_chunks(body: &[u8], whole: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in body.chunks(1000) {
        bytes.extend(format!("{:x}\r\n", piece.len()).bytes());
        bytes.extend_from_slice(piece);
        bytes.extend(b"\r\n");
    }
    if whole {
        bytes.extend(b"0\r\n\r\n");
    }
    bytes
}
