//! The command line of the verbs: docker's arguments and options, and more.

use clap::{Args, Subcommand};
use regcred_manifests::{known_platforms, known_variants};

use crate::credential_options::CredentialFlags;

/// The verbs of `docker manifest`.
#[derive(Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// Create a local manifest list for annotating and pushing to a registry
    Create(CreateArgs),
    /// Add platform and annotations to an image of a local manifest list
    Annotate(AnnotateArgs),
    /// Display a manifest or manifest list, local or of a registry
    Inspect(InspectArgs),
    /// Push a local manifest list, with the images that its repository lacks
    Push(PushArgs),
    /// Delete local manifest lists
    Rm(RmArgs),
}

/// `manifest create`
#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// Name of the list
    #[arg(value_name = "MANIFEST_LIST")]
    pub(super) list: String,

    /// Images, each in a registry or as oci:DIR:NAME in an OCI layout; the images of a list are taken
    /// one by one
    #[arg(value_name = "MANIFEST", required = true)]
    pub(super) images: Vec<String>,

    /// Amend an existing local list; images with a tag are read again
    #[arg(short, long)]
    pub(super) amend: bool,

    /// Remove images of the existing list that are for the platform of a new one
    #[arg(long, requires = "amend")]
    pub(super) replace: bool,

    /// Refuse an image that is a list itself, as docker does
    #[arg(long)]
    pub(super) refuse_lists: bool,

    #[command(flatten)]
    pub(super) access: Access,
}

/// `manifest annotate`
#[derive(Args, Debug)]
#[command(after_help = format!(
    "Operating systems and their architectures:\n{}\n\nVariants:\n{}",
    known_platforms(), known_variants()
))]
pub(crate) struct AnnotateArgs {
    /// Name of the list
    #[arg(value_name = "MANIFEST_LIST")]
    pub(super) list: String,

    /// Image of the list
    #[arg(value_name = "MANIFEST")]
    pub(super) image: String,

    /// Set operating system
    #[arg(long, value_name = "OS")]
    pub(super) os: Option<String>,

    /// Set architecture
    #[arg(long, value_name = "ARCH")]
    pub(super) arch: Option<String>,

    /// Set operating system version
    #[arg(long, value_name = "VERSION")]
    pub(super) os_version: Option<String>,

    /// Add operating system features
    #[arg(long, value_name = "NAME[,NAME]...", value_delimiter = ',')]
    pub(super) os_features: Vec<String>,

    /// Set architecture variant
    #[arg(long, value_name = "VARIANT")]
    pub(super) variant: Option<String>,

    /// Set an annotation of the image's entry, which makes the list an OCI index; repeatable
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = annotation)]
    pub(super) annotations: Vec<(String, String)>,
}

/// `manifest inspect`
#[derive(Args, Debug)]
pub(crate) struct InspectArgs {
    /// An image or list; or a local list and an image of it
    #[arg(value_name = "[MANIFEST_LIST] MANIFEST", required = true, num_args = 1..=2)]
    pub(super) names: Vec<String>,

    /// Output the whole record of each image, with its manifest and platform
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Output the exact bytes whose hash is the digest
    #[arg(long, conflicts_with = "verbose")]
    pub(super) raw: bool,

    #[command(flatten)]
    pub(super) access: Access,
}

/// `manifest push`
#[derive(Args, Debug)]
pub(crate) struct PushArgs {
    /// Name of the list
    #[arg(value_name = "MANIFEST_LIST")]
    pub(super) list: String,

    /// Remove the local list after the push
    #[arg(short, long)]
    pub(super) purge: bool,

    /// A further tag for the list; repeatable
    #[arg(long = "tag", value_name = "TAG")]
    pub(super) tags: Vec<String>,

    /// Set an annotation of the list, which makes it an OCI index; repeatable
    #[arg(long = "annotation", value_name = "KEY=VALUE", value_parser = annotation)]
    pub(super) annotations: Vec<(String, String)>,

    /// Push each Linux image as NAME-ARCH:TAG too, for configurations that name one architecture
    #[arg(long)]
    pub(super) suffix_compat: bool,

    #[command(flatten)]
    pub(super) access: Access,
}

/// `manifest rm`
#[derive(Args, Debug)]
pub(crate) struct RmArgs {
    /// Names of the lists
    #[arg(value_name = "MANIFEST_LIST", required = true)]
    pub(super) lists: Vec<String>,
}

/// How registries are asked.
#[derive(Args, Debug)]
pub(crate) struct Access {
    /// Do not verify the TLS of registries, and use plain http where a registry with a port has no TLS
    #[arg(long)]
    pub(super) insecure: bool,

    #[command(flatten)]
    pub(super) credentials: CredentialFlags,
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}
