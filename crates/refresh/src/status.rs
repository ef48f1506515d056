//! What the refresher knows of itself: the source of health, metrics and the status page.

mod metrics;
mod page;
mod state;

pub(crate) use state::{Status, Summary};
