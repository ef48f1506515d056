//! The flags of both commands.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// `install`
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("what").required(true).args(["providers", "config"])))]
pub(crate) struct InstallArgs {
    /// Short name of a cloud whose plugin to install, with the entry of `config generate`; repeatable
    #[arg(long = "provider", value_name = "NAME")]
    pub(crate) providers: Vec<String>,

    /// CredentialProviderConfig whose entries to install, with their plugins
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Directory of the plugins' programs; one that is not there is a copy of regcred
    /// [default: that of regcred]
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,

    /// Where to put plugins on a node whose kubelet has no directory for them
    /// [default: /usr/local/lib/kubelet-credential-providers]
    #[arg(long, value_name = "DIR")]
    pub(crate) bin_dir: Option<PathBuf>,

    /// Replace plugins that are there for the same registries, and keep their entries
    #[arg(long)]
    pub(crate) replace: bool,

    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// `uninstall`
#[derive(Args, Debug)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// The node, and what to do with its kubelet.
#[derive(Args, Debug)]
pub(crate) struct NodeArgs {
    /// Change the file system below this directory, such as an image's; nothing is restarted
    #[arg(long, value_name = "DIR", conflicts_with_all = ["host", "no_restart", "wait"])]
    pub(crate) root: Option<PathBuf>,

    /// Change the host of this container, which is privileged, with hostPID and hostNetwork
    #[arg(long)]
    pub(crate) host: bool,

    /// Print every change as a unified diff, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Do not restart the kubelet: it takes the change at its next start
    #[arg(long)]
    pub(crate) no_restart: bool,

    /// How many seconds a restarted kubelet has to become healthy, before everything is put back
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) wait: u64,
}
