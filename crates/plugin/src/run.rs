//! From the process's arguments to its exit code.

use std::process::ExitCode;
use std::time::Instant;

use regcred_core::{Clock, Env, ProviderSpec};
use regcred_run::{
    DEADLINE, ProgramError, Streams, exit_code, hide_secrets, init_logging, klog_level,
    with_streams,
};
use tracing::level_filters::LevelFilter;

use crate::command_line::{Circumstances, Command, CommandLine};
use crate::context::Context;
use crate::face::{cache, configure_docker, docker, help, kubelet, match_images, token};
use crate::output::{RegistryLogin, SecretName, TokenOutput};
use crate::program_name::{file_name, is_helper};
use crate::replaced_helper;

/// The main function of a plugin.
#[must_use]
pub fn main(spec: &ProviderSpec) -> ExitCode {
    let mut args = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned());
    let program = args.next().unwrap_or_default();
    run_as(&[spec], &program, args)
}

/// Runs as the plugin, or the credential helper, of this name for these providers: for a program
/// that is several. `args` are the arguments after the name.
#[must_use]
pub fn run_as(
    specs: &[&ProviderSpec],
    argv0: &str,
    args: impl IntoIterator<Item = String>,
) -> ExitCode {
    hide_secrets();
    let end = Instant::now() + DEADLINE;
    let invocation = Invocation {
        specs,
        argv0,
        args: args.into_iter().collect(),
        env: Env::process(),
        clock: Clock::system(),
        end,
    };
    with_streams(end, |streams| invocation.run(streams, init_logging)).into()
}

/// The login for a registry host, from the provider that serves it.
///
/// # Errors
/// When none serves it, or it issued none.
pub fn ask_login(
    specs: &[&ProviderSpec],
    env: &Env,
    host: &str,
) -> Result<RegistryLogin, ProgramError> {
    token::login(&command(specs, env), host)
}

/// Prints the credential for an image or host, from the provider that serves it.
///
/// # Errors
/// When no credential is issued, or it cannot be printed in this form.
pub fn run_token(
    specs: &[&ProviderSpec],
    env: &Env,
    image: &str,
    output: TokenOutput,
    secret: &SecretName,
) -> Result<(), ProgramError> {
    let context = command(specs, env);
    with_streams(context.end, |streams| {
        token::run(&context, Some(image), output, secret, streams)
    })
}

/// The circumstances of the command for people.
fn command<'a>(specs: &'a [&'a ProviderSpec], env: &Env) -> Context<'a> {
    Context {
        specs,
        program: "regcred",
        env: env.clone(),
        flags: Vec::new(),
        clock: Clock::system(),
        end: Instant::now() + DEADLINE,
    }
}

type StartLogging = fn(&Env, LevelFilter) -> Result<(), ProgramError>;

/// A run as a value.
struct Invocation<'a> {
    specs: &'a [&'a ProviderSpec],
    argv0: &'a str,
    args: Vec<String>,
    env: Env,
    clock: Clock,
    end: Instant,
}

impl Invocation<'_> {
    fn run(self, streams: &mut Streams<'_>, log: StartLogging) -> u8 {
        let program = match file_name(self.argv0) {
            "" => "regcred",
            name => name,
        };
        if let Some(done) = replaced_helper::run(self.specs, program, &self.args, &self.env) {
            let done = done.and_then(|text| streams.write(text.as_bytes()));
            return streams.conclude(done);
        }
        let circumstances = Circumstances {
            helper: is_helper(program),
            terminal: streams.terminal,
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
            flags: line.flags,
            clock: self.clock,
            end: self.end,
        };
        let is_information = matches!(line.command, Command::Help | Command::Version);
        if let Err(error) = log(&context.env, level)
            && !is_information
        {
            return streams.conclude(Err(error));
        }
        dispatch(&context, line.command, line.stray.as_deref(), streams)
    }
}

fn dispatch(
    context: &Context<'_>,
    command: Command,
    stray: Option<&str>,
    streams: &mut Streams<'_>,
) -> u8 {
    let done = match command {
        Command::Docker(words) => return docker::run(context, &words, streams),
        Command::Version if is_helper(context.program) => streams.text(&docker::version(context)),
        Command::Version => streams.text(&help::version(context)),
        Command::Help => streams.text(&help::help(context)),
        Command::Kubelet => kubelet::run(context, stray, streams),
        Command::Token {
            image,
            output,
            secret,
        } => token::run(context, image.as_deref(), output, &secret, streams),
        Command::MatchImages => match_images::run(context, streams),
        Command::CacheShow => cache::show(context, streams),
        Command::CacheClear => cache::clear(context, streams),
        Command::ConfigureDocker(edit) => configure_docker::run(context, edit, streams),
    };
    let named = |text| context.with_flag_names(text);
    streams.conclude(done.map_err(|error| error.reworded(named)))
}

#[cfg(test)]
pub(crate) mod testing;
