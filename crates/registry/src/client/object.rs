//! What a request is about, for the request itself and for the message when it fails.

use std::fmt;

use super::capability::Capability;
use crate::image::Digest;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// `host/path`.
    pub(crate) repository: String,
    pub(crate) part: Part,
    pub(crate) capability: Capability,
}

/// The part of a repository.
#[derive(Clone, Debug)]
pub(crate) enum Part {
    /// Not a repository: the registry, whose host is all of the name that counts.
    Registry,
    Whole,
    /// Tag or digest.
    Manifest(String),
    Blob(Digest),
}

impl Object {
    pub(crate) fn new(repository: impl Into<String>, part: Part, capability: Capability) -> Self {
        Self {
            repository: repository.into(),
            part,
            capability,
        }
    }

    /// Something that is fetched by digest.
    pub(crate) fn pulled(repository: impl Into<String>, part: Part) -> Self {
        Self::new(repository, part, Capability::Pull)
    }

    pub(crate) fn is_pushed(&self) -> bool {
        self.capability == Capability::Push
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repository = &self.repository;
        match &self.part {
            Part::Registry => f.write_str(repository.split('/').next().unwrap_or_default()),
            Part::Whole => f.write_str(repository),
            Part::Manifest(digest) if digest.contains(':') => write!(f, "{repository}@{digest}"),
            Part::Manifest(tag) => write!(f, "{repository}:{tag}"),
            Part::Blob(digest) => write!(f, "blob {digest} of {repository}"),
        }
    }
}
