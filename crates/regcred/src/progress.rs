//! How a running pull is displayed: bars on a terminal, plain lines elsewhere, JSON for programs.

mod bars;
mod json;
mod lines;
mod short_digest;

use regcred_core::ImageRef;
use regcred_registry::{NoProgress, Progress};

use bars::Bars;
use json::JsonLines;
use lines::Lines;

/// The display of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Bars on standard error.
    Bars,
    /// A line for each change of state on standard error.
    Lines,
    /// An object for each event on standard output.
    Json,
    /// Only the result.
    Quiet,
}

impl View {
    /// `--json` wins over `--quiet`; bars need a terminal.
    pub(crate) fn choose(json: bool, quiet: bool, terminal: bool) -> Self {
        match (json, quiet, terminal) {
            (true, _, _) => Self::Json,
            (_, true, _) => Self::Quiet,
            (_, _, true) => Self::Bars,
            _ => Self::Lines,
        }
    }

    /// A listener for the pull of one image.
    pub(crate) fn listener(self, image: &ImageRef) -> Box<dyn Progress> {
        match self {
            Self::Bars => Box::new(Bars::new(image)),
            Self::Lines => Box::new(Lines),
            Self::Json => Box::new(JsonLines::new(image)),
            Self::Quiet => Box::new(NoProgress),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_follows_flags_before_the_terminal() {
        assert_eq!(View::choose(true, true, true), View::Json);
        assert_eq!(View::choose(false, true, true), View::Quiet);
        assert_eq!(View::choose(false, false, true), View::Bars);
        assert_eq!(View::choose(false, false, false), View::Lines);
    }
}
