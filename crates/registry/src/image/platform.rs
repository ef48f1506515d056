//! Platforms of images: names, their normal form, and this machine's own
//! (containerd/platforms `database.go`, `cpuinfo_linux.go`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::null::or_default;

/// What an image runs on, in the words of Go (`GOOS`, `GOARCH`). In this form it stands in an
/// index, and the same fields stand in an image's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// `linux`, `windows`, ...
    #[serde(default, deserialize_with = "or_default")]
    pub os: String,
    /// `amd64`, `arm64`, `arm`, ...
    #[serde(default, deserialize_with = "or_default")]
    pub architecture: String,
    /// `v7`, `v8`, ...; empty for none.
    #[serde(
        default,
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub variant: String,
    /// The version of Windows, `10.0.20348.1`; empty for none.
    #[serde(
        default,
        rename = "os.version",
        deserialize_with = "or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub os_version: String,
    /// What the operating system must be able to do: `win32k`.
    #[serde(
        default,
        rename = "os.features",
        deserialize_with = "or_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub os_features: Vec<String>,
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
            os_version: self.os_version.clone(),
            os_features: self.os_features.clone(),
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

/// Reads what `Display` writes, in any case and under any of an architecture's names; the result
/// is normalised.
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
        let word = |w: &str| {
            w.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        let sound = !os.is_empty()
            && !architecture.is_empty()
            && [os, architecture, variant, os_version]
                .into_iter()
                .all(word)
            && !text.ends_with(':');
        if !sound {
            return Err(fail());
        }
        let mut platform = Self::new(os, architecture, variant);
        os_version.clone_into(&mut platform.os_version);
        Ok(platform)
    }
}

/// A text that names no platform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no platform: write os/architecture or os/architecture/variant")]
pub struct PlatformError(String);

fn normal_architecture(architecture: &str, variant: &str) -> (String, String) {
    let (architecture, variant) = match architecture {
        "i386" => ("386", ""),
        "x86_64" | "x86-64" | "amd64" => match variant {
            "v1" => ("amd64", ""),
            other => ("amd64", other),
        },
        "aarch64" | "arm64" => match variant {
            "8" | "v8" | "8.0" | "v8.0" => ("arm64", ""),
            "9" | "9.0" | "v9.0" => ("arm64", "v9"),
            other => ("arm64", other),
        },
        "armhf" => ("arm", "v7"),
        "armel" => ("arm", "v6"),
        "arm" => match variant {
            "" | "7" => ("arm", "v7"),
            "5" => ("arm", "v5"),
            "6" => ("arm", "v6"),
            "8" => ("arm", "v8"),
            other => ("arm", other),
        },
        other => (other, variant),
    };
    (architecture.to_owned(), variant.to_owned())
}

#[cfg(test)]
mod tests;
