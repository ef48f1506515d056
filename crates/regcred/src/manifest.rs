//! `regcred manifest`: `docker manifest` without docker, over the same local lists, with the
//! credentials of a pull.

mod annotate;
mod arguments;
mod create;
mod image_entries;
mod inspect;
mod local;
mod push;
mod remove;
mod session;
mod suffix;

use regcred_core::Env;
use regcred_run::ProgramError;

pub(crate) use arguments::ManifestCommand;

pub(crate) fn run(command: ManifestCommand, env: &Env) -> Result<(), ProgramError> {
    match command {
        ManifestCommand::Create(args) => create::run(&args, env),
        ManifestCommand::Annotate(args) => annotate::run(args, env),
        ManifestCommand::Inspect(args) => inspect::run(&args, env),
        ManifestCommand::Push(args) => push::run(&args, env),
        ManifestCommand::Rm(args) => remove::run(&args, env),
    }
}
