//! Why a container does not get its image, with the kubelet's reasons and messages (kubernetes
//! `pkg/kubelet/images/types.go`, `image_manager.go`).

use std::error::Error;
use std::fmt;

use regcred_core::{ErrorKind, ReferenceError, report};
use regcred_go::{go_errno, go_quote};
use regcred_keyring::PullSecretError;

use super::records::RecordError;
use crate::credentials::{Attempt, AttemptError, Conclusion, CredentialsError};
use crate::plugin::PluginError;

/// Why an image is not present. `Display` is a sentence that names the image; where the kubelet has an
/// event, it is the event's text.
#[derive(Debug)]
pub struct PullError {
    image: String,
    reason: PullReason,
    text: String,
    /// Reason and message in the status of the waiting container.
    waiting: (String, String),
    cause: Option<CredentialsError>,
}

/// The kubelet's word for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PullReason {
    /// The name is not an image reference.
    InvalidImageName,
    /// The store cannot be read.
    ImageInspectError,
    /// The policy is `Never`, and the image is not in the store.
    ErrImageNeverPull,
    /// The pull failed.
    ErrImagePull,
    /// The last pull failed, and its back-off has not passed.
    ImagePullBackOff,
    /// The runtime reports that the registry is unavailable.
    RegistryUnavailable,
    /// The runtime reports that the image's signature is not valid.
    SignatureValidationFailed,
}

impl PullError {
    pub(super) fn invalid_name(image: &str, error: &ReferenceError) -> Self {
        let (shown, why) = (go_quote(&without_login(image)), error.reason());
        let text = format!(
            "Failed to apply default image tag {shown}: couldn't parse image name {shown}: {why}"
        );
        Self::new(image, PullReason::InvalidImageName, text)
    }

    /// In the status the kubelet quotes the ID that it did not get, which is empty.
    pub(super) fn inspect(image: &str, error: &AttemptError) -> Self {
        let text = |name| format!("Failed to inspect image {}: {error}", go_quote(name));
        let reason = PullReason::ImageInspectError;
        Self::new(image, reason, text(image)).waits_with(reason.as_str(), text(""))
    }

    pub(super) fn never(image: &str) -> Self {
        let quoted = go_quote(image);
        let text = format!("Container image {quoted} is not present with pull policy of Never");
        Self::new(image, PullReason::ErrImageNeverPull, text)
    }

    pub(super) fn intent(image: &str, error: &RecordError) -> Self {
        let why = match error {
            RecordError::Io {
                what: "write",
                path,
                source,
            } => {
                let temporary = format!("{}.tmp", path.display());
                let (quoted, why) = (go_quote(&temporary), go_errno(source));
                format!("failed to create temporary file {quoted}: open {temporary}: {why}")
            }
            other => report(other),
        };
        let reason = format!("failed to record image pull intent: {why}");
        let quoted = go_quote(image);
        let text =
            format!("Failed to record image pull intent for container image {quoted}: {reason}");
        Self::new(image, PullReason::ErrImagePull, text.clone()).waits_with(reason, text)
    }

    pub(super) fn backoff(image: &str, text: String) -> Self {
        Self::new(image, PullReason::ImagePullBackOff, text)
    }

    pub(super) fn credentials(image: &str, cause: CredentialsError) -> Self {
        let failed = PullReason::ErrImagePull;
        let (quoted, why) = (go_quote(image), report(&cause));
        let text = format!("Failed to pull image {quoted}: {why}");
        let error = match &cause {
            // The status contains the decoder's sentence, without the name of the Secret.
            CredentialsError::PullSecret(error) => {
                let sentence = match error {
                    PullSecretError::Malformed { source, .. } => source.sentence().to_owned(),
                    other => report(other),
                };
                Self::new(image, failed, text).waits_with(sentence.clone(), sentence)
            }
            CredentialsError::Failed { .. } => {
                let runtime = cause.to_string();
                let reported = REPORTED_BY_RUNTIME.iter().find_map(|(reason, because)| {
                    let rest = runtime.strip_prefix(reason.as_str())?;
                    Some((
                        *reason,
                        format!("image pull failed for {image} because {because}{rest}"),
                    ))
                });
                let (reason, message) = reported.unwrap_or((failed, runtime));
                Self::new(image, reason, text).waits_with(reason.as_str(), message)
            }
        };
        Self {
            cause: Some(cause),
            ..error
        }
    }

    fn new(image: &str, reason: PullReason, text: String) -> Self {
        Self {
            image: without_login(image),
            reason,
            waiting: (reason.as_str().to_owned(), text.clone()),
            text,
            cause: None,
        }
    }

    fn waits_with(self, reason: impl Into<String>, message: String) -> Self {
        Self {
            waiting: (reason.into(), message),
            ..self
        }
    }

    /// The image as written.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.image
    }

    /// The kubelet's word for the failure.
    #[must_use]
    pub fn reason(&self) -> PullReason {
        self.reason
    }

    /// The `reason` in the status of the waiting container: [`PullError::reason`], or a sentence
    /// where the kubelet does not have a word, such as for a pull secret that cannot be parsed.
    #[must_use]
    pub fn waiting_reason(&self) -> &str {
        &self.waiting.0
    }

    /// The `message` in the status of the waiting container.
    #[must_use]
    pub fn waiting_message(&self) -> &str {
        &self.waiting.1
    }

    /// Every attempt, in order.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        self.cause.as_ref().map_or(&[], CredentialsError::attempts)
    }

    /// Plugins that failed: often the cause.
    #[must_use]
    pub fn failures(&self) -> &[PluginError] {
        self.cause.as_ref().map_or(&[], CredentialsError::failures)
    }

    /// What a kubelet passes over without an error, such as a docker configuration that does not
    /// parse: often the cause.
    #[must_use]
    pub fn passed_over(&self) -> &[String] {
        let cause = self.cause.as_ref();
        cause.map_or(&[], CredentialsError::passed_over)
    }

    /// The result in one line, as of an explanation.
    #[must_use]
    pub fn verdict(&self) -> Conclusion {
        match &self.cause {
            Some(cause) => cause.verdict(),
            None => Conclusion::NotPulled {
                error: self.text.clone(),
                next_step: self.next_step().map(str::to_owned),
            },
        }
    }

    fn next_step(&self) -> Option<&'static str> {
        match self.reason {
            PullReason::ErrImageNeverPull => {
                Some("pull it first, with the policy IfNotPresent or Always")
            }
            _ => None,
        }
    }

    /// The kind of failure of the last attempt; `None` without any attempt.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.cause.as_ref().and_then(CredentialsError::kind)
    }
}

impl fmt::Display for PullError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for PullError {}

impl PullReason {
    /// The kubelet's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidImageName => "InvalidImageName",
            Self::ImageInspectError => "ImageInspectError",
            Self::ErrImageNeverPull => "ErrImageNeverPull",
            Self::ErrImagePull => "ErrImagePull",
            Self::ImagePullBackOff => "ImagePullBackOff",
            Self::RegistryUnavailable => "RegistryUnavailable",
            Self::SignatureValidationFailed => "SignatureValidationFailed",
        }
    }
}

impl fmt::Display for PullReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The name without a part that may be a login in front of a host (`user:password@host/...`).
fn without_login(image: &str) -> String {
    match image.rsplit_once('@') {
        Some((login, rest)) if !rest.contains(':') && login.contains(':') => format!("...@{rest}"),
        _ => image.to_owned(),
    }
}

/// Words at the beginning of a runtime's text that are reasons of their own.
const REPORTED_BY_RUNTIME: [(PullReason, &str); 2] = [
    (
        PullReason::RegistryUnavailable,
        "the registry is unavailable",
    ),
    (
        PullReason::SignatureValidationFailed,
        "the signature validation failed",
    ),
];

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn different_messages_are_in_brackets() {
        let attempt = |error: &str| Attempt {
            credential: None,
            error: AttemptError::text(error),
            took: Duration::ZERO,
        };
        let cause = CredentialsError::Failed {
            attempts: vec![attempt("a"), attempt("b"), attempt("a")],
            context: Box::default(),
        };
        let error = PullError::credentials("x", cause);
        assert_eq!(error.to_string(), "Failed to pull image \"x\": [a, b]");
        assert_eq!(error.waiting_message(), "[a, b]");
    }
}
