//! Lengths of time in the configuration and on the command line.

use std::time::Duration;

use regcred_go::GoDuration;
use serde::{Deserialize, Serialize};

/// A length of time, written as Go writes one: `1h30m`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(try_from = "GoDuration", into = "GoDuration")]
pub(crate) struct Period(pub Duration);

impl Period {
    /// A whole number of seconds.
    pub(crate) const fn seconds(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

impl TryFrom<GoDuration> for Period {
    type Error = &'static str;

    fn try_from(go: GoDuration) -> Result<Self, Self::Error> {
        go.to_std().map(Self).ok_or("the duration is negative")
    }
}

impl From<Period> for GoDuration {
    fn from(period: Period) -> Self {
        period.0.into()
    }
}

impl std::str::FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let go: GoDuration = text
            .parse()
            .map_err(|_| format!("{text:?} is not a duration such as 90s or 1h30m"))?;
        go.try_into().map_err(str::to_owned)
    }
}
