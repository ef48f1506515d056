//! What went wrong with a request to the API server, and what to do about it. The decision depends on
//! the answer's code and reason, never on its text.

use std::error::Error;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use kube::core::{Status, request};
use regcred_core::plain;
use regcred_http::AT_PROXY;

use crate::failure::RefreshFailure;

/// A request that failed. Holds nothing of its body.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{failure}")]
pub(crate) struct ClusterError {
    pub(crate) kind: ClusterErrorKind,
    failure: Arc<RefreshFailure>,
}

/// The result of a request.
pub(crate) type ClusterResult<T> = Result<T, ClusterError>;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClusterErrorKind {
    NotFound,
    /// Another manager owns the fields, or the object has changed since it was read.
    Conflict,
    /// The resource version is too old: list again.
    Gone,
    /// The right is missing.
    Forbidden,
    /// The namespace is being deleted: leave it alone.
    Terminating,
    /// Rejected as invalid (422), or a JSON patch `test` failed.
    Invalid,
    /// Slow down, for this long.
    Throttled(Duration),
    /// No answer, or the server failed.
    Unreachable,
    /// The answer is longer than the limit.
    TooLarge,
    /// Not sent: another replica may hold the Lease.
    Standby,
    /// Anything else.
    Refused,
}

/// Every word of [`ClusterError::reason`].
pub(crate) const REASONS: [&str; 11] = [
    "not_found",
    "conflict",
    "gone",
    "forbidden",
    "terminating",
    "invalid",
    "throttled",
    "unreachable",
    "too_large",
    "standby",
    "refused",
];

impl ClusterError {
    /// Whether the same request may succeed a little later.
    pub(crate) fn is_passing(&self) -> bool {
        use ClusterErrorKind::{Throttled, Unreachable};
        matches!(self.kind, Throttled(_) | Unreachable)
    }

    /// A short word for metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self.kind {
            ClusterErrorKind::NotFound => "not_found",
            ClusterErrorKind::Conflict => "conflict",
            ClusterErrorKind::Gone => "gone",
            ClusterErrorKind::Forbidden => "forbidden",
            ClusterErrorKind::Terminating => "terminating",
            ClusterErrorKind::Invalid => "invalid",
            ClusterErrorKind::Throttled(_) => "throttled",
            ClusterErrorKind::Unreachable => "unreachable",
            ClusterErrorKind::TooLarge => "too_large",
            ClusterErrorKind::Standby => "standby",
            ClusterErrorKind::Refused => "refused",
        }
    }

    /// The failure in parts.
    pub(crate) fn failure(&self) -> &Arc<RefreshFailure> {
        &self.failure
    }

    pub(super) fn unbuilt(error: &request::Error) -> Self {
        let answer = format!("cannot build a request to the API server: {error}");
        Self {
            kind: ClusterErrorKind::Refused,
            failure: Arc::new(RefreshFailure::new(answer, Some(CORRECT_NAMES))),
        }
    }
}

/// A request as its errors name it.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whose request it is.
    pub(super) identity: &'a str,
    /// The server, and the proxy if there is one.
    pub(super) server: &'a str,
    /// Method and path.
    pub(super) place: &'a str,
}

impl Asked<'_> {
    fn failed(self, kind: ClusterErrorKind, answer: String, next: Option<&str>) -> ClusterError {
        let failure = RefreshFailure {
            identity: Some(self.identity.to_owned()),
            server: Some(self.server.to_owned()),
            ..RefreshFailure::new(answer, next)
        };
        ClusterError {
            kind,
            failure: Arc::new(failure),
        }
    }

    pub(super) fn malformed(self) -> ClusterError {
        let answer = format!("answered {} in another form than documented", self.place);
        self.failed(ClusterErrorKind::Refused, answer, Some(OTHER))
    }

    pub(super) fn no_token(self, audience: &str) -> ClusterError {
        let place = self.place;
        let answer = format!("answered {place} without a token for the audience {audience:?}");
        let next = "correct the audience in the configuration";
        self.failed(ClusterErrorKind::Refused, answer, Some(next))
    }

    pub(super) fn without_lease(self) -> ClusterError {
        let answer = format!(
            "was not sent {}: this replica no longer holds the Lease",
            self.place
        );
        self.failed(ClusterErrorKind::Standby, answer, None)
    }

    pub(super) fn too_large(self, limit: usize) -> ClusterError {
        let answer = format!("answered {} with more than {limit} bytes", self.place);
        self.failed(ClusterErrorKind::TooLarge, answer, Some(OTHER))
    }

    pub(super) fn timed_out(self) -> ClusterError {
        let answer = format!("did not answer in time: {}", self.place);
        self.failed(ClusterErrorKind::Unreachable, answer, Some(LATER))
    }

    pub(super) fn broke_off(self) -> ClusterError {
        let answer = format!("broke off its answer to {}", self.place);
        self.failed(ClusterErrorKind::Unreachable, answer, Some(LATER))
    }

    /// Of kube's errors only what cannot hold a body is shown.
    pub(super) fn unreachable(self, error: &kube::Error) -> ClusterError {
        let why = match error {
            kube::Error::Service(source) => innermost(&**source),
            kube::Error::HyperError(source) => innermost(source),
            _ => "the request could not be sent".to_owned(),
        };
        let why = plain(&why, 300);
        let (what, next) = if is_at_proxy(error) {
            ("cannot be reached: cannot connect to the proxy", AT_PROXY)
        } else {
            let next = "check its address, its certificate, and the network or proxy on the way";
            ("cannot be reached", next)
        };
        self.failed(
            ClusterErrorKind::Unreachable,
            format!("{what}: {why}"),
            Some(next),
        )
    }

    /// The identity has no credentials: why, and what to do.
    pub(super) fn no_credentials(self, (why, next): (String, Option<&str>)) -> ClusterError {
        let answer = format!("was not asked: {why}");
        self.failed(ClusterErrorKind::Unreachable, answer, next)
    }

    /// A response without success.
    pub(super) fn answered(
        self,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> ClusterError {
        let answer = serde_json::from_slice(body).unwrap_or_default();
        let after = headers
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        self.of_status(status.as_u16(), &answer, after)
    }

    /// The `ERROR` event of a watch.
    pub(super) fn in_watch(self, status: &Status) -> ClusterError {
        self.of_status(status.code, status, None)
    }

    fn of_status(self, code: u16, status: &Status, after: Option<u64>) -> ClusterError {
        let details = status.details.as_ref();
        let causes = details.map_or(&[][..], |details| &details.causes);
        let after = after.or_else(|| Some(details?.retry_after_seconds.into()));
        let after = after.filter(|seconds| *seconds > 0);
        let wait = Duration::from_secs(after.unwrap_or(1).clamp(1, 60));
        let terminating = causes.iter().any(|c| c.reason == "NamespaceTerminating");
        let kind = match code {
            404 => ClusterErrorKind::NotFound,
            409 => ClusterErrorKind::Conflict,
            410 => ClusterErrorKind::Gone,
            403 if terminating => ClusterErrorKind::Terminating,
            401 | 403 => ClusterErrorKind::Forbidden,
            400 | 422 => ClusterErrorKind::Invalid,
            429 => ClusterErrorKind::Throttled(wait),
            500.. if after.is_some() => ClusterErrorKind::Throttled(wait),
            500.. => ClusterErrorKind::Unreachable,
            _ => ClusterErrorKind::Refused,
        };
        let conflict = causes.iter().find(|c| c.reason == "FieldManagerConflict");
        let manager = conflict.and_then(|cause| cause.message.split('"').nth(1));
        let manager = manager.map(|manager| plain(manager, 100));
        let shown = format!("{code} {}", plain(&status.reason, 100));
        let mut answer = format!("answered {} to {}", shown.trim_end(), self.place);
        if let Some(manager) = &manager {
            answer.push_str(&format!(": its fields belong to {manager:?}"));
        } else if matches!(code, 403 | 404) && !status.message.is_empty() {
            // The message of a quota or a webhook, with the namespace at its end, or the name of the object or
            // namespace that does not exist. The messages of other codes may quote the object.
            let message = plain(&status.message, 1000);
            answer.push_str(&format!(": {message}"));
        } else if let Some(why) = of_etcd(&status.message) {
            answer.push_str(&format!(": {why}"));
        }
        let next = match kind {
            ClusterErrorKind::Forbidden if code == 401 => Some("renew or correct the credentials"),
            ClusterErrorKind::Forbidden => {
                Some("grant the right, or change the quota or policy that the answer names")
            }
            ClusterErrorKind::NotFound => Some("create it, or correct its name"),
            ClusterErrorKind::Conflict if manager.is_some() => {
                Some("remove it from what that manager writes, or choose another name")
            }
            ClusterErrorKind::Conflict
            | ClusterErrorKind::Gone
            | ClusterErrorKind::Throttled(_)
            | ClusterErrorKind::Unreachable => Some(LATER),
            ClusterErrorKind::Invalid => Some("correct the object in the configuration"),
            ClusterErrorKind::Terminating
            | ClusterErrorKind::TooLarge
            | ClusterErrorKind::Standby
            | ClusterErrorKind::Refused => None,
        };
        self.failed(kind, answer, next)
    }
}

/// What etcd answered, in its own fixed words, of which none quotes an object.
fn of_etcd(message: &str) -> Option<&str> {
    let of_etcd = message.strip_prefix("etcdserver: ")?;
    let is_fixed = |c: char| c.is_ascii_alphanumeric() || " :,-".contains(c);
    (of_etcd.len() < 100 && of_etcd.chars().all(is_fixed)).then_some(message)
}

const OTHER: &str =
    "check the server's address, and whether a proxy or a login page answers in its place";
const LATER: &str = "try again later";
const CORRECT_NAMES: &str = "correct the names of objects and namespaces in the configuration";

/// Whether the connection to the proxy failed, in hyper-util's words: the type has no public name.
fn is_at_proxy(error: &kube::Error) -> bool {
    let outer: &(dyn Error + 'static) = error;
    successors(Some(outer), |&error| error.source())
        .any(|error| error.to_string() == "tunnel error: failed to create underlying connection")
}

/// The cause below all layers of the HTTP client, which only repeat that something failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, body: &str, headers: &[(&'static str, &str)]) -> ClusterError {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        let status = StatusCode::from_u16(code).expect("a status");
        let asked = Asked {
            identity: "the pod's service account",
            server: "the API server k8s.test",
            place: "GET /api/v1/namespaces/a/secrets/b",
        };
        asked.answered(status, &map, body.as_bytes())
    }

    #[test]
    fn codes_and_reasons_decide() {
        assert_eq!(error(410, "{}", &[]).kind, ClusterErrorKind::Gone);
        assert_eq!(error(500, "x", &[]).kind, ClusterErrorKind::Unreachable);
        assert_eq!(
            error(429, "too many", &[("retry-after", "7")]).kind,
            ClusterErrorKind::Throttled(Duration::from_secs(7))
        );
        let body = r#"{"code":429,"details":{"retryAfterSeconds":3}}"#;
        assert_eq!(
            error(429, body, &[]).kind,
            ClusterErrorKind::Throttled(Duration::from_secs(3))
        );
        let body = r#"{"details":{"causes":[{"reason":"NamespaceTerminating"}]}}"#;
        assert_eq!(error(403, body, &[]).kind, ClusterErrorKind::Terminating);
        assert_eq!(error(403, "{}", &[]).kind, ClusterErrorKind::Forbidden);
    }

    #[test]
    fn etcd_is_quoted_when_it_is_full() {
        let full = "etcdserver: mvcc: database space exceeded";
        let body = format!(r#"{{"message":"{full}","reason":"InternalError"}}"#);
        let text = error(500, &body, &[]).to_string();
        let words =
            format!("answered 500 InternalError to GET /api/v1/namespaces/a/secrets/b: {full};");
        assert!(text.contains(&words), "{text}");
        for quoted in ["etcdserver: \\\"canary\\\"", "canary: etcdserver: x"] {
            let body = format!(r#"{{"message":"{quoted}"}}"#);
            let text = error(500, &body, &[]).to_string();
            assert!(!text.contains("etcdserver"), "{text}");
        }
    }

    #[test]
    fn a_missing_namespace_is_named() {
        let body = r#"{"reason":"NotFound","message":"namespaces \"a\" not found"}"#;
        assert_eq!(
            error(404, body, &[]).to_string(),
            "the pod's service account: the API server k8s.test answered 404 NotFound to \
             GET /api/v1/namespaces/a/secrets/b: namespaces \"a\" not found; create it, or correct its name"
        );
    }

    #[test]
    fn a_conflict_names_the_other_manager_and_no_text_is_shown_that_may_quote_an_object() {
        let body = r#"{"reason":"Conflict","message":"canary","details":{"causes":[
            {"reason":"FieldManagerConflict","message":"conflict with \"helm\" using v1"}]}}"#;
        let text = error(409, body, &[]).to_string();
        assert!(text.contains("its fields belong to \"helm\"; "), "{text}");
        let text = error(422, r#"{"reason":"Invalid","message":"canary"}"#, &[]).to_string();
        let words = "answered 422 Invalid to GET /api/v1/namespaces/a/secrets/b; correct ";
        assert!(text.contains(words) && !text.contains("canary"), "{text}");
    }
}
