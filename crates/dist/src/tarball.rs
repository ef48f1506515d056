//! The tarball: every program, without a place of its own on the system.

use std::path::PathBuf;

use crate::DistError;
use crate::archive::{gzip, tar};
use crate::contents::{COMMAND, REFRESHER};
use crate::documents::documents;
use crate::packed::Packed;
use crate::release::Release;

/// Writes `regcred-VERSION-TARGET.tar.gz`, all of which is in one directory of that name.
pub(crate) fn write(release: &Release) -> Result<PathBuf, DistError> {
    release.architecture()?;
    let name = format!("regcred-{}-{}", release.version, release.target);
    let mut files = Vec::new();
    let programs = [COMMAND.to_owned(), REFRESHER.to_owned()];
    for program in programs.into_iter().chain(release.plugins()?) {
        files.push(Packed::program(release, &program, &name)?);
    }
    files.extend(documents(release, &name, &["CHANGELOG.md", "LICENSE"])?);
    let bytes = gzip(&tar(&files, "", release.date)?)?;
    release.write(&format!("{name}.tar.gz"), &bytes)
}
