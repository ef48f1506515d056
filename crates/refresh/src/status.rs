//! What the refresher knows of itself: the source of health, metrics and the status page.

mod lacking;
mod metrics;
mod page;
mod span;
mod state;
mod verdict;

pub(crate) use state::{Status, Summary};
