//! What went wrong with a request to the API server, and what to do about it. The decision depends on
//! the answer's code and reason, never on its text.

use std::error::Error;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use kube::core::{Status, request};

/// A request that failed. Holds nothing of its body.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct ClusterError {
    pub(crate) kind: ClusterErrorKind,
    text: String,
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
    /// Anything else.
    Refused,
}

/// Every word of [`ClusterError::reason`].
pub(crate) const REASONS: [&str; 9] = [
    "not_found",
    "conflict",
    "gone",
    "forbidden",
    "terminating",
    "invalid",
    "throttled",
    "unreachable",
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
            ClusterErrorKind::Refused => "refused",
        }
    }

    fn new(kind: ClusterErrorKind, text: String) -> Self {
        Self { kind, text }
    }

    pub(super) fn unbuilt(error: &request::Error) -> Self {
        let text = format!("cannot build a request to the API server: {error}");
        Self::new(ClusterErrorKind::Refused, text)
    }

    pub(super) fn malformed(place: &str) -> Self {
        let text = format!("{place}: the answer does not have the documented form");
        Self::new(ClusterErrorKind::Refused, text)
    }

    pub(super) fn no_token(place: &str, audience: &str) -> Self {
        let text = format!("{place}: the answer is not a token for the audience {audience:?}");
        Self::new(ClusterErrorKind::Refused, text)
    }

    /// `way` is the server, and the proxy if there is one.
    pub(super) fn unreachable(place: &str, way: &str, why: &str) -> Self {
        let text = format!("{place}: {way} cannot be reached: {why}");
        Self::new(ClusterErrorKind::Unreachable, text)
    }

    /// Of kube's errors only what cannot hold a body is shown.
    pub(super) fn of_client(place: &str, way: &str, error: &kube::Error) -> Self {
        let why = match error {
            kube::Error::Service(source) => innermost(&**source),
            kube::Error::HyperError(source) => innermost(source),
            _ => "the request could not be sent".to_owned(),
        };
        Self::unreachable(place, way, &why.chars().take(300).collect::<String>())
    }

    /// `why` names the user.
    pub(super) fn no_credentials(place: &str, why: &str) -> Self {
        Self::new(ClusterErrorKind::Unreachable, format!("{place}: {why}"))
    }

    /// The answer 401.
    pub(super) fn unauthorized(place: &str, way: &str, user: &str) -> Self {
        let text = format!(
            "{place}: 401 Unauthorized: {way} does not accept the credentials of {user}; renew or correct them"
        );
        Self::new(ClusterErrorKind::Forbidden, text)
    }

    /// A response without success.
    pub(super) fn answered(
        place: &str,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Self {
        let answer = serde_json::from_slice(body).unwrap_or_default();
        let after = headers
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        Self::of_status(place, status.as_u16(), &answer, after)
    }

    /// The `ERROR` event of a watch.
    pub(super) fn in_watch(place: &str, status: &Status) -> Self {
        Self::of_status(place, status.code, status, None)
    }

    fn of_status(place: &str, code: u16, status: &Status, after: Option<u64>) -> Self {
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
        let mut text = format!("{place}: {code} {}", status.reason);
        if let Some(manager) = manager {
            text.push_str(&format!(": its fields belong to {manager:?}"));
        } else if matches!(code, 403 | 404) && !status.message.is_empty() {
            // The message of a quota or a webhook, with the namespace at its end, or the name of the object or
            // namespace that does not exist. The messages of other codes may quote the object.
            let message: String = status.message.chars().take(1000).collect();
            text.push_str(&format!(": {message}"));
        }
        Self::new(kind, text.trim_end().to_owned())
    }
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

    const PLACE: &str = "GET /api/v1/namespaces/a/secrets/b";

    fn error(code: u16, body: &str, headers: &[(&'static str, &str)]) -> ClusterError {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        let status = StatusCode::from_u16(code).expect("a status");
        ClusterError::answered(PLACE, status, &map, body.as_bytes())
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
    fn a_missing_namespace_is_named() {
        let body = r#"{"reason":"NotFound","message":"namespaces \"a\" not found"}"#;
        let text = error(404, body, &[]).to_string();
        assert!(
            text.ends_with("404 NotFound: namespaces \"a\" not found"),
            "{text}"
        );
    }

    #[test]
    fn a_conflict_names_the_other_manager_and_no_text_is_shown_that_may_quote_an_object() {
        let body = r#"{"reason":"Conflict","message":"canary","details":{"causes":[
            {"reason":"FieldManagerConflict","message":"conflict with \"helm\" using v1"}]}}"#;
        let text = error(409, body, &[]).to_string();
        assert!(text.ends_with("its fields belong to \"helm\""), "{text}");
        let text = error(422, r#"{"reason":"Invalid","message":"canary"}"#, &[]).to_string();
        assert_eq!(text, "GET /api/v1/namespaces/a/secrets/b: 422 Invalid");
    }
}
