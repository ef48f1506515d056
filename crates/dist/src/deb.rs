//! The Debian package (deb(5)): an `ar` archive of a version, the control files and the files.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::{DateTime, Datelike as _, Utc};
use md5::{Digest as _, Md5};

use crate::DistError;
use crate::archive::{gzip, tar};
use crate::contents::{
    AUTHORS, DESCRIPTION, DOCUMENTS, HOMEPAGE, LICENSE, MAINTAINER, SUMMARY, of_package,
};
use crate::packed::Packed;
use crate::release::{Release, read};

/// Writes `regcred_VERSION_ARCHITECTURE.deb`.
pub(crate) fn write(release: &Release) -> Result<PathBuf, DistError> {
    let architecture = release.architecture()?.short;
    let version = release.package_version();
    let mut files = of_package(release, "usr/share/zsh/vendor-completions")?;
    let date = DateTime::from_timestamp(release.date.into(), 0).unwrap_or_default();
    for (name, text) in [
        ("CHANGELOG.md", read(&release.source.join("CHANGELOG.md"))?),
        ("changelog", changelog(&version, date).into_bytes()),
    ] {
        let path = format!("{DOCUMENTS}/{name}.gz");
        files.push(Packed::text(path, gzip(&text)?));
    }
    files.push(Packed::text(
        format!("{DOCUMENTS}/copyright"),
        copyright(date.year()),
    ));
    let control = [
        Packed::text("control", control(&files, &version, architecture)),
        Packed::text("md5sums", sums(&files)),
    ];
    let members = [
        ("debian-binary", b"2.0\n".to_vec()),
        ("control.tar.gz", gzip(&tar(&control, "./", release.date)?)?),
        ("data.tar.gz", gzip(&tar(&files, "./", release.date)?)?),
    ];
    let bytes = ar(&members, release.date);
    release.write(&format!("regcred_{version}_{architecture}.deb"), &bytes)
}

fn control(files: &[Packed], version: &str, architecture: &str) -> String {
    let size = |file: &Packed| file.content.len().div_ceil(1024);
    let size: usize = files.iter().map(size).sum();
    let description = DESCRIPTION.map(|line| format!(" {line}\n")).concat();
    format!(
        "Package: regcred\n\
         Version: {version}\n\
         Section: admin\n\
         Priority: optional\n\
         Architecture: {architecture}\n\
         Installed-Size: {size}\n\
         Recommends: ca-certificates\n\
         Maintainer: {MAINTAINER}\n\
         Homepage: {HOMEPAGE}\n\
         Description: {SUMMARY}\n{description}"
    )
}

/// The log that Debian's policy asks for.
fn changelog(version: &str, date: DateTime<Utc>) -> String {
    format!(
        "regcred ({version}) unstable; urgency=medium\n\n  \
         * This release's changes are in CHANGELOG.md.gz.\n\n \
         -- {MAINTAINER}  {}\n",
        date.to_rfc2822()
    )
}

fn copyright(year: i32) -> String {
    format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
         Source: {HOMEPAGE}\n\n\
         Files: *\n\
         Copyright: {year} {AUTHORS}\n\
         License: {LICENSE}\n \
         On Debian systems the text of this licence is in\n \
         /usr/share/common-licenses/{LICENSE}.\n"
    )
}

fn sums(files: &[Packed]) -> String {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    let mut sums = String::new();
    for file in sorted {
        for byte in Md5::digest(&file.content) {
            let _ = write!(sums, "{byte:02x}");
        }
        let _ = writeln!(sums, "  {}", file.path);
    }
    sums
}

/// An archive of ar(5): a line of 60 characters before each member, and an even length.
fn ar(members: &[(&str, Vec<u8>)], date: u32) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let size = content.len();
        let line = format!(
            "{name:<16}{date:<12}{:<6}{:<6}{:<8}{size:<10}`\n",
            0, 0, "100644"
        );
        archive.extend(line.as_bytes());
        archive.extend(content);
        if size % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}
