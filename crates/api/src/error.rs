//! Why a document could not be read.

/// What is wrong with a document and where: a field path and what was expected there, in the
/// sentence the kubelet or Go's decoder has for it. Never holds text that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WireError {
    message: String,
}

impl WireError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}
