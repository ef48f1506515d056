//! A service's unit with its drop-ins, as systemd reads them (systemd.unit(5), systemd.service(5)).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::environment_file::EnvironmentFile;
use crate::error::NodeError;
use crate::view::View;
use crate::words::{Word, words};

/// What matters of a unit here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    /// The file of the unit itself.
    pub(crate) file: PathBuf,
    /// The commands of `ExecStart=`, each with its place.
    pub(crate) commands: Vec<Setting>,
    /// `Environment=`, with the place of the last.
    pub(crate) environment: BTreeMap<String, String>,
    /// `EnvironmentFile=` without `-`, in their order.
    pub(crate) environment_files: Vec<PathBuf>,
}

/// A value, continued lines joined, and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
}

impl Unit {
    /// Reads the unit; `None` if it does not exist.
    pub(crate) fn read(view: &View<'_>, name: &str) -> Result<Option<Self>, NodeError> {
        let Some(file) = Self::file(view, name)? else {
            return Ok(None);
        };
        let mut unit = Self {
            file: file.clone(),
            ..Self::default()
        };
        let mut files = vec![file];
        // A drop-in in an earlier directory hides one of the same name in a later directory.
        let mut drop_ins = BTreeMap::new();
        for directory in DIRECTORIES {
            let directory = Path::new(directory).join(format!("{name}.d"));
            for drop_in in view.names(&directory)? {
                if drop_in.ends_with(".conf") {
                    let path = directory.join(&drop_in);
                    drop_ins.entry(drop_in).or_insert(path);
                }
            }
        }
        files.extend(drop_ins.into_values());
        for file in files {
            unit.add(view, &file)?;
        }
        Ok(Some(unit))
    }

    /// The file of a unit.
    pub(crate) fn file(view: &View<'_>, name: &str) -> Result<Option<PathBuf>, NodeError> {
        for directory in DIRECTORIES {
            let path = Path::new(directory).join(name);
            if view.text(&path)?.is_some() {
                return Ok(Some(path));
            }
        }
        Ok(None)
    }

    fn add(&mut self, view: &View<'_>, file: &Path) -> Result<(), NodeError> {
        let text = view.text(file)?.unwrap_or_default();
        let mut section = String::new();
        for (line, text) in joined(&text) {
            if let Some(name) = text.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
                continue;
            }
            let Some((name, value)) = text.split_once('=') else {
                continue;
            };
            if section != "Service" {
                continue;
            }
            let value = value.trim();
            match name.trim() {
                "ExecStart" if value.is_empty() => self.commands.clear(),
                "ExecStart" => self.commands.push(Setting {
                    value: value.to_owned(),
                    file: file.to_owned(),
                    line,
                }),
                "Environment" if value.is_empty() => self.environment.clear(),
                "Environment" => {
                    for word in words(value).unwrap_or_default() {
                        if let Some((name, value)) = word.text.split_once('=') {
                            self.environment.insert(name.to_owned(), value.to_owned());
                        }
                    }
                }
                "EnvironmentFile" if value.is_empty() => self.environment_files.clear(),
                "EnvironmentFile" => {
                    let path = value.strip_prefix('-').unwrap_or(value);
                    self.environment_files.push(path.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The only command, and its words.
    pub(crate) fn command(&self) -> Result<(&Setting, Vec<Word>), NodeError> {
        let [command] = &self.commands[..] else {
            return Err(NodeError::at(
                &self.file,
                None,
                format!(
                    "the unit has {} commands in ExecStart=",
                    self.commands.len()
                ),
                BY_HAND,
            ));
        };
        let words = words(&command.value).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| {
            NodeError::at(
                &command.file,
                command.line,
                "ExecStart= is not a command line that can be split into words",
                BY_HAND,
            )
        })?;
        Ok((command, words))
    }

    /// The variables of the service: those of files come after those of the unit.
    pub(crate) fn variables(&self, view: &View<'_>) -> Result<BTreeMap<String, String>, NodeError> {
        let mut variables = self.environment.clone();
        for file in &self.environment_files {
            let text = view.text(file)?.unwrap_or_default();
            variables.extend(EnvironmentFile::parse(&text).variables());
        }
        Ok(variables)
    }
}

/// Lines without comments, those that end with a backslash joined with the next; each with the number
/// of its first.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', ';']) || (line.is_empty() && !open) {
            continue;
        }
        let (part, continues) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match found.last_mut() {
            Some((_, whole)) if open => {
                whole.push(' ');
                whole.push_str(part);
            }
            _ => found.push((number + 1, part.to_owned())),
        }
        open = continues;
    }
    found
}

/// Where units and their drop-ins are, the first first.
const DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// What to do where a unit is not understood.
pub(crate) const BY_HAND: &str = "set --image-credential-provider-config and \
                                  --image-credential-provider-bin-dir in it by hand, and run this again: \
                                  the plugins and the configuration go where they lead";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_are_joined_and_comments_in_between_are_left_out() {
        let text =
            "[Service]\n# x\nExecStart=/usr/bin/kubelet \\\n  --a \\\n# y\n  --b\nRestart=always\n";
        let lines = joined(text);
        assert_eq!(
            lines[1],
            (3, "ExecStart=/usr/bin/kubelet  --a  --b".to_owned())
        );
        assert_eq!(lines[2], (7, "Restart=always".to_owned()));
    }
}
