//! What a server may be asked for (containerd's `docs/hosts.md`, "capabilities").

/// A request needs one of these from the server that it is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capability {
    /// Content is fetched by digest.
    Pull,
    /// A tag is resolved, which not every mirror may do.
    Resolve,
    /// Content or a tag is written, or looked for before it is written.
    Push,
}

impl Capability {
    pub(crate) const ALL: [Self; 3] = [Self::Pull, Self::Resolve, Self::Push];

    /// The name in `hosts.toml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Resolve => "resolve",
            Self::Push => "push",
        }
    }
}
