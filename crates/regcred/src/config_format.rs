//! The format of a configuration file.

use std::fmt;
use std::path::Path;

use clap::ValueEnum;

/// JSON or YAML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConfigFormat {
    /// Indented.
    #[default]
    Json,
    Yaml,
}

impl ConfigFormat {
    /// That of a file by its name: a kubelet reads these three extensions.
    pub(crate) fn of(file: &Path) -> Self {
        let extension = file.extension().unwrap_or_default();
        if extension == "yaml" || extension == "yml" {
            Self::Yaml
        } else {
            Self::Json
        }
    }
}

impl fmt::Display for ConfigFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        })
    }
}
