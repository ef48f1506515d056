//! The command lines of `images`, `rm` and `export`.

use std::path::PathBuf;

use clap::Args;

/// `images`
#[derive(Args, Debug)]
pub(crate) struct ImagesArgs {
    /// Directory of the OCI layout [default: as of regcred pull]
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,

    /// Write one JSON object per line
    #[arg(long)]
    pub(super) json: bool,
}

/// `rm`
#[derive(Args, Debug)]
pub(crate) struct RmArgs {
    /// Images to remove
    #[arg(value_name = "IMAGE", required_unless_present = "unused")]
    pub(super) images: Vec<String>,

    /// Directory of the OCI layout [default: as of regcred pull]
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,

    /// Remove only what belongs to no image, such as the layers of a tag that was pulled again
    #[arg(long, conflicts_with = "images")]
    pub(super) unused: bool,
}

/// `export`
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Images to export
    #[arg(value_name = "IMAGE", required = true)]
    pub(super) images: Vec<String>,

    /// Archive to write, or - for standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: PathBuf,

    /// Directory of the OCI layout [default: as of regcred pull]
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,
}
