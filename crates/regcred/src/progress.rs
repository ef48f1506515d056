//! How a running pull or push is displayed: bars on a terminal, plain lines elsewhere, JSON for programs.

mod bar_line;
mod bars;
mod json;
mod lines;
mod screen;
mod short_digest;

use regcred_core::{Env, ImageRef};
use regcred_registry::{NoProgress, Progress};

use bars::Bars;
use json::JsonLines;
use lines::Lines;

/// The display of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Bars on standard error.
    Bars,
    /// Lines on standard error.
    Lines,
    /// An object for each event on standard output.
    Json,
    /// Only the result.
    Quiet,
}

impl View {
    /// `--json` wins over `--quiet`; bars need a terminal that can move its cursor.
    pub(crate) fn choose(json: bool, quiet: bool, is_terminal: bool, env: &Env) -> Self {
        let draws = is_terminal && env.get("TERM").is_some_and(|term| term != "dumb");
        match (json, quiet, draws) {
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
            Self::Lines => Box::new(Lines::new(image)),
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
        let xterm = Env::map([("TERM", "xterm")]);
        assert_eq!(View::choose(true, true, true, &xterm), View::Json);
        assert_eq!(View::choose(false, true, true, &xterm), View::Quiet);
        assert_eq!(View::choose(false, false, true, &xterm), View::Bars);
        assert_eq!(View::choose(false, false, false, &xterm), View::Lines);
    }

    #[test]
    fn a_terminal_that_cannot_move_its_cursor_has_lines() {
        for env in [
            Env::map([("TERM", "dumb")]),
            Env::map([("TERM", "")]),
            Env::default(),
        ] {
            assert_eq!(View::choose(false, false, true, &env), View::Lines);
        }
    }
}
