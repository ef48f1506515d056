//! A rule of the kubelet that an entry breaks.

use std::fmt;

/// A rule of the kubelet that an entry of the provider configuration breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProblem {
    /// Position in the configuration's entries; `None` if it has no entry.
    pub entry: Option<usize>,
    /// The field in the entry: `tokenAttributes.cacheType`.
    pub field: String,
    /// Position in the field, if that is a list.
    pub item: Option<usize>,
    /// The kubelet's sentence.
    pub sentence: String,
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}
