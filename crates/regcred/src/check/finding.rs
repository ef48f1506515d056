//! A finding: what is wrong, where, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use regcred_engine::{EntryOrigin, ProviderConfig};
use regcred_files::{MIB, read};
use regcred_go::yaml::{Step, line_of};
use serde::Serialize;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// A kubelet does not start, or a plugin that was run has no usable answer.
    Error,
    /// A kubelet starts, and something does not do what its author means.
    Warning,
    /// Whether it matters depends on what the configuration does not contain.
    Note,
}

/// Where a finding is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Place {
    /// The file.
    pub(super) file: Option<PathBuf>,
    /// The line in it, counted from one.
    pub(super) line: Option<usize>,
    /// The name of the provider.
    pub(super) provider: Option<String>,
}

/// A finding, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) severity: Severity,
    pub(super) what: String,
    #[serde(flatten)]
    pub(super) place: Place,
    pub(super) fix: String,
}

impl Finding {
    pub(super) fn new(
        severity: Severity,
        place: Place,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            what: what.into(),
            place,
            fix: fix.into(),
        }
    }

    pub(super) fn error(place: Place, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Severity::Error, place, what, fix)
    }

    pub(super) fn warning(place: Place, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Severity::Warning, place, what, fix)
    }

    pub(super) fn note(place: Place, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(Severity::Note, place, what, fix)
    }
}

impl Place {
    /// A whole file, a directory or a program.
    pub(super) fn file(path: &Path) -> Self {
        Self {
            file: Some(path.to_owned()),
            ..Self::default()
        }
    }

    /// A part of a configuration file.
    pub(super) fn part(file: &Path, path: &[Step<'_>]) -> Self {
        let text = read(file, MAX_FILE).ok();
        Self {
            line: text.and_then(|text| line_of(&text, path)),
            ..Self::file(file)
        }
    }

    /// A part of an entry of a provider configuration.
    pub(super) fn entry(config: &ProviderConfig, entry: usize, part: &[Step<'_>]) -> Self {
        let (Some(provider), Some(origin)) =
            (config.providers.get(entry), config.origins.get(entry))
        else {
            return Self::default();
        };
        Self {
            provider: Some(provider.name.clone()),
            ..Self::origin(origin, part)
        }
    }

    pub(super) fn origin(origin: &EntryOrigin, part: &[Step<'_>]) -> Self {
        let mut path = vec![Step::Member("providers"), Step::Item(origin.index)];
        path.extend(part);
        Self::part(&origin.file, &path)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
        }
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        match (&self.provider, &self.file) {
            (Some(name), Some(_)) => write!(f, " (provider {name:?})"),
            (Some(name), None) => write!(f, "provider {name:?}"),
            (None, _) => Ok(()),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let place = match self.place.to_string() {
            empty if empty.is_empty() => empty,
            place => format!("{place}: "),
        };
        write!(f, "{severity}: {place}{}; fix: {}", self.what, self.fix)
    }
}

/// As the engine's own limit for configuration files.
const MAX_FILE: u64 = 64 * MIB;
