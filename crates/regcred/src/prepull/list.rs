//! Lists of images: names of the command line, a name on each line of a file, and the images of
//! Kubernetes manifests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use regcred_core::ImageRef;
use regcred_files::{MIB, read};
use regcred_go::{Value, yaml};
use regcred_run::{DEADLINE, ProgramError, with_streams};

use crate::named_file::{STDIN, in_time};

/// An image of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) written: String,
    pub(super) parsed: ImageRef,
}

impl Listed {
    fn parse(written: &str) -> Result<Self, String> {
        let parsed = ImageRef::parse(written).map_err(|error| error.to_string())?;
        Ok(Self {
            written: written.to_owned(),
            parsed,
        })
    }

    /// The name as written with the default tag, as the kubelet passes it to a runtime.
    pub(super) fn in_store(&self) -> String {
        match self.parsed.tag().or(self.parsed.digest()) {
            Some(_) => self.written.clone(),
            None => format!("{}:latest", self.written),
        }
    }
}

/// All images, each once, in the order in which they are written.
///
/// # Errors
/// For a file that cannot be read, a name that is not an image's, and a file without an image.
pub(super) fn images(named: &[String], files: &[PathBuf]) -> Result<Vec<Listed>, ProgramError> {
    let mut all = Vec::new();
    for written in named {
        all.push(Listed::parse(written).map_err(ProgramError::usage)?);
    }
    for file in files {
        all.extend(of_file(file)?);
    }
    let mut seen = BTreeSet::new();
    all.retain(|image| seen.insert(image.parsed.clone().with_default_tag().to_string()));
    Ok(all)
}

fn of_file(file: &Path) -> Result<Vec<Listed>, ProgramError> {
    let unusable =
        |why: String| ProgramError::not_configured(format!("--file: {}: {why}", file.display()));
    let bytes = if file == Path::new(STDIN) {
        with_streams(Instant::now() + DEADLINE, |streams| {
            streams
                .read_input("a list of images")
                .map(|text| text.to_vec())
        })?
    } else {
        let path = file.to_owned();
        in_time(move || Ok(read(&path, MAX_FILE)))?.map_err(|error| unusable(error.to_string()))?
    };
    let found = of_text(&bytes).map_err(&unusable)?;
    if found.is_empty() {
        return Err(unusable(NO_IMAGE.to_owned()));
    }
    Ok(found)
}

/// The images of a list, as they are written: names on lines of their own, or Kubernetes manifests.
///
/// # Errors
/// For a text that is neither, and a name that is not an image's.
pub fn images_of_list(bytes: &[u8]) -> Result<Vec<String>, String> {
    let images = of_text(bytes)?;
    Ok(images.into_iter().map(|image| image.written).collect())
}

fn of_text(bytes: &[u8]) -> Result<Vec<Listed>, String> {
    let text = str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.trim_start_matches('\u{feff}');
    if is_manifest(text) {
        return of_manifests(text);
    }
    let lines = text.lines().enumerate();
    let names = lines.filter_map(|(at, line)| {
        let name = line.split_whitespace().next()?;
        (!name.starts_with('#')).then_some((at + 1, name))
    });
    names
        .map(|(at, name)| Listed::parse(name).map_err(|why| format!("line {at}: {why}")))
        .collect()
}

/// Whether it has a line that no image's name begins with.
fn is_manifest(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.any(|line| {
        line.starts_with("---") || line.starts_with(['{', '[']) || line.starts_with("apiVersion:")
    })
}

fn of_manifests(text: &str) -> Result<Vec<Listed>, String> {
    let documents = yaml::parse(text.as_bytes()).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    for document in &documents {
        collect(&document.value, 0, &mut names);
    }
    names
        .into_iter()
        .map(|name| Listed::parse(name).map_err(|why| format!("image {name:?}: {why}")))
        .collect()
}

/// The images of every pod specification in the value, wherever it is: in a Pod, in the template of a
/// workload or of a custom resource, in a List.
fn collect<'a>(value: &'a Value, depth: usize, names: &mut Vec<&'a str>) {
    if depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect(item, depth + 1, names)),
        Value::Object(members) => {
            for (name, member) in members {
                if CONTAINERS.contains(&name.as_str()) {
                    add(member, &["image"], names);
                } else if name == "volumes" {
                    add(member, &["image", "reference"], names);
                }
                collect(member, depth + 1, names);
            }
        }
        _ => {}
    }
}

/// The text at that place of each item.
fn add<'a>(items: &'a Value, place: &[&str], names: &mut Vec<&'a str>) {
    let Value::Array(items) = items else { return };
    for item in items {
        let found = place
            .iter()
            .try_fold(item, |value, name| value.member(name));
        let found = found.and_then(Value::plain_text);
        names.extend(found.filter(|name| !name.is_empty()));
    }
}

/// The fields of a pod specification with containers.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
const MAX_DEPTH: usize = 64;
const MAX_FILE: u64 = 64 * MIB;
const NO_IMAGE: &str = "no image was found in it: write one name on each line, or name a manifest \
                        with pods";

#[cfg(test)]
mod tests;
