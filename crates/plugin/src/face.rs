//! The faces: one file for each reader of an answer.

pub(crate) mod cache;
pub(crate) mod configure_docker;
pub(crate) mod docker;
pub(crate) mod help;
pub(crate) mod import;
pub(crate) mod kubelet;
pub(crate) mod match_images;
pub(crate) mod token;

#[cfg(test)]
mod canary_tests;
