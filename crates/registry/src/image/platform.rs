//! Platforms of images: names and their normal form (containerd/platforms `database.go`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::null::or_default;

/// What an image runs on, in Go's words (`GOOS`, `GOARCH`). The fields are those of an index entry
/// and of an image's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// `linux`, `windows`, ...
    #[serde(deserialize_with = "or_default")]
    pub os: String,
    /// `amd64`, `arm64`, `arm`, ...
    #[serde(deserialize_with = "or_default")]
    pub architecture: String,
    /// `v7`, `v8`, ...; empty for none.
    #[serde(deserialize_with = "or_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// The version of Windows, `10.0.20348.1`; empty for none.
    #[serde(rename = "os.version", deserialize_with = "or_default")]
    #[serde(skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// What the operating system must support: `win32k`.
    #[serde(rename = "os.features", deserialize_with = "or_default")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// Every other field as it was read.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Platform {
    /// A platform by operating system and architecture, in normal form.
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: &str) -> Self {
        Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            ..Self::default()
        }
        .normalised()
    }

    /// Whether it names what every image has. Some builders write `{}`, or empty names, where they
    /// know nothing.
    pub(crate) fn is_named(&self) -> bool {
        !self.os.is_empty() && !self.architecture.is_empty()
    }

    /// The platform that an image's configuration names; `None` if the configuration names none or is
    /// not the JSON object of an image.
    pub(crate) fn of_config(config: &[u8]) -> Option<Self> {
        Some(Self::in_config(config)).filter(Self::is_named)
    }

    /// The platform that an image's configuration names, with empty parts where it names none.
    pub(crate) fn in_config(config: &[u8]) -> Self {
        let platform: Self = serde_json::from_slice(config).unwrap_or_default();
        // The other fields of a configuration are not about the platform.
        Self {
            other: Map::new(),
            ..platform
        }
    }

    /// The same platform in the form that is compared: lower case, one name for each architecture,
    /// and no variant where it is the plain one (`amd64/v1`, `arm64/v8`). `arm` alone is `arm/v7`.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let os = match self.os.to_ascii_lowercase() {
            os if os == "macos" => "darwin".to_owned(),
            os => os,
        };
        let (architecture, variant) = normal_architecture(
            &self.architecture.to_ascii_lowercase(),
            &self.variant.to_ascii_lowercase(),
        );
        Self {
            os,
            architecture,
            variant,
            ..self.clone()
        }
    }
}

/// `os/architecture[/variant][:os.version]`
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        if !self.os_version.is_empty() {
            write!(f, ":{}", self.os_version)?;
        }
        Ok(())
    }
}

/// Reads what `Display` writes, in any case and by any name of the architecture; the result is
/// normalised.
impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = || PlatformError(text.chars().take(100).collect());
        let (names, os_version) = text.split_once(':').unwrap_or((text, ""));
        let parts: Vec<_> = names.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, ""),
            [os, architecture, variant] if !variant.is_empty() => (os, architecture, variant),
            _ => return Err(fail()),
        };
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        let words = [os, architecture, variant, os_version];
        let is_legal = words.iter().all(|word| word.bytes().all(legal));
        if !is_legal || os.is_empty() || architecture.is_empty() || text.ends_with(':') {
            return Err(fail());
        }
        let mut platform = Self::new(os, architecture, variant);
        os_version.clone_into(&mut platform.os_version);
        Ok(platform)
    }
}

/// A text that is not a platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a platform: write os/architecture or os/architecture/variant")]
pub struct PlatformError(String);

fn normal_architecture(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = match (architecture, variant) {
        ("i386", _) => ("386", ""),
        ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
        ("x86_64" | "x86-64", other) => ("amd64", other),
        ("aarch64" | "arm64", "8" | "v8" | "8.0" | "v8.0") => ("arm64", ""),
        ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
        ("aarch64", other) => ("arm64", other),
        ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
        ("armel", _) | ("arm", "6") => ("arm", "v6"),
        ("arm", "5") => ("arm", "v5"),
        ("arm", "8") => ("arm", "v8"),
        other => other,
    };
    (architecture.to_owned(), variant.to_owned())
}

#[cfg(test)]
mod tests;
