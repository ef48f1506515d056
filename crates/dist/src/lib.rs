//! Packs the programs that `make dist` built: a tarball, a Debian and an RPM package, and an OCI image
//! layout with the images of the node's installer and of the refresher.
//!
//! The same programs and the same `SOURCE_DATE_EPOCH` make the same bytes, on every machine: no name of a
//! user or host, no time and no order of a directory gets in.

mod archive;
mod contents;
mod deb;
mod documents;
mod error;
mod image;
mod packed;
mod release;
mod rpm_package;
mod sbom;
mod tarball;

pub use error::DistError;
pub use release::Release;
pub use sbom::linked_only;

use std::path::PathBuf;

/// Writes everything that a release for this target has, and returns the files.
///
/// # Errors
/// When a program or document is missing, or a file cannot be written.
pub fn pack(release: &Release) -> Result<Vec<PathBuf>, DistError> {
    let mut files = vec![tarball::write(release)?];
    // One package and one image for an architecture: those of the C library that its distributions have.
    if release.has_packages() {
        files.push(deb::write(release)?);
        files.push(rpm_package::write(release)?);
        files.push(image::write(release)?);
    }
    Ok(files)
}
