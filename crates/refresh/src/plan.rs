//! What to keep fresh: a checked configuration, as lists of sources, Secrets and files.
//!
//! Pure: nothing is read but the environment that the providers are created with.

mod check;
mod contents;
mod secret;
mod trim;

pub use contents::Plan;
pub(crate) use contents::{FilePlan, SourceKind, SourcePlan};
pub(crate) use secret::{NAMESPACE, Namespace, SecretPlan};
pub(crate) use trim::LONGEST_VALUE;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
