//! The failure of a call, as a kubelet words it.

use std::error::Error;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_core::{ErrorKind, plain};
use tonic::{Code, Status};

/// Why a call failed. `Display` is the kubelet's text where the runtime answered: without a code for
/// `Unknown`, else `rpc error: code = C desc = D`.
#[derive(Clone, Debug)]
pub struct CriError {
    reason: Reason,
}

#[derive(Clone, Debug)]
enum Reason {
    /// The runtime's answer.
    Status { code: Code, message: String },
    /// The runtime does not listen on the socket, or has closed the connection.
    NotReached { socket: PathBuf, why: String },
    /// No answer in time.
    Timeout { call: &'static str, limit: Duration },
    /// An answer without a part that it must have.
    Malformed(&'static str),
}

impl CriError {
    pub(crate) fn of(status: &Status, socket: &Path) -> Self {
        let reason = match status.source() {
            // The connection's own error. A status of the runtime does not have a source.
            Some(cause) => Reason::NotReached {
                socket: socket.to_owned(),
                why: innermost(cause),
            },
            None => Reason::Status {
                code: status.code(),
                message: one_line(status.message()),
            },
        };
        Self { reason }
    }

    pub(crate) fn timeout(call: &'static str, limit: Duration) -> Self {
        Self {
            reason: Reason::Timeout { call, limit },
        }
    }

    pub(crate) fn malformed(what: &'static str) -> Self {
        Self {
            reason: Reason::Malformed(what),
        }
    }

    /// Whether the program at the socket does not have this call: a containerd without the CRI.
    #[must_use]
    pub fn is_unimplemented(&self) -> bool {
        matches!(&self.reason, Reason::Status { code, .. } if *code == Code::Unimplemented)
    }

    /// The kind of failure, as far as the runtime's text has it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.class() {
            Class::Refused | Class::NotFound | Class::Signature => ErrorKind::Denied,
            Class::Throttled => ErrorKind::Throttled,
            Class::NoSpace | Class::Trust => ErrorKind::NotConfigured,
            Class::Platform | Class::Malformed => ErrorKind::Malformed,
            Class::Network | Class::Other => ErrorKind::Unreachable,
        }
    }

    /// Whether the registry refused the credential, or has no image without one.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.class() == Class::Refused
    }

    /// Whether another credential may help: a registry may hide an image from one that has no right to
    /// it, and its limits are those of the credential's owner. A text that is not known may be a
    /// refusal.
    #[must_use]
    pub fn is_curable_by_credential(&self) -> bool {
        matches!(
            self.class(),
            Class::Refused | Class::NotFound | Class::Throttled | Class::Other
        )
    }

    /// What to do about it, where a refused login is not the cause.
    #[must_use]
    pub fn next_step(&self) -> Option<&'static str> {
        match self.class() {
            Class::NoSpace => Some("free disk space for the runtime's images"),
            Class::Trust => Some(
                "let the runtime trust the registry's certificate, as with `ca` in containerd's hosts.toml",
            ),
            Class::Signature => Some("look at the runtime's signature policy"),
            Class::Platform => Some("name an image that is built for this node's platform"),
            Class::NotFound => {
                Some("name an image that the registry has, or give the login the right to see it")
            }
            Class::Network if matches!(self.reason, Reason::NotReached { .. }) => {
                Some("start the container runtime, or name its socket with --runtime-endpoint")
            }
            _ => None,
        }
    }

    fn class(&self) -> Class {
        let (code, text) = match &self.reason {
            Reason::Status { code, message } => (*code, message.to_lowercase()),
            Reason::NotReached { .. } | Reason::Timeout { .. } => return Class::Network,
            Reason::Malformed(_) => return Class::Malformed,
        };
        let named = WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| text.contains(word)));
        match (named, code) {
            (Some((class, _)), _) => *class,
            (None, Code::Unauthenticated | Code::PermissionDenied) => Class::Refused,
            (None, Code::NotFound) => Class::NotFound,
            (None, Code::InvalidArgument | Code::Unimplemented) => Class::Malformed,
            (None, Code::Unavailable | Code::DeadlineExceeded) => Class::Network,
            (None, _) => Class::Other,
        }
    }
}

/// What a runtime's text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    NoSpace,
    Signature,
    Platform,
    Trust,
    Throttled,
    Refused,
    NotFound,
    Malformed,
    /// The network, a server, the runtime itself: it may work later.
    Network,
    /// Anything else.
    Other,
}

/// The words of containerd, CRI-O and Go's libraries in lower case; the first class counts.
const WORDS: &[(Class, &[&str])] = &[
    (
        Class::NoSpace,
        &["no space left on device", "disk quota exceeded"],
    ),
    (
        Class::Signature,
        &[
            "signaturevalidationfailed",
            "signature was required",
            "invalid signature",
        ],
    ),
    (
        Class::Platform,
        &[
            "no match for platform",
            "no image found in manifest list",
            "no image found in image index",
        ],
    ),
    (
        Class::Trust,
        &[
            "x509: ",
            "server gave http response to https client",
            "failed to verify certificate",
        ],
    ),
    (
        Class::Throttled,
        &["429 too many requests", "toomanyrequests", "rate limit"],
    ),
    (
        Class::Refused,
        &[
            "401 unauthorized",
            "403 forbidden",
            "no basic auth credentials",
            "authorization failed",
            "pull access denied",
            "unauthorized: ",
            "denied: ",
            "authentication required",
            "invalid username/password",
        ],
    ),
    (
        Class::NotFound,
        &[
            ": not found",
            "manifest unknown",
            "name unknown",
            "404 not found",
        ],
    ),
    (
        Class::Network,
        &[
            "connection refused",
            "connection reset",
            "no such host",
            "i/o timeout",
            "handshake timeout",
            "deadline exceeded",
            "network is unreachable",
            "no route to host",
            ": eof",
            "unexpected eof",
            "500 internal server error",
            "502 bad gateway",
            "503 service unavailable",
            "504 gateway timeout",
            "registryunavailable",
        ],
    ),
];

fn innermost(error: &dyn Error) -> String {
    match error.source() {
        Some(cause) => innermost(cause),
        None => error.to_string(),
    }
}

/// The runtime's text on one line, and not too long.
fn one_line(message: &str) -> String {
    let mut line = plain(message, usize::MAX);
    if let Some((end, _)) = line.char_indices().nth(MAX_TEXT) {
        line.truncate(end);
        line.push_str("...");
    }
    line
}

const MAX_TEXT: usize = 4096;

/// The name of a code in Go's library.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

impl fmt::Display for CriError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Status { code, message } if *code == Code::Unknown => f.write_str(message),
            Reason::Status { code, message } => {
                write!(f, "rpc error: code = {} desc = {message}", name(*code))
            }
            Reason::NotReached { socket, why } => write!(
                f,
                "cannot reach the container runtime at {}: {why}",
                socket.display()
            ),
            Reason::Timeout { call, limit } => write!(
                f,
                "the container runtime did not answer {call} within {} seconds",
                limit.as_secs()
            ),
            Reason::Malformed(what) => write!(f, "the container runtime returned {what}"),
        }
    }
}

impl Error for CriError {}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn error(code: Code, text: &str) -> CriError {
        CriError::of(&Status::new(code, text), Path::new("/s"))
    }

    #[test]
    fn the_text_is_that_of_a_kubelet() {
        assert_eq!(error(Code::Unknown, "a\nb").to_string(), "a b");
        assert_eq!(
            error(Code::NotFound, "a: not found").to_string(),
            "rpc error: code = NotFound desc = a: not found"
        );
    }

    #[test]
    fn the_words_of_the_runtimes_decide_what_is_done_next() {
        let pull = "failed to pull and unpack image \"h.io/a:v1\": failed to resolve reference \"h.io/a:v1\": ";
        for (text, class) in [
            (
                "pull access denied, repository does not exist or may require authorization: \
                 authorization failed: no basic auth credentials",
                Class::Refused,
            ),
            (
                "unexpected status from HEAD request to https://h.io/v2/a/manifests/v1: 403 Forbidden",
                Class::Refused,
            ),
            ("h.io/a:v1: not found", Class::NotFound),
            (
                "reading manifest v1 in h.io/a: manifest unknown",
                Class::NotFound,
            ),
            (
                "unexpected status code: 429 Too Many Requests",
                Class::Throttled,
            ),
            (
                "write /var/lib/containerd/x: no space left on device: unknown",
                Class::NoSpace,
            ),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                Class::Trust,
            ),
            (
                "no match for platform in manifest: not found",
                Class::Platform,
            ),
            (
                "dial tcp 10.0.0.1:443: connect: connection refused",
                Class::Network,
            ),
            ("503 Service Unavailable", Class::Network),
        ] {
            assert_eq!(
                error(Code::Unknown, &format!("{pull}{text}")).class(),
                class,
                "{text}"
            );
        }
        assert_eq!(error(Code::NotFound, "x").class(), Class::NotFound);
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = error(Code::Unknown, &"ä".repeat(5000)).to_string();
        assert_eq!(long.chars().count(), MAX_TEXT + 3);
    }
}
