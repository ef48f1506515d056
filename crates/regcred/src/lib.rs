//! The command for people: pulls as the kubelet pulls, explains which image gets which credential,
//! prints credentials, and runs as any cloud's plugin or docker credential helper when started under
//! its name.

mod build;
mod check;
mod cli;
mod completions;
mod config;
mod config_format;
mod credential_options;
mod engine_options;
mod explain;
mod import;
mod install;
mod login;
mod man;
mod manifest;
mod multicall;
mod named_file;
mod plugin;
mod prepull;
mod progress;
mod pull;
mod store;
mod stored;
mod token;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextKind, ContextValue};
use regcred_core::Env;
use regcred_plugin::{is_near, run_as};
use regcred_run::{conclude, exit_code, hide_secrets, init_logging, output};
use tracing::level_filters::LevelFilter;

pub use cli::command_line;
pub use credential_options::VARS;
pub use login::VARS as LOGIN_VARS;
pub use prepull::{VARS as PREPULL_VARS, images_of_list};

use cli::{Cli, Command, ConfigCommand};

/// The main function.
#[must_use]
pub fn main() -> ExitCode {
    let args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let args: Vec<String> = args.collect();
    let argv0 = args.first().map_or("regcred", String::as_str);
    if let Some(specs) = multicall::providers_of(argv0) {
        return run_as(&specs, argv0, args.iter().skip(1).cloned());
    }
    if let Some(message) = multicall::unknown(argv0) {
        output::note(&message);
        return exit_code::USAGE.into();
    }
    match Cli::try_parse_from(&args) {
        Ok(cli) => run(cli.command, &Env::process()),
        Err(usage) => refuse(usage),
    }
}

fn run(command: Command, env: &Env) -> ExitCode {
    hide_secrets();
    // It sets up the process itself.
    if let Command::Plugin(args) = command {
        return plugin::run(args);
    }
    let done = init_logging(env, LevelFilter::WARN).and_then(|()| match command {
        Command::Token(args) => token::run(args, env),
        Command::Login(args) => login::run(args, env),
        Command::Logout(args) => login::logout::run(&args, env),
        Command::Pull(args) => pull::run(args, env),
        Command::Prepull(args) => prepull::run(&args, env),
        Command::Images(args) => stored::images(&args, env),
        Command::Rm(args) => stored::remove(&args, env),
        Command::Export(args) => stored::export(&args, env),
        Command::Explain(args) => explain::run(&args, env),
        Command::Check(args) => check::run(&args, env),
        Command::Install(args) => install::run(&args, env),
        Command::Uninstall(args) => install::run_removal(&args),
        Command::Config(ConfigCommand::Generate(args)) => config::run(&args, env),
        Command::Manifest(command) => manifest::run(command, env),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Version(args) => build::run(&args),
        Command::Plugin(_) => Ok(()),
    });
    conclude(done).into()
}

/// Help and version go to standard output, errors to standard error.
fn refuse(mut usage: clap::Error) -> ExitCode {
    // clap suggests `--` before a mistyped flag, as if it were the name of an image.
    usage.remove(ContextKind::Suggested);
    if let Some(ContextValue::String(word)) = usage.get(ContextKind::InvalidSubcommand)
        && let Some(near) = near_command(&command_line(), word)
    {
        usage.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(vec![near]),
        );
    }
    let text = usage.render().to_string();
    if usage.use_stderr() {
        output::note(text.trim_end());
        return exit_code::USAGE.into();
    }
    conclude(output::write(&text)).into()
}

/// The command for which the word may be a mistyping, with the commands that it is in.
fn near_command(command: &clap::Command, word: &str) -> Option<String> {
    command.get_subcommands().find_map(|sub| {
        let name = sub.get_name();
        if is_near(name, word) {
            return Some(name.to_owned());
        }
        near_command(sub, word).map(|inner| format!("{name} {inner}"))
    })
}
