//! Which files are in a package, and where.

use std::fs;
use std::path::PathBuf;

use crate::DistError;
use crate::archive::gzip;
use crate::documents::documents;
use crate::packed::Packed;
use crate::release::{Release, read};

/// What a node and its administrator need: the command, and the plugins where the pages of this project
/// lead `--image-credential-provider-bin-dir`. The refresher is not for nodes. The completions of zsh are in
/// another directory on each system.
pub(crate) fn of_package(release: &Release, zsh: &str) -> Result<Vec<Packed>, DistError> {
    let mut files = of_node(release)?;
    files.extend(manual_pages(release)?);
    for (name, path) in [
        (
            "regcred.bash",
            "usr/share/bash-completion/completions/regcred",
        ),
        (
            "regcred.fish",
            "usr/share/fish/vendor_completions.d/regcred.fish",
        ),
        ("_regcred", &format!("{zsh}/_regcred")),
    ] {
        files.push(Packed::text(path, read(&release.pages.join(name))?));
    }
    files.extend(documents(release, DOCUMENTS, &[])?);
    Ok(files)
}

fn manual_pages(release: &Release) -> Result<Vec<Packed>, DistError> {
    let directory = release.pages.join("man");
    let entries = fs::read_dir(&directory).map_err(DistError::file("read", &directory))?;
    let page = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let packed = gzip(&read(&path)?)?;
        Ok(Packed::text(format!("{MANUAL}/{name}.gz"), packed))
    };
    entries.flatten().map(|entry| page(entry.path())).collect()
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
const PLUGINS: &str = "usr/libexec/kubernetes/kubelet/plugins";
/// Where the manual pages are.
const MANUAL: &str = "usr/share/man/man1";
/// Where the documents are.
pub(crate) const DOCUMENTS: &str = "usr/share/doc/regcred";
/// The project's page.
pub(crate) const HOMEPAGE: &str = env!("CARGO_PKG_REPOSITORY");
/// The licence's name.
pub(crate) const LICENSE: &str = env!("CARGO_PKG_LICENSE");
/// Who wrote the programs.
pub(crate) const AUTHORS: &str = env!("CARGO_PKG_AUTHORS");
/// Who answers for the packages, and where.
pub(crate) const MAINTAINER: &str = concat!(
    env!("CARGO_PKG_AUTHORS"),
    " <",
    env!("CARGO_PKG_REPOSITORY"),
    "/issues>"
);
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
