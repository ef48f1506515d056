//! The RPM package, for rpm 4 as in RHEL 8 and newer, Amazon Linux and SUSE.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rpm::{BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder};

use crate::DistError;
use crate::contents::{AUTHORS, DESCRIPTION, DOCUMENTS, HOMEPAGE, LICENSE, SUMMARY, of_package};
use crate::packed::Packed;
use crate::release::{Release, read};

/// Writes `regcred-VERSION-1.MACHINE.rpm`.
pub(crate) fn write(release: &Release) -> Result<PathBuf, DistError> {
    let machine = release.architecture()?.machine;
    let version = release.package_version();
    let config = BuildConfig::v4()
        .compression(CompressionWithLevel::Gzip(9))
        .source_date(release.date);
    let mut builder = PackageBuilder::new("regcred", &version, LICENSE, machine, SUMMARY);
    builder
        .using_config(config)
        .release("1")
        .url(HOMEPAGE)
        .vendor(AUTHORS)
        .description(DESCRIPTION.join("\n"))
        .recommends(Dependency::any("ca-certificates"));
    let mut files = of_package(release, "usr/share/zsh/site-functions")?;
    let license = read(&release.source.join("LICENSE"))?;
    files.push(Packed::text(format!("{LICENSES}/LICENSE"), license));
    for directory in own_directories(&files) {
        builder.with_dir_entry(FileOptions::dir(format!("/{directory}")).permissions(0o755))?;
    }
    for file in files {
        let permissions = u16::try_from(file.mode).unwrap_or(0o644);
        let mut options = FileOptions::new(format!("/{}", file.path)).permissions(permissions);
        if file.path.starts_with(DOCUMENTS) {
            // Left out by an installation without documentation.
            options = options.doc();
        }
        builder.with_file_contents(file.content, options)?;
    }
    let mut bytes = Vec::new();
    builder.build()?.write(&mut bytes)?;
    release.write(&format!("regcred-{version}-1.{machine}.rpm"), &bytes)
}

/// The directories of the files that no other package has.
fn own_directories(files: &[Packed]) -> BTreeSet<&str> {
    let roots = ["usr/libexec/kubernetes", DOCUMENTS, LICENSES];
    let above = files.iter().flat_map(|file| {
        let slashes = file.path.match_indices('/');
        slashes.map(|(slash, _)| &file.path[..slash])
    });
    above
        .filter(|directory| roots.iter().any(|root| directory.starts_with(root)))
        .collect()
}

/// Where RPM systems keep licences.
const LICENSES: &str = "usr/share/licenses/regcred";
