//! The work on one object: read it if needed, decide, write it if needed. One run and the daemon both
//! do exactly this.

mod accounts;
mod content;
mod context;
mod file;
mod once;
mod outcome;
mod secret;
mod tenant;

pub use context::{Mode, Refresher};
pub(crate) use outcome::{LastSeen, Next, Outcome};
