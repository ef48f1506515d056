//! From the process's arguments to its exit code.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use regcred_core::{Clock, Env, ProviderSpec};
use regcred_run::{StdinUntil, Streams, exit_code, init_logging, klog_level};
use tracing::level_filters::LevelFilter;

use crate::chosen_provider::DEADLINE;
use crate::command_line::{Circumstances, Command, CommandLine};
use crate::context::Context;
use crate::face::import::Import;
use crate::face::{cache, configure_docker, docker, help, import, kubelet, match_images, token};
use crate::output::{SecretName, TokenOutput};

/// The main function of a plugin.
#[must_use]
pub fn main(spec: &ProviderSpec) -> ExitCode {
    let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let program = args.next().unwrap_or_default();
    run_as(spec, &program, args)
}

/// Runs as the plugin, or the credential helper, of this name: for a program that is several.
/// `args` are the arguments behind the name.
#[must_use]
pub fn run_as(
    spec: &ProviderSpec,
    argv0: &str,
    args: impl IntoIterator<Item = String>,
) -> ExitCode {
    start(&[spec], argv0, args.into_iter().collect())
}

/// Runs as a credential helper of this name for the clouds of all these providers.
#[must_use]
pub fn run_helper(
    specs: &[&ProviderSpec],
    argv0: &str,
    args: impl IntoIterator<Item = String>,
) -> ExitCode {
    start(specs, argv0, args.into_iter().collect())
}

/// Prints the credential for an image or host, of whichever provider serves it; standard error has
/// the reason when none is had.
#[must_use]
pub fn run_token(
    specs: &[&ProviderSpec],
    env: &Env,
    image: Option<&str>,
    output: TokenOutput,
    secret: &SecretName,
) -> ExitCode {
    let context = Context {
        specs,
        program: "regcred",
        env: env.clone(),
        clock: Clock::system(),
        end: Instant::now() + DEADLINE,
    };
    with_streams(context.end, |streams| {
        let done = token::run(&context, image, output, secret, streams);
        streams.conclude(done)
    })
}

/// Prints logins that are there already as a docker configuration or a Secret; standard error has
/// the reason when that cannot be.
#[must_use]
pub fn run_import(import: &Import, output: TokenOutput, secret: &SecretName) -> ExitCode {
    let terminal = io::stdin().is_terminal();
    with_streams(Instant::now() + DEADLINE, |streams| {
        let done = import::run(import, output, secret, terminal, streams);
        streams.conclude(done)
    })
}

fn start(specs: &[&ProviderSpec], argv0: &str, args: Vec<String>) -> ExitCode {
    let end = Instant::now() + DEADLINE;
    let invocation = Invocation {
        specs,
        argv0,
        args,
        env: Env::process(),
        clock: Clock::system(),
        end,
        terminal: io::stdin().is_terminal(),
    };
    with_streams(end, |streams| invocation.run(streams, init_logging))
}

fn with_streams(end: Instant, run: impl FnOnce(&mut Streams<'_>) -> u8) -> ExitCode {
    run(&mut Streams {
        stdin: &mut StdinUntil(end),
        stdout: &mut io::stdout().lock(),
        stderr: &mut io::stderr(),
    })
    .into()
}

/// A run as a value.
struct Invocation<'a> {
    specs: &'a [&'a ProviderSpec],
    argv0: &'a str,
    args: Vec<String>,
    env: Env,
    clock: Clock,
    end: Instant,
    terminal: bool,
}

impl Invocation<'_> {
    fn run(self, streams: &mut Streams<'_>, log: fn(&Env, LevelFilter)) -> u8 {
        let file_name = Path::new(self.argv0).file_name();
        let program = file_name
            .and_then(|name| name.to_str())
            .unwrap_or("regcred");
        let program = program.strip_suffix(".exe").unwrap_or(program);
        let circumstances = Circumstances {
            helper: program.starts_with("docker-credential-"),
            terminal: self.terminal,
        };
        let line = match CommandLine::parse(self.specs, self.args, circumstances) {
            Ok(line) => line,
            Err(text) => {
                streams.note(&format!("{text}; see {program} --help"));
                return exit_code::USAGE;
            }
        };
        let level = line.verbosity.map_or(LevelFilter::WARN, klog_level);
        let context = Context {
            specs: self.specs,
            program,
            env: self.env.with(line.settings),
            clock: self.clock,
            end: self.end,
        };
        log(&context.env, level);
        answer(&context, line.command, circumstances.helper, streams)
    }
}

fn answer(context: &Context<'_>, command: Command, helper: bool, streams: &mut Streams<'_>) -> u8 {
    let done = match command {
        Command::Docker(words) => return docker::run(context, &words, streams),
        Command::Version if helper => streams.write(docker::version(context).as_bytes()),
        Command::Version => streams.write(help::version(context).as_bytes()),
        Command::Help => streams.write(help::help(context).as_bytes()),
        Command::Kubelet => kubelet::run(context, streams),
        Command::Token {
            image,
            output,
            secret,
        } => token::run(context, image.as_deref(), output, &secret, streams),
        Command::MatchImages => match_images::run(context, streams),
        Command::CacheShow => cache::show(context, streams),
        Command::CacheClear => cache::clear(context, streams),
        Command::ConfigureDocker { registries } => {
            configure_docker::run(context, registries, streams)
        }
    };
    streams.conclude(done)
}

#[cfg(test)]
pub(crate) mod testing;
