//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use regcred_engine::PullPolicy;
use regcred_plugin::output::TokenOutput;
use regcred_registry::PlatformChoice;

use crate::config_format::ConfigFormat;
use crate::credential_options::CredentialFlags;
use crate::install::{InstallArgs, UninstallArgs};
use crate::manifest::ManifestCommand;
use crate::prepull::PrepullArgs;
use crate::stored::{ExportArgs, ImagesArgs, RmArgs};

/// Registry credentials for every cloud, and image pulls exactly as the kubelet does them
#[derive(Debug, Parser)]
#[command(name = "regcred", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 success, 1 bug, or errors found by check, 2 usage, 3 registry not served, 4 not \
    configured, 5 no identity, 6 denied, 7 unreachable or throttled, 8 malformed response, \
    9 unwritable output, 141 closed output.\n\
    REGCRED_LOG sets what is logged on standard error, REGCRED_CACHE where credentials are cached.\n\
    Started under the name of a plugin or docker credential helper, regcred runs as that program."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command line as data, for the reference page, completions and manual pages.
#[must_use]
pub fn command_line() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print the credential for a registry, issued by the provider that serves it
    Token(TokenArgs),
    /// Write the login for a registry to docker's or podman's configuration: that of the provider which
    /// serves it, or one from the command line, which the registry is asked to accept
    Login(LoginArgs),
    /// Remove logins from docker's or podman's configuration
    Logout(LogoutArgs),
    /// Pull images into an OCI layout as the kubelet pulls them
    Pull(PullArgs),
    /// Pull images into the node's container runtime with the credentials of its kubelet
    Prepull(PrepullArgs),
    /// List the images that pulls have stored
    Images(ImagesArgs),
    /// Remove images from the store, and what no other image needs
    Rm(RmArgs),
    /// Write images of the store as one archive for skopeo, ctr, podman and docker
    Export(ExportArgs),
    /// Show which credentials an image gets, from where, in which order, and why
    Explain(ExplainArgs),
    /// Check a node's configuration as its kubelet does at its start, and for mistakes that a kubelet
    /// accepts
    Check(CheckArgs),
    /// Put plugins, their configuration and the kubelet's flags on this node, with a way back
    Install(InstallArgs),
    /// Put everything back as it was before install
    Uninstall(UninstallArgs),
    /// Generate configuration files
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Build lists of images for several platforms, as docker manifest does
    #[command(subcommand)]
    Manifest(ManifestCommand),
    /// Run as one cloud's plugin or docker credential helper, without a symlink of that name
    Plugin(PluginArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Print a manual page
    Man(ManArgs),
    /// Print the version and of what it was built
    Version(VersionArgs),
}

/// The kinds of configuration files.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a CredentialProviderConfig for the kubelet, or add its providers to a file
    Generate(GenerateArgs),
}

/// `token`
#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// The image or its registry host; with --from-file the registries to copy [default: all]; with
    /// --username the key of the entry [default: Docker Hub's]
    #[arg(value_name = "IMAGE|HOST", required_unless_present_any = ["from_file", "username"])]
    pub(crate) images: Vec<String>,

    /// text, json, docker-config or kubernetes-secret
    #[arg(short, long, value_name = "FORM", default_value_t)]
    pub(crate) output: TokenOutput,

    /// Name of the Kubernetes Secret
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Namespace of the Kubernetes Secret
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,

    /// Copy the logins of this docker configuration, or of -, instead of asking a provider
    #[arg(long, value_name = "FILE", conflicts_with = "username")]
    pub(crate) from_file: Option<PathBuf>,

    /// Write this login instead of asking a provider; needs --password-stdin
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub(crate) username: Option<String>,

    /// Read the password from standard input, without one final line break
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,

    /// Email address of the login
    #[arg(long, value_name = "ADDRESS", requires = "username")]
    pub(crate) email: Option<String>,
}

/// `login`
#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// The registry's host [default: Docker Hub's]
    #[arg(value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// Write this login instead of asking a provider; the password is asked for on a terminal
    #[arg(short, long, value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// Read the password from standard input, without one final line break
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,

    #[command(flatten)]
    pub(crate) file: LoginFileArgs,
}

/// `logout`
#[derive(Args, Debug)]
pub(crate) struct LogoutArgs {
    /// The registry's host [default: Docker Hub's]
    #[arg(value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// Remove the logins of all registries
    #[arg(short, long, conflicts_with = "host")]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) file: LoginFileArgs,
}

/// Which file of logins.
#[derive(Args, Debug)]
pub(crate) struct LoginFileArgs {
    /// The file with the logins [default: docker's config.json]
    #[arg(long, value_name = "FILE")]
    pub(crate) authfile: Option<PathBuf>,

    /// Podman's file: that of REGISTRY_AUTH_FILE, else containers/auth.json in XDG_RUNTIME_DIR
    #[arg(long, conflicts_with = "authfile")]
    pub(crate) podman: bool,
}

/// `completions`
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: Shell,
}

/// `man`
#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The command [default: regcred itself]
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,

    /// Write the pages of all commands to this directory
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(crate) dir: Option<PathBuf>,
}

/// `version`
#[derive(Args, Debug)]
pub(crate) struct VersionArgs {
    /// Write one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `pull`
#[derive(Args, Debug)]
pub(crate) struct PullArgs {
    /// Images to pull
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) images: Vec<String>,

    /// Directory of the OCI layout [default: /var/lib/regcred/images for root, else
    /// $XDG_DATA_HOME/regcred/images or ~/.local/share/regcred/images]
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,

    /// Always, IfNotPresent or Never [default: by the tag, as Kubernetes does]
    #[arg(long)]
    pub(crate) policy: Option<PullPolicy>,

    /// Platform: OS/ARCH[/VARIANT], or all [default: this machine's]
    #[arg(long, value_name = "PLATFORM")]
    pub(crate) platform: Option<PlatformChoice>,

    /// Do not sync images to disk: a power failure may lose them, a killed process does not
    #[arg(long)]
    pub(crate) no_sync: bool,

    /// Write one JSON object per line to standard output
    #[arg(long)]
    pub(crate) json: bool,

    /// Write only the results
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) credentials: CredentialFlags,
}

/// `explain`
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// Image to explain
    #[arg(value_name = "IMAGE")]
    pub(crate) image: String,

    /// Run the plugins and ask the registry with each credential
    #[arg(long = "try")]
    pub(crate) tries: bool,

    /// Write one JSON object to standard output
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) credentials: CredentialFlags,
}

/// `check`
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// Images that must get an answer: the plugins that match them are run
    #[arg(value_name = "IMAGE")]
    pub(crate) images: Vec<String>,

    /// Take flags, feature gates, environment and working directory from the running kubelet
    #[arg(long)]
    pub(crate) node: bool,

    /// Write one JSON object to standard output
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) credentials: CredentialFlags,
}

/// `config generate`
#[derive(Args, Debug)]
pub(crate) struct GenerateArgs {
    /// Short name of a cloud; repeatable [default: all]
    #[arg(long = "provider", value_name = "NAME")]
    pub(crate) providers: Vec<String>,

    /// Argument of the plugin; repeatable
    #[arg(long = "arg", value_name = "ARG", allow_hyphen_values = true)]
    pub(crate) args: Vec<String>,

    /// Variable of the plugin, never a secret: other users can read a command line; repeatable
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) env: Vec<String>,

    /// Send the plugin tokens of the pods' service accounts for this audience (tokenAttributes)
    #[arg(long = "service-account-token-audience", value_name = "AUDIENCE")]
    pub(crate) audience: Option<String>,

    /// For how long answers are kept: ServiceAccount, or Token if they are bound to the pod's token
    #[arg(
        long,
        value_name = "TYPE",
        default_value = "ServiceAccount",
        requires = "audience"
    )]
    pub(crate) cache_type: String,

    /// Skip the plugin for pods without a service account
    #[arg(long, requires = "audience")]
    pub(crate) require_service_account: bool,

    /// Annotation of the service account without which the plugin is skipped; repeatable
    #[arg(long = "required-service-account-annotation-key", value_name = "KEY")]
    #[arg(requires_all = ["audience", "require_service_account"])]
    pub(crate) required_annotations: Vec<String>,

    /// Annotation of the service account that is sent if it exists; repeatable
    #[arg(long = "optional-service-account-annotation-key", value_name = "KEY")]
    #[arg(requires_all = ["audience", "require_service_account"])]
    pub(crate) optional_annotations: Vec<String>,

    /// json or yaml [default: by the name of the file, else json]
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    pub(crate) format: Option<ConfigFormat>,

    /// Write this file, or add to it the providers that it does not have
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Print the ClusterRole and its binding that let nodes request the tokens, for kubectl apply
    #[arg(long)]
    pub(crate) rbac: bool,
}

/// `plugin`
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub(crate) struct PluginArgs {
    /// Short name of a cloud, or any name of its plugin or helper
    #[arg(allow_hyphen_values = true)]
    pub(crate) name: String,

    /// Arguments of that program
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) args: Vec<String>,
}

#[cfg(test)]
mod tests;
