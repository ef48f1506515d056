//! `regcred completions`: what a shell completes, made from the command line's own definition.

use regcred_run::{ProgramError, output};

use crate::cli::{CompletionsArgs, command_line};

pub(crate) fn run(args: &CompletionsArgs) -> Result<(), ProgramError> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut command_line(), "regcred", &mut text);
    output::write(&String::from_utf8_lossy(&text))
}
