//! The command for people: pulls as the kubelet pulls, explains which image gets which credential,
//! prints credentials, and runs as any cloud's plugin or docker credential helper when started under
//! its name.

mod cli;
mod config;
mod credential_options;
mod engine_options;
mod explain;
mod multicall;
mod plugin;
mod progress;
mod pull;
mod store;
mod token;

use std::io;
use std::process::ExitCode;

use clap::Parser as _;
use regcred_core::Env;
use regcred_plugin::{run_as, run_helper};
use regcred_run::{conclude, exit_code, init_logging, output};
use tracing::level_filters::LevelFilter;

pub use credential_options::VARS;

use cli::{Cli, Command, ConfigCommand};
use multicall::Program;

/// The main function.
#[must_use]
pub fn main() -> ExitCode {
    let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<String> = args.collect();
    let argv0 = args.first().map_or("regcred", String::as_str);
    let rest = || args.iter().skip(1).cloned();
    match Program::of(argv0) {
        Program::Plugin(spec) => run_as(spec, argv0, rest()),
        Program::Helper => run_helper(&regcred_providers::all(), argv0, rest()),
        Program::Command => match Cli::try_parse_from(&args) {
            Ok(cli) => run(cli.command, &Env::process()),
            Err(usage) => refuse(&usage),
        },
    }
}

/// The command line as data, for the reference page.
#[must_use]
pub fn command_line() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

fn run(command: Command, env: &Env) -> ExitCode {
    // These two set up the process themselves.
    let command = match command {
        Command::Token(args) => return token::run(args, env),
        Command::Plugin(args) => return plugin::run(args),
        other => other,
    };
    init_logging(env, LevelFilter::WARN);
    let done = match command {
        Command::Pull(args) => pull::run(args, env),
        Command::Explain(args) => explain::run(&args, env),
        Command::Config(ConfigCommand::Generate(args)) => config::run(&args, env),
        Command::Token(_) | Command::Plugin(_) => Ok(()),
    };
    conclude(done, &mut io::stderr()).into()
}

/// Help and version go to standard output, errors to standard error.
fn refuse(usage: &clap::Error) -> ExitCode {
    let text = usage.render().to_string();
    if usage.use_stderr() {
        output::note(text.trim_end());
        return exit_code::USAGE.into();
    }
    conclude(output::write(&text), &mut io::stderr()).into()
}
