//! The tarball: every program, without a place of its own on the system.

use std::path::PathBuf;

use crate::DistError;
use crate::archive::{gzip, tar};
use crate::contents::{COMMAND, REFRESHER};
use crate::packed::Packed;
use crate::release::{Release, read};

/// Writes `regcred-VERSION-TARGET.tar.gz`, all of which is in one directory of that name.
pub(crate) fn write(release: &Release) -> Result<PathBuf, DistError> {
    release.architecture()?;
    let name = format!("regcred-{}-{}", release.version, release.target);
    let mut files = Vec::new();
    let programs = [COMMAND.to_owned(), REFRESHER.to_owned()];
    for program in programs.into_iter().chain(release.plugins()?) {
        files.push(Packed::program(release, &program, &name)?);
    }
    for document in ["README.md", "CHANGELOG.md", "LICENSE"] {
        let content = read(&release.source.join(document))?;
        files.push(Packed::text(format!("{name}/{document}"), content));
    }
    let bytes = gzip(&tar(&files, "", release.date)?)?;
    release.write(&format!("{name}.tar.gz"), &bytes)
}
