//! The program: command line to exit code.

use std::io::{self, Read as _, Write as _};
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
    let level = match cli.daemon {
        true => LevelFilter::INFO,
        false => LevelFilter::WARN,
    };
    match cli.daemon && cli.log_format == Output::Json {
        true => init_json_logging(&env, level, clock.clone()),
        false => init_logging(&env, level),
    }
    let outcome = block_on(run(cli, env, clock));
    match outcome.unwrap_or_else(|error| Err(error.into())) {
        Ok(code) => code.into(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{}", report(&*error));
            exit::USAGE.into()
        }
    }
}

type Failure = Box<dyn std::error::Error>;

async fn run(cli: Cli, env: Env, clock: Clock) -> Result<u8, Failure> {
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
    let cluster = match needs_cluster {
        true => Some(cluster(&cli, &plan, &env).await?),
        false => None,
    };
    let mode = Mode {
        force: cli.force,
        dry_run: cli.dry_run == Some(DryRun::Client),
        anew: cli.once && !cli.if_needed,
    };
    let refresher = Refresher::new(plan, cluster, env.clone(), clock.clone(), mode);
    if cli.print {
        let mut text = refresher.print(cli.target.as_deref()).await?;
        if let Some(name) = &cli.simple.secret {
            let namespace = cli.simple.namespaces.first().map(String::as_str);
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
    let tell = |report: &Report| print(report, cli.output);
    let reports = match cli.cleanup {
        true => refresher.cleanup(tell).await?,
        false => refresher.once(tell).await?,
    };
    if let Some(period) = cli.period {
        let next = clock.now() + TimeDelta::from_std(period.0).unwrap_or(TimeDelta::days(1));
        for sentence in refresher.too_short_for(&reports, next) {
            tracing::warn!("{sentence}");
        }
    }
    Ok(exit_code(&reports, refresher.next_attempt()))
}

fn plan(cli: &Cli, env: &Env) -> Result<Plan, Failure> {
    let specs = regcred_providers::all();
    let simple = cli.simple.clone().into_simple(cli.force);
    let config = match &cli.config {
        Some(_) if !cli.simple.clone().into_simple(false).is_empty() => {
            return Err(Box::new(ConfigError(
                "give either --config or the flags of the simple case".to_owned(),
            )));
        }
        Some(path) => read(path)?,
        None => simple.or_from(env).into_config(&specs, env)?,
    };
    Ok(Plan::new(&config, &specs, env)?)
}

fn read(path: &Path) -> Result<Config, Failure> {
    let cannot = |error| ConfigError(format!("cannot read {}: {error}", path.display()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    let read = file.take(MAX_CONFIG + 1).read_to_string(&mut text);
    if read.map_err(cannot)? as u64 > MAX_CONFIG {
        return Err(Box::new(cannot(io::Error::other(
            "it is larger than 4 MiB",
        ))));
    }
    Ok(Config::parse(&text)?)
}

async fn cluster(cli: &Cli, plan: &Plan, env: &Env) -> Result<Cluster, Failure> {
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

/// What a configuration means, for `--check`.
fn summary(plan: &Plan) -> String {
    let mut text = String::new();
    for source in &plan.sources {
        let provider = source.kind.shown();
        let hosts = source.hosts.join(" ");
        text.push_str(&format!("registry {} ({provider}): {hosts}\n", source.name));
    }
    let names = |sources: &[usize]| {
        let names: Vec<_> = sources
            .iter()
            .map(|s| plan.sources[*s].name.as_str())
            .collect();
        names.join(" ")
    };
    for secret in &plan.secrets {
        let namespaces = secret.namespaces.include.join(" ");
        text.push_str(&format!(
            "target {}: Secret {} from {} in {namespaces}\n",
            secret.target,
            secret.name,
            names(&secret.sources)
        ));
    }
    for file in &plan.files {
        text.push_str(&format!(
            "target {}: file {} from {}\n",
            file.target,
            file.path.display(),
            names(&file.sources)
        ));
    }
    text
}

const MAX_CONFIG: u64 = 4 << 20;
