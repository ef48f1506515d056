//! What to keep fresh: a checked configuration, as lists of sources, Secrets and files.
//!
//! Pure: nothing is read but the environment that the providers are created with.

mod check;
mod contents;
mod secret;

pub use contents::Plan;
pub(crate) use contents::{FilePlan, SourceKind, SourcePlan};
pub(crate) use secret::{NAMESPACE, Namespace, SecretPlan};

#[cfg(test)]
mod tests;
