//! Which images of an index are pulled.

use std::fmt;

use crate::image::{Platform, PlatformError};

/// The platforms a pull is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformChoice {
    /// The image that runs best on this platform.
    One(Platform),
    /// Every image of an index, with what belongs to it (attestations).
    All,
}

impl Default for PlatformChoice {
    /// This machine's platform.
    fn default() -> Self {
        Self::One(Platform::host())
    }
}

impl From<Platform> for PlatformChoice {
    fn from(platform: Platform) -> Self {
        Self::One(platform)
    }
}

/// `all`, or `os/architecture[/variant]`.
impl std::str::FromStr for PlatformChoice {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "all" => Ok(Self::All),
            platform => platform.parse().map(Self::One),
        }
    }
}

impl fmt::Display for PlatformChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(platform) => platform.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_all_or_a_platform() {
        assert_eq!("all".parse(), Ok(PlatformChoice::All));
        let arm: PlatformChoice = "linux/arm64/v8".parse().expect("platform");
        assert_eq!(arm, Platform::new("linux", "arm64", "").into());
        assert_eq!(arm.to_string(), "linux/arm64");
        assert!("linux".parse::<PlatformChoice>().is_err());
    }
}
