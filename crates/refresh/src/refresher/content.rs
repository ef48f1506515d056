//! A Secret as it is and as it should be, and what may happen between the two.
//!
//! The rules: one that the refresher did not create is left alone unless that is allowed; none is ever
//! written empty or with less than it held; entries of a source without a token stay as they are.

mod desired;
mod stored;

pub(crate) use desired::{Desired, Part};
pub(crate) use stored::Fingerprint;
