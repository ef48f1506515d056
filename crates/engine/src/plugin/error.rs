//! Why a plugin fails or is skipped, in the kubelet's words.

use regcred_api::ResponseError;
use regcred_core::CacheScope;
use regcred_exec::ExecError;
use regcred_go::go_errno;
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};
use thiserror::Error;

/// Why a plugin in token mode was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// The pod has no service account, and the entry requires one.
    #[error("it requires a service account and the pod has none")]
    NoServiceAccount,
    /// The pod's account lacks a required annotation.
    #[error("required annotation {0} not found")]
    NoAnnotation(String),
}

/// Why a plugin failed, in the kubelet's words.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PluginError {
    /// The program did not run, failed, or had to be killed.
    #[error(
        "{FAILED}: error execing credential provider plugin {plugin} for image {image}: {reason}{}",
        after_colon(stderr)
    )]
    Exec {
        /// The plugin's name.
        plugin: String,
        /// The normalised name of the image.
        image: String,
        /// `exit status N`, `signal: killed`, `context deadline exceeded`, ...
        reason: String,
        /// The program's standard error, bounded.
        stderr: String,
    },
    /// The program printed a response that a kubelet rejects.
    #[error("{}{error}", failed_before(error))]
    Response {
        /// The plugin's name.
        plugin: String,
        /// Why it is rejected.
        error: ResponseError,
    },
    /// The pod's service account or its token cannot be obtained.
    #[error("{reason}")]
    ServiceAccount {
        /// The plugin's name.
        plugin: String,
        /// What cannot be obtained, and why.
        reason: String,
    },
}

impl PluginError {
    /// The name of the plugin.
    #[must_use]
    pub fn plugin(&self) -> &str {
        match self {
            Self::Exec { plugin, .. }
            | Self::Response { plugin, .. }
            | Self::ServiceAccount { plugin, .. } => plugin,
        }
    }

    /// What the kubelet does not log: which part of the response is malformed, and what is allowed.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::Response {
                error: ResponseError::Malformed(detail),
                ..
            } => Some(detail.to_string()),
            Self::Response {
                error: ResponseError::CacheKeyType(_),
                ..
            } => {
                let allowed = CacheScope::ALL.map(CacheScope::as_str);
                Some(format!(
                    "cacheKeyType must be one of {}",
                    allowed.join(", ")
                ))
            }
            _ => None,
        }
    }
}

impl Serialize for SkipReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for PluginError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut error = serializer.serialize_struct("PluginError", 2)?;
        error.serialize_field("error", &self.to_string())?;
        error.serialize_field("detail", &self.detail())?;
        error.end()
    }
}

pub(super) fn in_go_words(error: &ExecError) -> String {
    match error {
        ExecError::Start { program, source } => {
            format!("fork/exec {}: {}", program.display(), go_errno(source))
        }
        ExecError::Status { status, .. } => status.clone(),
        ExecError::TimedOut { .. } => "context deadline exceeded".to_owned(),
        ExecError::TooMuchOutput { limit, .. } => {
            format!("more than {limit} bytes on standard output")
        }
        ExecError::Io { source, .. } => go_errno(source),
        other => other.to_string(),
    }
}

/// A malformed response is a failure of the run; whether its content is acceptable is checked
/// later.
fn failed_before(error: &ResponseError) -> String {
    match error {
        ResponseError::TokenEchoed | ResponseError::CacheKeyType(_) => String::new(),
        _ => format!("{FAILED}: "),
    }
}

fn after_colon(stderr: &str) -> String {
    if stderr.is_empty() {
        return String::new();
    }
    format!(": {stderr}")
}

const FAILED: &str = "failed to get credential from external registry credential provider";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_are_allowed_are_in_the_detail() {
        let error = PluginError::Response {
            plugin: "x".to_owned(),
            error: ResponseError::CacheKeyType(String::new()),
        };
        assert_eq!(
            error.to_string(),
            "credential provider plugin did not return a valid cacheKeyType: "
        );
        let detail = error.detail().expect("a detail");
        assert_eq!(
            detail,
            "cacheKeyType must be one of Image, Registry, Global"
        );
    }
}
