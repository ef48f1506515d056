//! Why an image may not be used, with the kubelet's reasons and messages (kubernetes
//! `pkg/kubelet/images/types.go`, `image_manager.go`).

use std::error::Error;
use std::fmt;

use regcred_core::{ErrorKind, ReferenceError, report};
use regcred_go::{go_aggregate, go_quote};

use crate::credentials::Attempt;
use crate::plugin::PluginError;

/// Why there is no image. `Display` is the text of the kubelet's event.
#[derive(Clone, Debug)]
pub struct PullError {
    image: String,
    reason: PullReason,
    message: String,
    attempts: Vec<Attempt>,
    failures: Vec<PluginError>,
}

/// The word that a kubelet puts into the status of a waiting container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PullReason {
    /// The name is no image reference.
    InvalidImageName,
    /// The store cannot say whether the image is there.
    ImageInspectError,
    /// The policy is `Never`, and the image is not there.
    ErrImageNeverPull,
    /// The pull failed.
    ErrImagePull,
}

impl PullError {
    pub(super) fn invalid_name(image: &str, error: &ReferenceError) -> Self {
        let shown = go_quote(&without_login(image));
        let reason = error.reason();
        Self::new(
            image,
            PullReason::InvalidImageName,
            format!(
                "Failed to apply default image tag {shown}: couldn't parse image name \
                 {shown}: {reason}"
            ),
        )
    }

    pub(super) fn inspect(image: &str, error: &(dyn Error + 'static)) -> Self {
        let message = format!(
            "Failed to inspect image {}: {}",
            go_quote(image),
            report(error)
        );
        Self::new(image, PullReason::ImageInspectError, message)
    }

    pub(super) fn never(image: &str) -> Self {
        let quoted = go_quote(image);
        let message = format!("Container image {quoted} is not present with pull policy of Never");
        Self::new(image, PullReason::ErrImageNeverPull, message)
    }

    pub(super) fn lookup(image: &str, error: &(dyn Error + 'static)) -> Self {
        let message = format!(
            "Failed to pull image {}: {}",
            go_quote(image),
            report(error)
        );
        Self::new(image, PullReason::ErrImagePull, message)
    }

    pub(super) fn pull(image: &str, attempts: Vec<Attempt>, failures: Vec<PluginError>) -> Self {
        let errors = go_aggregate(attempts.iter().map(|attempt| &attempt.error));
        let message = format!("Failed to pull image {}: {errors}", go_quote(image));
        Self {
            attempts,
            failures,
            ..Self::new(image, PullReason::ErrImagePull, message)
        }
    }

    fn new(image: &str, reason: PullReason, message: String) -> Self {
        Self {
            image: without_login(image),
            reason,
            message,
            attempts: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// The image as written.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.image
    }

    /// The kubelet's word for it.
    #[must_use]
    pub fn reason(&self) -> PullReason {
        self.reason
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

    /// What kind of failure the last attempt was; `None` when nothing was tried.
    #[must_use]
    pub fn kind(&self) -> Option<ErrorKind> {
        self.attempts.last().map(|attempt| attempt.kind)
    }
}

impl fmt::Display for PullError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for PullError {}

impl PullReason {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidImageName => "InvalidImageName",
            Self::ImageInspectError => "ImageInspectError",
            Self::ErrImageNeverPull => "ErrImageNeverPull",
            Self::ErrImagePull => "ErrImagePull",
        }
    }
}

impl fmt::Display for PullReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The name without what may be a login that somebody pasted (`user:password@host/...`).
fn without_login(image: &str) -> String {
    match image.rsplit_once('@') {
        Some((login, rest)) if !rest.contains(':') && login.contains(':') => format!("...@{rest}"),
        _ => image.to_owned(),
    }
}
