//! What commands and plugins write when the other side repeats the secrets that it was sent: registries,
//! plugins, helpers, the container runtime. The same for calls to clouds is in `faults`, for the refresher in
//! `refresh`; where a login may stand in an answer is in the conformance suite.

mod input;
mod programs;
mod runtime;
mod sources;
mod steps;
