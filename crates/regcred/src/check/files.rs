//! Files with secrets: who may read them, and which of them a kubelet passes over.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use regcred_engine::{NodeReport, ProviderConfig};
use regcred_go::yaml::Step;

use super::finding::{Finding, Place};

/// What a kubelet passes over.
pub(super) fn passed_over(node: &NodeReport) -> Vec<Finding> {
    let notes = node.docker.passed_over().into_iter();
    let fix = "correct the file, or remove that part";
    notes
        .map(|note| Finding::warning(Place::default(), note, fix))
        .collect()
}

/// The findings about files that are used.
pub(super) fn findings(node: &NodeReport) -> Vec<Finding> {
    let mut found = Vec::new();
    if let Some(file) = node.docker.used()
        && !node.docker.keyring.is_empty()
        && is_for_all(file)
    {
        found.push(readable(Place::file(file), file, "its logins"));
    }
    if let Some(config) = &node.config {
        found.extend(variables(config));
        for file in &config.read_in_part {
            let what = "only the first YAML document of the file is read";
            let fix = "put the others into files of their own in a directory";
            found.push(Finding::warning(Place::file(file), what, fix));
        }
    }
    found
}

/// Variables of plugins that seem to be secrets, in a file that all users may read.
fn variables(config: &ProviderConfig) -> Vec<Finding> {
    let mut found = Vec::new();
    for (at, (entry, origin)) in config.providers.iter().zip(&config.origins).enumerate() {
        let mut variables = entry.env.iter().enumerate();
        if let Some((n, (name, _))) = variables.find(|(_, (name, _))| is_secret(name))
            && is_for_all(&origin.file)
        {
            let place = Place::entry(config, at, &[Step::Member("env"), Step::Item(n)]);
            let what = format!("the variable {name}");
            found.push(readable(place, &origin.file, &what));
        }
    }
    found
}

/// The finding about a file with a secret that every user may read.
pub(super) fn secret_file(file: &Path) -> Option<Finding> {
    is_for_all(file).then(|| readable(Place::file(file), file, "this secret"))
}

fn readable(place: Place, file: &Path, what: &str) -> Finding {
    let what = format!("every user of the node may read {what}");
    Finding::warning(place, what, format!("chmod 0600 {}", file.display()))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let is_path = name.ends_with("_FILE") || name.ends_with("_PATH");
    !is_path && SECRETS.iter().any(|part| name.contains(part))
}

fn is_for_all(file: &Path) -> bool {
    file.metadata().is_ok_and(|about| about.mode() & 0o004 != 0)
}

/// Parts of the names of variables that are secrets.
const SECRETS: [&str; 5] = ["PASSWORD", "SECRET", "TOKEN", "API_KEY", "ACCESS_KEY"];
