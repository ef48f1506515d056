//! A command line with the flags that a distribution takes from configuration files of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{microshift, rancher_files};
use crate::error::NodeError;
use crate::view::View;

/// A command line, and the files of which it has flags.
#[derive(Debug, Default)]
pub(crate) struct Completed {
    pub(crate) words: Vec<String>,
    pub(crate) files: Vec<PathBuf>,
}

/// The command line of k3s, RKE2 or MicroShift with the flags of their files; any other as it is.
/// `variables` are the service's.
pub(crate) fn completed(
    view: &View<'_>,
    words: Vec<String>,
    variables: &BTreeMap<String, String>,
) -> Result<Completed, NodeError> {
    let (words, files) = match program(&words) {
        "k3s" => rancher_files::completed(view, "k3s", words, variables)?,
        "rke2" => rancher_files::completed(view, "rke2", words, variables)?,
        "microshift" => {
            let (flags, files) = microshift::flags(view)?;
            (words.into_iter().chain(flags.words()).collect(), files)
        }
        _ => (words, Vec::new()),
    };
    Ok(Completed { words, files })
}

/// The file name of the program.
fn program(words: &[String]) -> &str {
    let program = words.first().map(Path::new).and_then(Path::file_name);
    program.and_then(|name| name.to_str()).unwrap_or_default()
}
