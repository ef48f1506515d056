//! Which files are in a package, and where.

use crate::DistError;
use crate::release::{Release, read};

/// A file of an archive.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    /// From the root, without a slash at its beginning.
    pub(crate) path: String,
    pub(crate) mode: u32,
    pub(crate) content: Vec<u8>,
}

impl Packed {
    pub(crate) fn text(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            mode: 0o644,
            content: content.into(),
        }
    }

    /// A program that was built, in a directory of the archive.
    pub(crate) fn program(
        release: &Release,
        name: &str,
        directory: &str,
    ) -> Result<Self, DistError> {
        Ok(Self {
            path: format!("{directory}/{name}"),
            mode: 0o755,
            content: read(&release.programs.join(name))?,
        })
    }
}

/// What a node and its administrator need: the command, and the plugins where the pages of this project
/// lead `--image-credential-provider-bin-dir`. The refresher is not for nodes.
pub(crate) fn of_package(release: &Release) -> Result<Vec<Packed>, DistError> {
    let mut files = of_node(release)?;
    let readme = read(&release.source.join("README.md"))?;
    files.push(Packed::text(format!("{DOCUMENTS}/README.md"), readme));
    Ok(files)
}

/// The programs of a node.
pub(crate) fn of_node(release: &Release) -> Result<Vec<Packed>, DistError> {
    let mut files = vec![Packed::program(release, COMMAND, "usr/bin")?];
    for plugin in release.plugins()? {
        files.push(Packed::program(release, &plugin, PLUGINS)?);
    }
    Ok(files)
}

/// The command for people.
pub(crate) const COMMAND: &str = "regcred";
/// The program that keeps pull secrets fresh.
pub(crate) const REFRESHER: &str = "regcred-refresh";
/// Where the plugins are.
pub(crate) const PLUGINS: &str = "usr/libexec/kubernetes/kubelet/plugins";
/// Where the documents are.
pub(crate) const DOCUMENTS: &str = "usr/share/doc/regcred";
/// The project's page.
pub(crate) const HOMEPAGE: &str = env!("CARGO_PKG_REPOSITORY");
/// The licence's name.
pub(crate) const LICENSE: &str = env!("CARGO_PKG_LICENSE");
/// Who answers for the packages.
pub(crate) const MAINTAINER: &str = "The regcred authors <regcred@users.noreply.github.com>";
/// One line about the packages.
pub(crate) const SUMMARY: &str = "Registry credentials for the kubelet, from every cloud";
/// More about the packages, in lines of at most 78 characters.
pub(crate) const DESCRIPTION: [&str; 5] = [
    "The kubelet's credential provider plugins for Amazon ECR, Google Artifact",
    "Registry, Azure ACR, Oracle OCIR and IBM ICR, and the command regcred, which",
    "pulls an image as the kubelet does and explains which credential it gets.",
    "The programs are linked statically. No kubelet is configured by the package:",
    "see regcred config generate.",
];
