//! What went wrong with a request to the API server, and what to do about it. The decision hangs on
//! the answer's code and reason, never on its text.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::Call;

/// A request that failed. Holds nothing of its body.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct ClusterError {
    pub(crate) kind: Kind,
    text: String,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not there.
    NotFound,
    /// Somebody else owns it, or changed it meanwhile.
    Conflict,
    /// The resource version is too old: list again.
    Gone,
    /// No right to do this.
    Forbidden,
    /// The namespace is being deleted: leave it.
    Terminating,
    /// The object cannot be so; also a patch whose test failed.
    Invalid,
    /// Slow down, for so long.
    Throttled(Duration),
    /// No answer, or a server that fails.
    Unreachable,
    /// Anything else.
    Refused,
}

impl ClusterError {
    /// Whether the same request may succeed a little later.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.kind, Kind::Throttled(_) | Kind::Unreachable)
    }

    /// A short word for metrics.
    pub(crate) fn reason(&self) -> &'static str {
        match self.kind {
            Kind::NotFound => "not_found",
            Kind::Conflict => "conflict",
            Kind::Gone => "gone",
            Kind::Forbidden => "forbidden",
            Kind::Terminating => "terminating",
            Kind::Invalid => "invalid",
            Kind::Throttled(_) => "throttled",
            Kind::Unreachable => "unreachable",
            Kind::Refused => "refused",
        }
    }

    pub(super) fn malformed(call: &Call) -> Self {
        Self {
            kind: Kind::Refused,
            text: format!(
                "{}: the answer does not have the documented form",
                call.place()
            ),
        }
    }

    pub(super) fn unreachable(call: &Call, why: &str) -> Self {
        Self {
            kind: Kind::Unreachable,
            text: format!("{}: the API server cannot be reached: {why}", call.place()),
        }
    }

    /// Of kube's errors only what cannot hold a body is shown.
    pub(super) fn of_client(call: &Call, error: &kube::Error) -> Self {
        let why = match error {
            kube::Error::Service(source) => chain(&**source),
            kube::Error::HyperError(source) => chain(source),
            kube::Error::Auth(_) => {
                return Self {
                    kind: Kind::Unreachable,
                    text: format!("{}: no credentials for the API server", call.place()),
                };
            }
            _ => "the request could not be sent".to_owned(),
        };
        Self::unreachable(call, &why)
    }

    /// An answer that is no success, or the error event of a watch.
    pub(super) fn answered(
        call: &Call,
        status: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Self {
        let answer: Status = serde_json::from_slice(body).unwrap_or_default();
        let after = headers
            .get("retry-after")
            .and_then(|v| v.to_str().ok()?.parse().ok());
        Self::told(call, status.as_u16(), &answer, after)
    }

    /// The `ERROR` event of a watch.
    pub(super) fn in_watch(call: &Call, status: &serde_json::Value) -> Self {
        let answer: Status = serde_json::from_value(status.clone()).unwrap_or_default();
        Self::told(call, answer.code, &answer, None)
    }

    fn told(call: &Call, code: u16, answer: &Status, after: Option<u64>) -> Self {
        let after = after.unwrap_or(answer.details.retry_after_seconds);
        let causes = &answer.details.causes;
        let terminating = causes.iter().any(|c| c.reason == "NamespaceTerminating");
        let kind = match code {
            404 => Kind::NotFound,
            409 => Kind::Conflict,
            410 => Kind::Gone,
            403 if terminating => Kind::Terminating,
            401 | 403 => Kind::Forbidden,
            400 | 422 => Kind::Invalid,
            429 => Kind::Throttled(Duration::from_secs(after.clamp(1, 60))),
            500.. if after > 0 => Kind::Throttled(Duration::from_secs(after.clamp(1, 60))),
            500.. => Kind::Unreachable,
            _ => Kind::Refused,
        };
        let managers: Vec<_> = causes
            .iter()
            .filter(|cause| cause.reason == "FieldManagerConflict")
            .filter_map(|cause| cause.message.split('"').nth(1))
            .collect();
        let mut text = format!("{}: {code} {}", call.place(), answer.reason);
        match managers.first() {
            Some(manager) => text.push_str(&format!(": its fields belong to {manager:?}")),
            None => {
                // A quota's or a webhook's sentence; not for what may quote an object.
                let may_show = matches!(kind, Kind::Forbidden | Kind::Terminating);
                if may_show && !answer.message.is_empty() {
                    let message: String = answer.message.chars().take(200).collect();
                    text.push_str(&format!(": {message}"));
                }
            }
        }
        Self {
            kind,
            text: text.trim_end().to_owned(),
        }
    }
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.chars().take(300).collect()
}

/// `meta/v1 Status`, as far as it decides something.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    code: u16,
    reason: String,
    message: String,
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    causes: Vec<Cause>,
    retry_after_seconds: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: u16, body: &str, headers: &[(&'static str, &str)]) -> ClusterError {
        let call = Call::get("/api/v1/namespaces/a/secrets/b?x=1");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        let status = StatusCode::from_u16(code).expect("a status");
        ClusterError::answered(&call, status, &map, body.as_bytes())
    }

    #[test]
    fn codes_and_reasons_decide() {
        assert_eq!(error(410, "{}", &[]).kind, Kind::Gone);
        assert_eq!(error(500, "x", &[]).kind, Kind::Unreachable);
        assert_eq!(
            error(429, "too many", &[("retry-after", "7")]).kind,
            Kind::Throttled(Duration::from_secs(7))
        );
        let body = r#"{"code":429,"details":{"retryAfterSeconds":3}}"#;
        assert_eq!(
            error(429, body, &[]).kind,
            Kind::Throttled(Duration::from_secs(3))
        );
        let body = r#"{"details":{"causes":[{"reason":"NamespaceTerminating"}]}}"#;
        assert_eq!(error(403, body, &[]).kind, Kind::Terminating);
        assert_eq!(error(403, "{}", &[]).kind, Kind::Forbidden);
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
