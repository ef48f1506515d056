//! An entry that is added to a configuration.

use std::fmt;

use secrecy::zeroize::Zeroizing;

/// An entry as it is written. Its variables may be secrets.
#[derive(Clone)]
pub struct NewEntry {
    /// The plugin's name.
    pub name: String,
    /// JSON on one line.
    pub json: Zeroizing<String>,
    /// An item of a YAML list: the dash in the first column, and each line with its line break.
    pub yaml: Zeroizing<String>,
}

impl fmt::Debug for NewEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewEntry").field(&self.name).finish()
    }
}
