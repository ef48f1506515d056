//! The faces: one file for each command, and for each reader of its result.

pub(crate) mod cache;
pub(crate) mod configure_docker;
pub(crate) mod docker;
pub(crate) mod help;
pub(crate) mod kubelet;
pub(crate) mod match_images;
pub(crate) mod token;

#[cfg(test)]
mod canary_tests;
