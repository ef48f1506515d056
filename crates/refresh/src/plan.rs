//! What to keep fresh: a checked configuration, as lists of sources, Secrets and files.
//!
//! Pure: nothing is read but the environment that the providers are made with.

mod check;
mod contents;
mod file;
mod namespace;
mod secret;
mod source;

pub use contents::Plan;
pub use file::FilePlan;
pub use namespace::{Namespace, Scope};
pub(crate) use secret::NAMESPACE;
pub use secret::SecretPlan;
pub use source::{SourceKind, SourcePlan};

#[cfg(test)]
mod tests;
