//! Why a plugin fails or is skipped, in the kubelet's words.

use std::io::{self, Read as _};
use std::path::Path;

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
        /// What the reason means for a program that exists.
        advice: Option<String>,
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

    /// What the kubelet does not log: which part of the response is malformed, and what is allowed; why
    /// a program that exists does not start.
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
            Self::Exec { advice, .. } => advice.clone(),
            _ => None,
        }
    }

    /// One line: the plugin, the failure in the kubelet's words, and what the kubelet does not log.
    #[must_use]
    pub fn line(&self) -> String {
        let plugin = self.plugin();
        match self.detail() {
            Some(detail) => format!("plugin {plugin} failed: {self} ({detail})"),
            None => format!("plugin {plugin} failed: {self}"),
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

/// Why a program that exists does not start. The kernel has one word for a missing program and for
/// one whose interpreter is missing.
pub(super) fn advice_on_start(error: &ExecError) -> Option<String> {
    let ExecError::Start { program, source } = error else {
        return None;
    };
    match source.kind() {
        io::ErrorKind::NotFound if program.is_file() => Some(match interpreter(program) {
            Some(name) => {
                format!("the program exists; the interpreter {name:?} of its first line does not")
            }
            None => {
                "the program exists; the dynamic loader that it needs does not, as with musl and \
                     glibc: use one that is linked statically, or for this system"
                    .to_owned()
            }
        }),
        _ if source.raw_os_error() == Some(EXEC_FORMAT) => Some(
            "it is not a program for this machine's architecture, nor a script whose first line \
             begins with #!"
                .to_owned(),
        ),
        _ => None,
    }
}

/// The interpreter in the first line of a script.
fn interpreter(program: &Path) -> Option<String> {
    let mut start = Vec::new();
    let file = regcred_files::open(program).ok()?;
    file.take(LONGEST_FIRST_LINE).read_to_end(&mut start).ok()?;
    let line = start
        .strip_prefix(b"#!")?
        .split(|byte| *byte == b'\n')
        .next()?;
    let line = String::from_utf8_lossy(line);
    let name = line.trim_matches([' ', '\t']).split([' ', '\t']).next()?;
    Some(name.to_owned())
}

/// `ENOEXEC` of Linux and macOS.
const EXEC_FORMAT: i32 = 8;
/// As much as Linux reads.
const LONGEST_FIRST_LINE: u64 = 256;

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
