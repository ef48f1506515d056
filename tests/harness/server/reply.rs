//! What a fake answers, and how it fails to.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::StatusCode;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;

use super::Gate;

/// An answer, or a way of not answering.
#[derive(Clone, Debug)]
pub struct Reply {
    status: StatusCode,
    headers: Vec<(String, String)>,
    body: Body,
    behind: Option<Gate>,
}

#[derive(Clone, Debug)]
enum Body {
    Whole(Bytes),
    /// The first bytes of a longer body, then the connection breaks off.
    Cut(Bytes, usize),
    /// The first bytes of a longer body, then nothing more comes.
    Stall(Bytes, usize),
    /// No answer at all: the connection stays open.
    Hang,
    /// No answer at all: the connection is closed.
    Close,
}

impl Reply {
    /// An answer with a body and its `Content-Type`.
    pub fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        Self::bare(status, Body::Whole(body.into())).with("content-type", content_type)
    }

    /// An answer with a JSON body.
    #[must_use]
    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", value.to_string())
    }

    /// A plain-text answer.
    #[must_use]
    pub fn text(status: u16, text: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", text.to_owned())
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::bare(status, Body::Whole(Bytes::new()))
    }

    /// A connection that is closed without an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::bare(200, Body::Close)
    }

    /// A connection on which no answer ever comes.
    #[must_use]
    pub fn hang() -> Self {
        Self::bare(200, Body::Hang)
    }

    /// This answer with one more header.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// This answer, whose connection breaks off after `bytes` of its body.
    #[must_use]
    pub fn cut_after(mut self, bytes: usize) -> Self {
        if let Body::Whole(whole) = self.body {
            self.body = Body::Cut(whole, bytes);
        }
        self
    }

    /// This answer, of whose body only `bytes` ever come.
    #[must_use]
    pub fn stall_after(mut self, bytes: usize) -> Self {
        if let Body::Whole(whole) = self.body {
            self.body = Body::Stall(whole, bytes);
        }
        self
    }

    /// This answer, given when the gate is open.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.behind = Some(gate.clone());
        self
    }

    fn bare(status: u16, body: Body) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a three-digit status"),
            headers: Vec::new(),
            body,
            behind: None,
        }
    }

    /// The reply on the wire; `None` closes the connection without one.
    pub(super) async fn into_response(self, head: bool) -> Option<hyper::Response<WireBody>> {
        if let Some(gate) = &self.behind {
            gate.passed().await;
        }
        let mut response = hyper::Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        let (whole, sent, breaks) = match self.body {
            Body::Close => return None,
            Body::Hang => std::future::pending().await,
            Body::Whole(whole) => {
                if head {
                    response = response.header("content-length", whole.len());
                }
                let body = if head { Bytes::new() } else { whole };
                let body = Full::new(body).map_err(|never| match never {});
                return Some(response.body(body.boxed_unsync()).expect("sound headers"));
            }
            Body::Cut(whole, sent) => (whole, sent, true),
            Body::Stall(whole, sent) => (whole, sent, false),
        };
        let first = whole.slice(..sent.min(whole.len()));
        let frames =
            stream::once(async move { Ok(Frame::data(first)) }).chain(stream::once(async move {
                if !breaks {
                    return std::future::pending().await;
                }
                // What was written must leave the buffers before the connection breaks off.
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(io::Error::other("the fake breaks off here"))
            }));
        let response = response.header("content-length", whole.len());
        let body = StreamBody::new(frames).boxed_unsync();
        Some(response.body(body).expect("sound headers"))
    }
}

pub(super) type WireBody = UnsyncBoxBody<Bytes, io::Error>;
