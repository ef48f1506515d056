//! A service of systemd as its files describe it: the unit file, its drop-ins and its environment files
//! (systemd.unit(5), systemd.service(5), systemd.exec(5)). Nothing is run.

mod words;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use regcred_files::{MIB, read_text};

use words::{Quoting, expanded, split};

/// A service, as far as its command line is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceUnit {
    /// The unit file, then the drop-ins in their order: paths below the root directory that was given.
    pub(crate) files: Vec<PathBuf>,
    /// The words of the last `ExecStart=`, with variables replaced; empty if no line sets it.
    pub(crate) command: Vec<String>,
    /// `WorkingDirectory=`; `None` if no line sets it.
    pub(crate) working_dir: Option<PathBuf>,
    /// Environment files that must exist and cannot be read: systemd does not start the service.
    pub(crate) missing: Vec<PathBuf>,
}

/// The settings of `[Service]` in the order in which they count.
#[derive(Default)]
struct Settings {
    exec_start: Option<String>,
    environment: Vec<String>,
    environment_files: Vec<String>,
    working_dir: Option<String>,
}

impl ServiceUnit {
    /// The service of this name (`kubelet.service`) below a root directory; `None` if it has no unit file
    /// or is masked.
    ///
    /// # Errors
    /// When a file of it cannot be read.
    pub(crate) fn find(root: &Path, name: &str) -> io::Result<Option<Self>> {
        let paths = DIRECTORIES.map(|directory| root.join(directory));
        let mut units = paths.iter().map(|directory| directory.join(name));
        let Some(file) = units.find(|file| file.symlink_metadata().is_ok()) else {
            return Ok(None);
        };
        let file = inside(root, &file);
        if file == root.join("dev/null") {
            return Ok(None);
        }
        let mut files = vec![file];
        files.extend(drop_ins(&paths, name)?);
        let mut settings = Settings::default();
        for file in &files {
            settings.read(&read_text(&inside(root, file), MAX_FILE)?);
        }
        let mut missing = Vec::new();
        let environment = settings.variables(root, &mut missing);
        let command = settings.exec_start.unwrap_or_default();
        let working_dir = settings.working_dir;
        Ok(Some(Self {
            command: command_line(&command, &environment),
            working_dir: working_dir.map(|path| path.trim_start_matches('-').into()),
            files,
            missing,
        }))
    }
}

impl Settings {
    /// Adds the settings of a file; an empty value of a list removes those before it.
    fn read(&mut self, text: &str) {
        let mut in_service = false;
        for line in lines(text) {
            let line = line.trim();
            if line.starts_with('[') {
                in_service = line == "[Service]";
                continue;
            }
            let Some((name, value)) = line.split_once('=').filter(|_| in_service) else {
                continue;
            };
            let value = value.trim();
            let list = match name.trim() {
                "ExecStart" => {
                    self.exec_start = Some(value.to_owned()).filter(|value| !value.is_empty());
                    continue;
                }
                "WorkingDirectory" => {
                    self.working_dir = Some(value.to_owned()).filter(|value| !value.is_empty());
                    continue;
                }
                "Environment" => &mut self.environment,
                "EnvironmentFile" => &mut self.environment_files,
                _ => continue,
            };
            match value {
                "" => list.clear(),
                value => list.push(value.to_owned()),
            }
        }
    }

    /// The variables of the service. Those of files count after all others, wherever they are set.
    fn variables(&self, root: &Path, missing: &mut Vec<PathBuf>) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut set = |assignment: &str| {
            if let Some((name, value)) = assignment.split_once('=') {
                found.insert(name.to_owned(), value.to_owned());
            }
        };
        for words in &self.environment {
            split(words, Quoting::Removed)
                .iter()
                .for_each(|word| set(word));
        }
        for file in &self.environment_files {
            let (path, is_optional) = match file.strip_prefix('-') {
                Some(path) => (path, true),
                None => (&**file, false),
            };
            let path = inside(root, &below(root, Path::new(path)));
            match read_text(&path, MAX_FILE) {
                Ok(text) => environment_file(&text).iter().for_each(|one| set(one)),
                Err(_) if is_optional => {}
                Err(_) => missing.push(path),
            }
        }
        found
    }
}

/// The drop-ins of a service: of files with one name that of the first directory counts, and all are
/// ordered by name.
fn drop_ins(paths: &[PathBuf], name: &str) -> io::Result<Vec<PathBuf>> {
    let mut found = BTreeMap::new();
    for directory in paths {
        for own in [format!("{name}.d"), "service.d".to_owned()] {
            let entries = match fs::read_dir(directory.join(own)) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let path = entry?.path();
                if path
                    .extension()
                    .is_some_and(|extension| extension == "conf")
                {
                    let name = path.file_name().unwrap_or_default().to_owned();
                    found.entry(name).or_insert(path);
                }
            }
        }
    }
    Ok(found.into_values().collect())
}

/// The lines of a unit file without comments; one that ends with a backslash continues on the next.
fn lines(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut continues = false;
    for line in text.lines() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let (line, goes_on) = match line.strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        match found.last_mut().filter(|_| continues) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => found.push(line.to_owned()),
        }
        continues = goes_on;
    }
    found
}

/// The assignments of an environment file: quotes around a value, or parts of it, are removed.
fn environment_file(text: &str) -> Vec<String> {
    let assignments = lines(text).into_iter().filter_map(|line| {
        let (name, value) = line.split_once('=')?;
        let value = split(value.trim(), Quoting::RemovedWithBlanks).concat();
        Some(format!("{}={value}", name.trim()))
    });
    assignments.collect()
}

/// The words of `ExecStart=`. Signs before the program are systemd's, and with `@` the second word is
/// the name of the process.
fn command_line(text: &str, environment: &BTreeMap<String, String>) -> Vec<String> {
    let program = text.trim_start_matches(['-', ':', '+', '!', '|', '@']);
    let signs = &text[..text.len() - program.len()];
    let mut words = split(program, Quoting::Removed);
    if signs.contains('@') && words.len() > 1 {
        words.remove(1);
    }
    if signs.contains(':') {
        return words;
    }
    let program = words.drain(..words.len().min(1)).collect::<Vec<_>>();
    let rest = words.iter().flat_map(|word| expanded(word, environment));
    program.into_iter().chain(rest).collect()
}

/// An absolute path below a root directory.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The target of a symbolic link below a root directory, or the path itself.
fn inside(root: &Path, path: &Path) -> PathBuf {
    match fs::read_link(path) {
        Ok(target) if target.is_absolute() => below(root, &target),
        _ => path.to_owned(),
    }
}

/// Where systemd looks for units, in its order; below a root directory.
const DIRECTORIES: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];
const MAX_FILE: u64 = MIB;

#[cfg(test)]
mod tests;
