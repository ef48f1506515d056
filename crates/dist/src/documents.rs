//! The documents of a package: the pages, in the places that they have in the checkout, so that their links lead to each
//! other.

use std::fs;
use std::path::{Path, PathBuf};

use crate::DistError;
use crate::packed::Packed;
use crate::release::{Release, read};

/// `README.md`, `SECURITY.md`, everything in `docs` and the other documents, below a directory of the archive. A link to a
/// file of the checkout that is not among them leads to this version in the repository.
pub(crate) fn documents(
    release: &Release,
    directory: &str,
    others: &[&str],
) -> Result<Vec<Packed>, DistError> {
    let alone = ["README.md", "SECURITY.md"].iter().chain(others);
    let mut paths: Vec<_> = alone.map(PathBuf::from).collect();
    files_below(&release.source, Path::new("docs"), &mut paths)?;
    let packed = |path: &PathBuf| {
        let mut content = read(&release.source.join(path))?;
        if path.extension() == Some("md".as_ref()) {
            let text = String::from_utf8_lossy(&content);
            content = linked(&text, path, &paths, release).into_bytes();
        }
        let path = format!("{directory}/{}", path.display());
        Ok(Packed::text(path, content))
    };
    paths.iter().map(packed).collect()
}

fn files_below(source: &Path, below: &Path, found: &mut Vec<PathBuf>) -> Result<(), DistError> {
    let directory = source.join(below);
    let entries = fs::read_dir(&directory).map_err(DistError::file("read", &directory))?;
    for entry in entries {
        let entry = entry.map_err(DistError::file("read", &directory))?;
        let kind = entry.file_type();
        let path = below.join(entry.file_name());
        if kind.map_err(DistError::file("read", &path))?.is_dir() {
            files_below(source, &path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of a page with its links to what is not packed led to the repository.
fn linked(text: &str, page: &Path, packed: &[PathBuf], release: &Release) -> String {
    let mut parts = text.split(LINK);
    let mut linked = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        linked.push_str(LINK);
        let link = part.split(')').next().unwrap_or_default();
        let path = link.split('#').next().unwrap_or_default();
        let target = target(page, path);
        let is_file = !path.is_empty() && !link.contains("://") && !link.contains(' ');
        // Also a directory with something in it.
        if is_file && !packed.iter().any(|packed| packed.starts_with(&target)) {
            linked.push_str(&release.address(&target));
            linked.push_str(&part[path.len()..]);
        } else {
            linked.push_str(part);
        }
    }
    linked
}

/// The file that a link in a page leads to, from the root of the checkout.
fn target(page: &Path, link: &str) -> PathBuf {
    let mut target = page.parent().map(PathBuf::from).unwrap_or_default();
    for step in Path::new(link) {
        if step == ".." {
            target.pop();
        } else if step != "." {
            target.push(step);
        }
    }
    target
}

/// Between the text and the target of a link.
const LINK: &str = "](";
