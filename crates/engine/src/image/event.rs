//! The events that a kubelet records for a pod while it ensures an image.

use std::fmt;

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Normal or a warning.
    pub kind: EventKind,
    /// `InspectFailed`, `ErrImageNeverPull`, `Pulling`, `Pulled`, `Failed` or `BackOff`.
    pub reason: &'static str,
    /// The kubelet's sentence.
    pub message: String,
}

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// `Normal`
    Normal,
    /// `Warning`
    Warning,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}: {}", self.kind, self.reason, self.message)
    }
}
