//! The command for people: pulls as a kubelet pulls, explains which image gets which credential,
//! prints credentials, and answers as any cloud's plugin or docker credential helper by the name it
//! is called under.

mod cli;
mod config;
mod credential_flags;
mod explain;
mod failure;
mod multicall;
mod node;
mod output;
mod plugin;
mod progress;
mod pull;
mod runtime;
mod store;
mod token;
mod vars;

use std::process::ExitCode;

use clap::Parser as _;
use regcred_core::{Env, report};
use regcred_plugin::{init_logging, run_as, run_helper};
use tracing::level_filters::LevelFilter;

pub use vars::VARS;

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
    // These two bring their own start and their own exit codes.
    let command = match command {
        Command::Token(args) => return token::run(args, env),
        Command::Plugin(args) => return plugin::run(args),
        other => other,
    };
    init_logging(env, LevelFilter::WARN);
    let done = match command {
        Command::Pull(args) => pull::run(args, env),
        Command::Explain(args) => explain::run(args, env),
        Command::Config(ConfigCommand::Generate(args)) => config::run(&args, env),
        Command::Token(_) | Command::Plugin(_) => Ok(()),
    };
    match done {
        Ok(()) => ExitCode::from(regcred_plugin::exit_code::DONE),
        Err(failure) => {
            // A failure that has been told already has no words left.
            let line = report(&failure);
            if !line.is_empty() {
                output::note(&line);
            }
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Help and version go to standard output, mistakes to standard error.
fn refuse(usage: &clap::Error) -> ExitCode {
    let text = usage.render().to_string();
    let written = match usage.use_stderr() {
        true => {
            output::note(text.trim_end());
            Ok(())
        }
        false => output::whole(&text),
    };
    ExitCode::from(match written {
        Ok(()) if usage.use_stderr() => regcred_plugin::exit_code::USAGE,
        Ok(()) => regcred_plugin::exit_code::DONE,
        Err(_) => regcred_plugin::exit_code::BUG,
    })
}
