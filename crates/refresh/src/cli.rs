//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;

use crate::config::{Period, Simple};

/// Keep registry logins fresh: pull secrets, service accounts and docker configuration files
#[derive(Debug, Parser)]
#[command(name = "regcred-refresh", version, arg_required_else_help = true)]
#[command(
    after_help = "What to keep fresh comes from --config, or, for one target, from the flags of the \
    simple case or the variables of tools that came before: DOCKER_SECRET_NAME, TARGET_NAMESPACE, \
    EXCLUDE_NAMESPACE, DOCKER_REGISTRIES; awsaccount, awsregion, aws_assume_role, gcrurl, ACR_URL, \
    ACR_CLIENT_ID, ACR_PASSWORD, DOCKER_PRIVATE_REGISTRY_SERVER, _USER and _PASSWORD; \
    CONFIG_SECRETNAME, CONFIG_DOCKERCONFIGJSONPATH and their like.\n\
    Exit codes: 0 all is fresh, 1 usage or configuration, 2 all failed, 3 some failed, 4 a registry \
    failed but what is there stays good for a while.\n\
    REGCRED_LOG sets what is logged on standard error."
)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub(crate) struct Cli {
    /// Work on everything once
    #[arg(long, group = "what")]
    pub(crate) once: bool,

    /// Keep everything fresh until stopped
    #[arg(long, group = "what")]
    pub(crate) daemon: bool,

    /// Print a docker configuration with all logins, or with --secret a manifest; needs no cluster
    #[arg(long, group = "what")]
    pub(crate) print: bool,

    /// Remove what was written: from service accounts, Secrets of ours, entries in files
    #[arg(long, group = "what")]
    pub(crate) cleanup: bool,

    /// Check the configuration and say what it means
    #[arg(long, group = "what")]
    pub(crate) check: bool,

    /// Print the configuration's JSON schema, for editors
    #[arg(long, group = "what")]
    pub(crate) schema: bool,

    /// With --once: leave alone what is younger than half of its life
    #[arg(long)]
    pub(crate) if_needed: bool,

    /// Write nothing, and say what would be done; `server` lets the API server check it
    #[arg(long, value_name = "client|server", num_args = 0..=1, default_missing_value = "client")]
    pub(crate) dry_run: Option<DryRun>,

    /// Take over Secrets that others made
    #[arg(long)]
    pub(crate) force: bool,

    /// text or json: one line for each object
    #[arg(short, long, value_name = "FORM", default_value_t)]
    pub(crate) output: Output,

    /// With --once: time to the next run, to warn of logins that end before it
    #[arg(long, value_name = "DURATION")]
    pub(crate) period: Option<Period>,

    /// The configuration, YAML
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// With --print: only the registries of this target
    #[arg(long, value_name = "NAME")]
    pub(crate) target: Option<String>,

    /// Which cluster [default: KUBECONFIG, else the pod's own, else ~/.kube/config]
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Which context of the kubeconfig
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,

    /// With --daemon: text or json log lines
    #[arg(long, value_name = "FORM", default_value = "json")]
    pub(crate) log_format: Output,

    /// With --daemon: where to listen, instead of the configuration's address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<std::net::SocketAddr>,

    #[command(flatten)]
    pub(crate) simple: SimpleArgs,
}

/// The simple case
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Simple case")]
pub(crate) struct SimpleArgs {
    /// A registry host; repeatable
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,

    /// The provider [default: the one that serves the host]
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,

    /// An ECR account, with --region; repeatable
    #[arg(long = "account", value_name = "NUMBER")]
    accounts: Vec<String>,

    /// The account's region
    #[arg(long, value_name = "REGION")]
    region: Option<String>,

    /// The role to assume for ECR
    #[arg(long, value_name = "ARN")]
    role: Option<String>,

    /// Copy the logins of this docker configuration
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,

    /// The Secret's name
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Option<String>,

    /// A namespace by name or pattern; repeatable [default: all]
    #[arg(short, long = "namespace", value_name = "NAME")]
    pub(crate) namespaces: Vec<String>,

    /// A namespace to leave out; repeatable
    #[arg(long = "exclude-namespace", value_name = "NAME")]
    exclude: Vec<String>,

    /// A service account that gets the Secret; repeatable
    #[arg(long = "service-account", value_name = "NAME")]
    service_accounts: Vec<String>,

    /// Every service account gets it
    #[arg(long)]
    all_service_accounts: bool,

    /// A docker configuration file to keep fresh
    #[arg(long, value_name = "FILE")]
    docker_config: Option<PathBuf>,
}

/// The forms of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Output {
    #[default]
    Text,
    Json,
}

/// Who says what would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DryRun {
    Client,
    Server,
}

impl SimpleArgs {
    pub(crate) fn into_simple(self, force: bool) -> Simple {
        Simple {
            provider: self.provider,
            hosts: self.hosts,
            accounts: self.accounts,
            region: self.region,
            role: self.role,
            source_file: self.from_file,
            logins: Vec::new(),
            secret: self.secret,
            namespaces: self.namespaces,
            exclude: self.exclude,
            service_accounts: self.service_accounts,
            all_service_accounts: self.all_service_accounts,
            docker_config: self.docker_config,
            force,
        }
    }
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json".to_owned()),
        }
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl FromStr for DryRun {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "client" => Ok(Self::Client),
            "server" => Ok(Self::Server),
            _ => Err("expected client or server".to_owned()),
        }
    }
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
        assert_eq!(cli.simple.namespaces, ["x", "y"]);
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
