//! The program: command line to exit code.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser as _;
use regcred_api::pull_secret;
use regcred_core::{Clock, Env, report};
use regcred_run::output::{self, json_line, line, note};
use regcred_run::{
    ProgramError, block_on, conclude as conclude_program, hide_secrets, init_json_logging,
    init_logging,
};
use tracing::level_filters::LevelFilter;

use crate::cli::{Cli, DryRun, Output};
use crate::cluster::connect;
use crate::conclusion::{Conclusion, exit};
use crate::config::{Config, SCHEMA, SingleTarget};
use crate::error::RunError;
use crate::failure::{PANICKED, RefreshFailure};
use crate::life::delta;
use crate::plan::Plan;
use crate::refresher::{Mode, Refresher};
use crate::report::Report;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    hide_secrets();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let text = error.render().to_string();
            if error.use_stderr() {
                note(text.trim_end());
                return exit::USAGE.into();
            }
            return conclude_program(output::write(&text)).into();
        }
    };
    let (env, clock) = (Env::process(), Clock::system());
    // Its message is not shown: it may quote what the code worked on.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "{PANICKED}");
    }));
    let logging = match (cli.daemon, cli.log_format) {
        (true, Output::Json) => init_json_logging(&env, LevelFilter::INFO, clock.clone()),
        (true, Output::Text) => init_logging(&env, LevelFilter::INFO),
        (false, _) => init_logging(&env, LevelFilter::WARN),
    };
    let as_json = cli.output == Output::Json && (cli.once || cli.cleanup);
    let as_log = cli.daemon && cli.log_format == Output::Json;
    let done = logging.and_then(|()| block_on(run(cli, env, clock.clone())));
    let done = done.unwrap_or_else(|error| Err(error.into()));
    let code = done.unwrap_or_else(|error| {
        // Standard output cannot be written.
        let program = error.downcast_ref::<ProgramError>();
        let is_bug = error
            .downcast_ref::<RunError>()
            .is_some_and(|error| error.is_bug);
        let other = if is_bug { exit::BUG } else { exit::USAGE };
        let code = program.map_or(other, ProgramError::exit_code);
        let conclusion = Conclusion::of_error(&*error, code);
        if as_log {
            note(&conclusion.log_line(clock.now()));
        } else {
            conclude(&conclusion, as_json);
        }
        code
    });
    code.into()
}

type BoxError = Box<dyn std::error::Error>;

async fn run(cli: Cli, env: Env, clock: Clock) -> Result<u8, BoxError> {
    if cli.schema {
        output::write(SCHEMA)?;
        return Ok(exit::DONE);
    }
    let mut plan = plan(&cli, &env)?;
    if !cli.print && plan.secrets.is_empty() && plan.files.is_empty() {
        let text = "no target: name a Secret (--secret) or a file (--docker-config)";
        return Err(RunError::new(text).into());
    }
    if let Some(address) = cli.listen {
        plan.server.address = address;
    }
    if cli.check {
        output::write(&summary(&plan))?;
        return Ok(exit::DONE);
    }
    let plan = Arc::new(plan);
    let cluster = if cli.print || plan.secrets.is_empty() {
        None
    } else {
        let rate = plan.limits.requests_per_second;
        let (kubeconfig, context) = (cli.kubeconfig.as_deref(), cli.context.as_deref());
        let mut cluster = connect(kubeconfig, context, &env, rate).await?;
        cluster.dry_run = cli.dry_run == Some(DryRun::Server);
        Some(cluster)
    };
    let mode = Mode {
        force: cli.force,
        dry_run: cli.dry_run == Some(DryRun::Client),
        renew_all: cli.once && !cli.if_needed,
    };
    let refresher = Refresher::new(plan, cluster, env.clone(), clock.clone(), mode);
    if cli.print {
        let mut text = refresher.print(cli.target.as_deref()).await?;
        if let Some(name) = &cli.single.secret {
            let namespace = cli.single.namespaces.first().map(String::as_str);
            text = pull_secret::render_yaml(name, namespace, &text);
        }
        output::secret(&text)?;
        return Ok(exit::DONE);
    }
    if cli.daemon {
        refresher.daemon(&env).await?;
        return Ok(exit::DONE);
    }
    // The work is finished even when its reports can no longer be written.
    let mut unwritable = None;
    let show = |report: &Report| {
        if let Err(error) = print(report, cli.output) {
            unwritable.get_or_insert(error);
        }
    };
    let reports = if cli.cleanup {
        refresher.cleanup(show).await?
    } else {
        refresher.once(show).await?
    };
    if let Some(period) = cli.period {
        let next = clock.now() + delta(period.0);
        for sentence in refresher.too_short_for(&reports, next) {
            tracing::warn!("{sentence}");
        }
    }
    if let Some(conclusion) = Conclusion::of(&reports, refresher.next_attempt()) {
        conclude(&conclusion, cli.output == Output::Json);
        return Ok(conclusion.exit_code);
    }
    match unwritable {
        Some(error) => Err(error.into()),
        None => Ok(exit::DONE),
    }
}

/// The last line, on standard error; as JSON also on standard output, which may be closed.
fn conclude(conclusion: &Conclusion, as_json: bool) {
    if as_json {
        let _ = json_line(conclusion);
    }
    note(&conclusion.to_string());
}

fn plan(cli: &Cli, env: &Env) -> Result<Plan, BoxError> {
    let specs = regcred_providers::all();
    let Some(path) = &cli.config else {
        let mut single = cli.single.clone();
        single.force = cli.force;
        let mut config = single.or_variables(env).into_config(&specs, env)?;
        config.resolve(Path::new(""))?;
        return Ok(Plan::new(&config, &specs, env)?);
    };
    if cli.single != SingleTarget::default() {
        let text = "give either --config or the flags of a single target";
        return Err(RunError::new(text).into());
    }
    let shown = path.display();
    let text = regcred_files::read_text(path, MAX_CONFIG);
    let text = text.map_err(|error| {
        let failure =
            RefreshFailure::new(error.to_string(), Some("name another file with --config"));
        RunError::at(format!("cannot read {shown}"))(failure)
    })?;
    let plan = || {
        let mut config = Config::parse(&text)?;
        config.resolve(path.parent().unwrap_or(Path::new("")))?;
        Plan::new(&config, &specs, env)
    };
    Ok(plan().map_err(|error| {
        let failure = RefreshFailure::new(report(&error), Some("correct the file"));
        RunError::at(format!("{shown} cannot be used"))(failure)
    })?)
}

fn print(report: &Report, output: Output) -> Result<(), ProgramError> {
    match output {
        Output::Text => line(&report.to_string()),
        Output::Json => json_line(report),
    }
}

/// A summary of a configuration, for `--check`.
fn summary(plan: &Plan) -> String {
    let mut text = String::new();
    for source in &plan.sources {
        let provider = source.kind.shown();
        let (name, hosts) = (&source.registry.name, source.registry.hosts.join(" "));
        text.push_str(&format!("registry {name} ({provider}): {hosts}\n"));
    }
    let names = |sources: &[usize]| {
        let names = sources.iter().map(|s| &*plan.sources[*s].registry.name);
        names.collect::<Vec<_>>().join(" ")
    };
    for secret in &plan.secrets {
        let (target, name, from) = (&secret.target, &secret.object.name, names(&secret.sources));
        let (namespaces, accounts) = (&secret.namespaces, &secret.accounts);
        text.push_str(&format!(
            "target {target}: Secret {name} from {from} in {namespaces}{accounts}\n"
        ));
    }
    for file in &plan.files {
        let (target, path, from) = (&file.target, file.file.path.display(), names(&file.sources));
        text.push_str(&format!("target {target}: file {path} from {from}\n"));
    }
    text
}

const MAX_CONFIG: u64 = 4 * regcred_files::MIB;
