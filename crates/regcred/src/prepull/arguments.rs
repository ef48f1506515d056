//! The command line of `regcred prepull`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use regcred_engine::PullPolicy;

use crate::credential_options::{CredentialFlags, positive_duration};

/// `prepull`
#[derive(Args, Debug)]
pub(crate) struct PrepullArgs {
    /// Images to pull
    #[arg(value_name = "IMAGE", required_unless_present = "files")]
    pub(super) images: Vec<String>,

    /// List of images, or -: a name on each line, or Kubernetes manifests; repeatable
    #[arg(short, long = "file", value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Socket of the container runtime, such as unix:///run/containerd/containerd.sock [default:
    /// that of crictl's configuration, else the one that answers]
    #[arg(long, value_name = "ENDPOINT")]
    pub(super) runtime_endpoint: Option<String>,

    /// Report which images are missing, without pulling
    #[arg(long, conflicts_with_all = ["policy", "record"])]
    pub(super) check: bool,

    /// Always or IfNotPresent, for every image
    #[arg(long, value_name = "POLICY", default_value = "IfNotPresent")]
    pub(super) policy: PullPolicy,

    /// Pulls at the same time, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) parallel: u8,

    /// Attempts after a failure that may pass, such as a registry that does not respond
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) retries: u32,

    /// How long one image may take, all its attempts included
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = positive_duration)]
    pub(super) timeout: Duration,

    /// Write the kubelet's records of these pulls below --root-dir; only while no kubelet runs
    #[arg(long)]
    pub(super) record: bool,

    /// Write one JSON object per line to standard output
    #[arg(long)]
    pub(super) json: bool,

    /// Write only the results
    #[arg(short, long)]
    pub(super) quiet: bool,

    #[command(flatten)]
    pub(super) credentials: CredentialFlags,
}
