//! The program: command line to exit code.

use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::TimeDelta;
use clap::Parser as _;
use regcred_api::pull_secret;
use regcred_core::{Clock, Env, report};
use regcred_run::{block_on, init_json_logging, init_logging};
use secrecy::ExposeSecret as _;
use tracing::level_filters::LevelFilter;

use crate::cli::{Cli, DryRun, Output};
use crate::cluster::{Cluster, connect};
use crate::config::{Config, ConfigError, SCHEMA};
use crate::plan::Plan;
use crate::refresher::{Mode, Refresher};
use crate::report::{Report, exit, exit_code};

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            let code = if error.use_stderr() {
                exit::USAGE
            } else {
                exit::DONE
            };
            return code.into();
        }
    };
    let (env, clock) = (Env::process(), Clock::system());
    let level = if cli.daemon {
        LevelFilter::INFO
    } else {
        LevelFilter::WARN
    };
    if cli.daemon && cli.log_format == Output::Json {
        init_json_logging(&env, level, clock.clone());
    } else {
        init_logging(&env, level);
    }
    let done = block_on(run(cli, env, clock));
    match done.unwrap_or_else(|error| Err(error.into())) {
        Ok(code) => code.into(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}", report(&*error));
            exit::USAGE.into()
        }
    }
}

type BoxError = Box<dyn std::error::Error>;

async fn run(cli: Cli, env: Env, clock: Clock) -> Result<u8, BoxError> {
    if cli.schema {
        io::stdout().write_all(SCHEMA.as_bytes())?;
        return Ok(exit::DONE);
    }
    let mut plan = plan(&cli, &env)?;
    if !cli.print && plan.secrets.is_empty() && plan.files.is_empty() {
        return Err(Box::new(ConfigError(
            "no target: name a Secret (--secret) or a file (--docker-config)".to_owned(),
        )));
    }
    if let Some(address) = cli.listen {
        plan.server.address = address;
    }
    if cli.check {
        io::stdout().write_all(summary(&plan).as_bytes())?;
        return Ok(exit::DONE);
    }
    let plan = Arc::new(plan);
    let needs_cluster = !cli.print && !plan.secrets.is_empty();
    let cluster = if needs_cluster {
        Some(cluster(&cli, &plan, &env).await?)
    } else {
        None
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
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.expose_secret().trim_end().as_bytes())?;
        stdout.write_all(b"\n")?;
        return Ok(exit::DONE);
    }
    if cli.daemon {
        refresher.daemon(&env).await?;
        return Ok(exit::DONE);
    }
    let show = |report: &Report| print(report, cli.output);
    let reports = if cli.cleanup {
        refresher.cleanup(show).await?
    } else {
        refresher.once(show).await?
    };
    if let Some(period) = cli.period {
        let next = clock.now() + TimeDelta::from_std(period.0).unwrap_or(TimeDelta::days(1));
        for sentence in refresher.too_short_for(&reports, next) {
            tracing::warn!("{sentence}");
        }
    }
    Ok(exit_code(&reports, refresher.next_attempt()))
}

fn plan(cli: &Cli, env: &Env) -> Result<Plan, BoxError> {
    let specs = regcred_providers::all();
    let config = match &cli.config {
        Some(_) if !cli.single.is_empty() => {
            return Err(Box::new(ConfigError(
                "give either --config or the flags of a single target".to_owned(),
            )));
        }
        Some(path) => read(path)?,
        None => {
            let mut single = cli.single.clone();
            single.force = cli.force;
            single.or_variables(env).into_config(&specs, env)?
        }
    };
    Ok(Plan::new(&config, &specs, env)?)
}

fn read(path: &Path) -> Result<Config, ConfigError> {
    let text = regcred_files::read_text(path, MAX_CONFIG);
    let cannot = |error| ConfigError(format!("cannot read {}: {error}", path.display()));
    Config::parse(&text.map_err(cannot)?)
}

async fn cluster(cli: &Cli, plan: &Plan, env: &Env) -> Result<Cluster, BoxError> {
    let rate = plan.limits.requests_per_second;
    let cluster = connect(cli.kubeconfig.as_deref(), cli.context.as_deref(), env, rate).await?;
    Ok(match cli.dry_run {
        Some(DryRun::Server) => cluster.with_server_dry_run(),
        _ => cluster,
    })
}

fn print(report: &Report, output: Output) {
    let line = match output {
        Output::Text => report.to_string(),
        Output::Json => serde_json::to_string(report).unwrap_or_default(),
    };
    let _ = writeln!(io::stdout().lock(), "{line}");
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
        let names: Vec<_> = sources
            .iter()
            .map(|s| plan.sources[*s].registry.name.as_str())
            .collect();
        names.join(" ")
    };
    for secret in &plan.secrets {
        let namespaces = secret.namespaces.include.join(" ");
        text.push_str(&format!(
            "target {}: Secret {} from {} in {namespaces}\n",
            secret.target,
            secret.object.name,
            names(&secret.sources)
        ));
    }
    for file in &plan.files {
        text.push_str(&format!(
            "target {}: file {} from {}\n",
            file.target,
            file.file.path.display(),
            names(&file.sources)
        ));
    }
    text
}

const MAX_CONFIG: u64 = 4 * regcred_files::MIB;
