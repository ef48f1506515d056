//! What to keep fresh: a checked configuration, as lists of sources, Secrets and files.
//!
//! Pure: nothing is read but the environment that the providers are made with.

mod check;
mod contents;
mod namespace;
mod secret;
mod source;

pub(crate) use contents::FilePlan;
pub use contents::Plan;
pub(crate) use namespace::Namespace;
pub(crate) use secret::{NAMESPACE, SecretPlan};
pub(crate) use source::{SourceKind, SourcePlan};

#[cfg(test)]
mod tests;
