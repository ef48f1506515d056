//! Pull policies and the one that the API server fills in when a container names none
//! (kubernetes `pkg/apis/core/v1/defaults.go`).

use std::fmt;
use std::str::FromStr;

use regcred_core::ImageRef;
use serde::Serialize;

/// When the registry is asked for an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum PullPolicy {
    /// At each start, even if a copy is present.
    Always,
    /// Only if no copy is present.
    IfNotPresent,
    /// Never: a copy must be present.
    Never,
}

impl PullPolicy {
    /// The policy of a container that names none: `Always` for tag `latest`, written or implied by
    /// having neither tag nor digest; `IfNotPresent` for the rest, unreadable names included.
    #[must_use]
    pub fn default_for(image: &str) -> Self {
        let image = ImageRef::parse(image).map(ImageRef::with_default_tag);
        match image {
            Ok(image) if image.tag() == Some("latest") => Self::Always,
            _ => Self::IfNotPresent,
        }
    }

    /// The word in a pod's `imagePullPolicy`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::IfNotPresent => "IfNotPresent",
            Self::Never => "Never",
        }
    }
}

impl fmt::Display for PullPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for PullPolicy {
    type Err = UnknownPullPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Always, Self::IfNotPresent, Self::Never]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or(UnknownPullPolicy)
    }
}

/// A word that is not a pull policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("supported values: \"Always\", \"IfNotPresent\", \"Never\"")]
pub struct UnknownPullPolicy;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_decides_the_default() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        for (image, policy) in [
            ("nginx", PullPolicy::Always),
            ("nginx:latest", PullPolicy::Always),
            ("nginx:1.29", PullPolicy::IfNotPresent),
            (&format!("nginx@{digest}"), PullPolicy::IfNotPresent),
            (&format!("nginx:latest@{digest}"), PullPolicy::Always),
            (&format!("nginx:1@{digest}"), PullPolicy::IfNotPresent),
            ("NGINX:latest", PullPolicy::IfNotPresent),
            ("", PullPolicy::IfNotPresent),
        ] {
            assert_eq!(PullPolicy::default_for(image), policy, "{image}");
        }
    }

    #[test]
    fn words_are_exact() {
        for policy in [
            PullPolicy::Always,
            PullPolicy::IfNotPresent,
            PullPolicy::Never,
        ] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert!("always".parse::<PullPolicy>().is_err());
    }
}
