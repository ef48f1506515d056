//! The command line.

use std::path::PathBuf;

use clap::Parser;

use crate::config::{Period, SingleTarget};

/// Keep registry logins fresh: pull secrets, service accounts and docker configuration files
#[derive(Debug, Parser)]
#[command(name = "regcred-refresh", version, arg_required_else_help = true)]
#[command(
    after_help = "What to keep fresh comes from --config, or, for a single target, from flags or from \
    the variables of the tools that regcred replaces: DOCKER_SECRET_NAME, TARGET_NAMESPACE, \
    EXCLUDE_NAMESPACE, DOCKER_REGISTRIES; awsaccount, awsregion, aws_assume_role, gcrurl, ACR_URL, \
    ACR_CLIENT_ID, ACR_PASSWORD, DOCKER_PRIVATE_REGISTRY_SERVER, _USER and _PASSWORD; \
    CONFIG_SECRETNAME, CONFIG_DOCKERCONFIGJSONPATH and others.\n\
    Exit codes: 0 everything is up to date, 1 bug, 2 usage, configuration or everything failed, 3 something \
    failed, 4 a registry failed, but every object holds a login that is still valid, 9 unwritable output.\n\
    REGCRED_LOG sets what is logged on standard error."
)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Cli {
    /// Process everything once
    #[arg(long, group = "what")]
    pub(crate) once: bool,

    /// Keep everything fresh until stopped
    #[arg(long, group = "what")]
    pub(crate) daemon: bool,

    /// Print a docker configuration with all logins, or with --secret a manifest; needs no cluster
    #[arg(long, group = "what")]
    pub(crate) print: bool,

    /// Remove what was written: names in service accounts, our Secrets, entries in files
    #[arg(long, group = "what")]
    pub(crate) cleanup: bool,

    /// Check the configuration and print a summary
    #[arg(long, group = "what")]
    pub(crate) check: bool,

    /// Print the configuration's JSON schema, for editors
    #[arg(long, group = "what")]
    pub(crate) schema: bool,

    /// With --once: skip logins that are younger than half of their lifetime
    #[arg(long)]
    pub(crate) if_needed: bool,

    /// Write nothing, and report what would be done; `server` lets the API server check it
    #[arg(long, value_enum, value_name = "client|server", num_args = 0..=1, default_missing_value = "client", hide_possible_values = true)]
    pub(crate) dry_run: Option<DryRun>,

    /// Take over Secrets that the refresher did not create
    #[arg(long)]
    pub(crate) force: bool,

    /// Output format: one line for each object
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: Output,

    /// With --once: the time until the next run; warns of logins that expire before it
    #[arg(long, value_name = "DURATION")]
    pub(crate) period: Option<Period>,

    /// The configuration file, YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// With --print: only the registries of this target
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,

    /// The cluster [default: KUBECONFIG, else the pod's own, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// With --daemon: format of log lines
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "json")]
    pub(crate) log_format: Output,

    /// With --daemon: the address to listen on; overrides the configuration
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<std::net::SocketAddr>,

    #[command(flatten)]
    pub(crate) single: SingleTarget,
}

/// The formats of reports and log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
}

/// Who checks what would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DryRun {
    Client,
    Server,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("regcred-refresh").chain(line.split_whitespace()))
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_run_says_what_it_is() {
        let cli = parse("--once --if-needed --dry-run --config /c.yaml").expect("sound");
        assert!(cli.once && cli.if_needed);
        assert_eq!(cli.dry_run, Some(DryRun::Client));
        let cli = parse("--once --dry-run=server --host a.io --secret s -n x -n y").expect("sound");
        assert_eq!(cli.dry_run, Some(DryRun::Server));
        assert_eq!(cli.single.namespaces, ["x", "y"]);
        for line in [
            "",
            "--once --daemon",
            "--once --dry-run=none",
            "--config x",
            "--once --output xml",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
