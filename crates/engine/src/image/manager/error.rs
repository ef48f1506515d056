//! Why a container does not get its image: reason and message of its waiting state (kubernetes
//! `pkg/kubelet/images/types.go`, `evalCRIPullErr`).

use std::error::Error;
use std::fmt;

use regcred_core::{ReferenceError, report};
use regcred_go::{go_aggregate, go_errno, go_quote};
use regcred_keyring::PullSecretError;

use crate::credentials::Attempt;
use crate::image::records::RecordError;
use crate::plugin::PluginError;

/// Why there is no image. `Display` is the message.
#[derive(Clone, Debug)]
pub struct EnsureError {
    reason: String,
    message: String,
    attempts: Vec<Attempt>,
    failures: Vec<PluginError>,
}

impl EnsureError {
    pub(super) fn invalid_name(image: &str, error: &ReferenceError) -> Self {
        let (shown, why) = (go_quote(image), error.reason());
        let message = format!(
            "Failed to apply default image tag {shown}: couldn't parse image name {shown}: {why}"
        );
        Self::new("InvalidImageName", message)
    }

    /// The kubelet names the ID that it did not get, which is empty, and not the image.
    pub(super) fn inspect(error: &(dyn Error + 'static)) -> Self {
        let message = format!("Failed to inspect image \"\": {}", report(error));
        Self::new("ImageInspectError", message)
    }

    pub(super) fn never(image: &str) -> Self {
        let image = go_quote(image);
        let message = format!("Container image {image} is not present with pull policy of Never");
        Self::new("ErrImageNeverPull", message)
    }

    /// For a kubelet a pull secret that does not parse is a reason by itself, in the decoder's words
    /// and without the name of the Secret.
    pub(super) fn lookup(error: &PullSecretError) -> Self {
        let text = match error {
            PullSecretError::Malformed { source, .. } => source.sentence().to_owned(),
            PullSecretError::Unreadable { .. } => report(error),
        };
        Self::new(text.clone(), text)
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
        let image = go_quote(image);
        let message =
            format!("Failed to record image pull intent for container image {image}: {reason}");
        Self::new(reason, message)
    }

    pub(super) fn backoff(message: String) -> Self {
        Self::new("ImagePullBackOff", message)
    }

    pub(super) fn pull(image: &str, attempts: Vec<Attempt>, failures: Vec<PluginError>) -> Self {
        let text = go_aggregate(attempts.iter().map(|attempt| &attempt.error));
        let told = TOLD_BY_RUNTIME.iter().find_map(|(reason, because)| {
            let rest = text.strip_prefix(reason)?;
            Some((
                *reason,
                format!("image pull failed for {image} because {because}{rest}"),
            ))
        });
        let (reason, message) = told.unwrap_or(("ErrImagePull", text));
        Self {
            attempts,
            failures,
            ..Self::new(reason, message)
        }
    }

    fn new(reason: impl Into<String>, message: String) -> Self {
        Self {
            reason: reason.into(),
            message,
            attempts: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// The kubelet's word: `InvalidImageName`, `ImageInspectError`, `ErrImageNeverPull`,
    /// `ErrImagePull`, `ImagePullBackOff`, `RegistryUnavailable`, `SignatureValidationFailed`; a
    /// whole sentence where it has none, such as for a pull secret that cannot be parsed.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// The message of the waiting container.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Every credential that was tried, in order, and why it did not work.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Plugins that were asked and gave nothing: often the true cause.
    #[must_use]
    pub fn failures(&self) -> &[PluginError] {
        &self.failures
    }

    /// What the store said, equal messages once.
    pub(super) fn runtime_text(&self) -> String {
        go_aggregate(self.attempts.iter().map(|attempt| &attempt.error))
    }
}

impl fmt::Display for EnsureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for EnsureError {}

/// Words at the beginning of a runtime's text that are reasons of their own.
const TOLD_BY_RUNTIME: [(&str, &str); 2] = [
    ("RegistryUnavailable", "the registry is unavailable"),
    (
        "SignatureValidationFailed",
        "the signature validation failed",
    ),
];
