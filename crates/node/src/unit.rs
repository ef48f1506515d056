//! A service's unit with its drop-ins, as systemd reads them (systemd.unit(5), systemd.service(5)).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::environment_file;
use crate::error::NodeError;
use crate::lines::joined;
use crate::view::View;
use crate::words::{Word, words};

/// What matters of a unit here.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    /// The file of the unit itself.
    pub(crate) file: PathBuf,
    /// Its drop-ins, in their order.
    pub(crate) drop_ins: Vec<PathBuf>,
    /// The commands of `ExecStart=`, each with its place.
    pub(crate) commands: Vec<Setting>,
    /// `Environment=`, with the place of the last.
    pub(crate) environment: BTreeMap<String, String>,
    /// `EnvironmentFile=`, in their order.
    pub(crate) environment_files: Vec<NamedFile>,
    /// `WorkingDirectory=`
    pub(crate) working_dir: Option<PathBuf>,
}

/// A file of `EnvironmentFile=`.
#[derive(Clone, Debug)]
pub(crate) struct NamedFile {
    pub(crate) path: PathBuf,
    /// Whether the service starts without it.
    pub(crate) is_optional: bool,
}

/// The variables of a service.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    pub(crate) values: BTreeMap<String, String>,
    /// Environment files that must exist and cannot be read: systemd does not start the service.
    pub(crate) missing: Vec<PathBuf>,
    /// Why the first file that exists was not read.
    pub(crate) unread: Option<NodeError>,
}

/// A value, continued lines joined, and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) value: String,
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
}

impl Unit {
    /// Reads the unit; `None` if it does not exist or is masked.
    pub(crate) fn read(view: &View<'_>, name: &str) -> Result<Option<Self>, NodeError> {
        let Some(file) = Self::file(view, name)? else {
            return Ok(None);
        };
        // A drop-in in an earlier directory hides one of the same name in a later directory.
        let mut drop_ins = BTreeMap::new();
        for directory in DIRECTORIES {
            for own in [format!("{name}.d"), "service.d".to_owned()] {
                let directory = Path::new(directory).join(own);
                for drop_in in view.names(&directory)? {
                    if drop_in.ends_with(".conf") {
                        let path = directory.join(&drop_in);
                        drop_ins.entry(drop_in).or_insert(path);
                    }
                }
            }
        }
        let mut unit = Self {
            file: file.clone(),
            drop_ins: drop_ins.into_values().collect(),
            ..Self::default()
        };
        unit.add(view, &file)?;
        for drop_in in unit.drop_ins.clone() {
            unit.add(view, &drop_in)?;
        }
        Ok(Some(unit))
    }

    /// The file of a unit; `None` if it does not exist or is masked.
    pub(crate) fn file(view: &View<'_>, name: &str) -> Result<Option<PathBuf>, NodeError> {
        for directory in DIRECTORIES {
            let path = Path::new(directory).join(name);
            if view.real(&path)? == Path::new("/dev/null") {
                return Ok(None);
            }
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
                    let path = value.strip_prefix('-');
                    self.environment_files.push(NamedFile {
                        path: path.unwrap_or(value).into(),
                        is_optional: path.is_some(),
                    });
                }
                "WorkingDirectory" => {
                    let path = Some(value.trim_start_matches('-'));
                    self.working_dir = path.filter(|path| !path.is_empty()).map(PathBuf::from);
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
        Ok((command, command.words()?))
    }

    /// The variables of the service: those of files come after those of the unit.
    pub(crate) fn variables(&self, view: &View<'_>) -> Variables {
        let mut variables = Variables {
            values: self.environment.clone(),
            ..Variables::default()
        };
        for file in &self.environment_files {
            let text = match view.text(&file.path) {
                Ok(text) => text,
                Err(why) => {
                    variables.unread.get_or_insert(why);
                    None
                }
            };
            match text {
                Some(text) => variables.values.extend(environment_file::variables(&text)),
                None if file.is_optional => {}
                None => variables.missing.push(file.path.clone()),
            }
        }
        variables
    }
}

impl Setting {
    /// The words of a command.
    pub(crate) fn words(&self) -> Result<Vec<Word>, NodeError> {
        let words = words(&self.value).filter(|words| !words.is_empty());
        words.ok_or_else(|| {
            NodeError::at(
                &self.file,
                self.line,
                "ExecStart= is not a command line that can be split into words",
                BY_HAND,
            )
        })
    }
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
