//! What a person reads: numbered steps, the commands that are run, their words with secrets masked.

use std::io::{IsTerminal as _, Write as _};

/// Prints the demo's steps.
pub(crate) struct Screen {
    step: u32,
    colour: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            step: 0,
            colour: std::io::stdout().is_terminal(),
        }
    }

    /// A line of its own, set off.
    pub(crate) fn title(&self, text: &str) {
        line(&self.bold(text));
    }

    /// The next step's heading.
    pub(crate) fn step(&mut self, text: &str) {
        self.step += 1;
        line("");
        line(&self.bold(&format!("{}. {text}", self.step)));
    }

    /// Indented text.
    pub(crate) fn say(&self, text: &str) {
        for part in text.lines() {
            line(&format!("   {part}"));
        }
    }

    /// A command line as it could be typed.
    pub(crate) fn command(&self, text: &str) {
        line(&format!("   {}", self.bold(&format!("$ {text}"))));
    }

    /// What a program said.
    pub(crate) fn quote(&self, text: &str) {
        for part in text.lines() {
            line(&format!("   | {part}"));
        }
    }

    fn bold(&self, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[1m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// A reader may stop early: a closed pipe is not a failure.
fn line(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// The text with each secret cut to its first characters and its length.
pub(crate) fn masked(text: &str, secrets: &[String]) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| {
        let shown: String = secret.chars().take(6).collect();
        text.replace(
            secret,
            &format!("{shown}…({} characters, masked here)", secret.len()),
        )
    })
}
