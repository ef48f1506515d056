//! The node's kubelet, running or stopped: its flags, its configuration file and its environment.

use std::fs::read_link;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use regcred_core::report;
use regcred_engine::{ProcessEnvironment, ProviderConfig};
use regcred_files::{MIB, read, read_text};
use regcred_go::yaml::{Step, parse_first};
use regcred_go::{Value, go_bool};
use regcred_node::{MICROK8S_FLAGS, NodeError, SERVICES, ServiceUnit, kubelet_flags};
use regcred_run::ProgramError;

use super::finding::{Finding, Place};
use super::kubelet_command::{
    BIN_DIR_FLAG, CONFIG_FLAG, KubeletFlags, completed, is_known, process, words,
};
use crate::credential_options::{
    CredentialFlags, ENVIRONMENT_OF, PROVIDER_BIN_DIR, PROVIDER_CONFIG, ROOT_DIR,
};

/// The kubelet of this machine, or the k3s or MicroK8s that contains it.
#[derive(Clone, Debug)]
pub(crate) struct NodeKubelet {
    origin: Origin,
    /// Where its root directory is: `/`, or for a kubelet in a container below `/proc`.
    root: PathBuf,
    cwd: PathBuf,
    flags: KubeletFlags,
}

/// Where the flags come from.
#[derive(Clone, Debug)]
enum Origin {
    Process(u32),
    /// A service that does not run.
    Service {
        name: &'static str,
        unit: ServiceUnit,
    },
    /// The file of a snap's flags; the snap does not run.
    Snap(PathBuf),
}

impl NodeKubelet {
    /// Finds the process, else the files of the service that starts it.
    ///
    /// # Errors
    /// When neither exists, or several processes run; when this user may not read it.
    pub(super) fn find() -> Result<Self, ProgramError> {
        let why = match process() {
            Ok(process) => return Self::of(&process),
            Err(why) => why,
        };
        let why = match why.kind() {
            io::ErrorKind::NotFound => match Self::stopped(Path::new("/"))? {
                Some(stopped) => return Ok(stopped),
                None => "no kubelet runs, and no service starts one".to_owned(),
            },
            _ => why.to_string(),
        };
        let why = format!("--node: {why}; {NOT_FOUND}");
        Err(ProgramError::not_configured(why))
    }

    /// The kubelet that runs; `None` if none does, or this user may not read it.
    pub(crate) fn running() -> Option<Self> {
        Self::of(&process().ok()?).ok()
    }

    /// Whether a kubelet runs here, or what contains one, also if this user may not read it.
    pub(crate) fn runs() -> bool {
        process().map_or_else(|why| why.kind() != io::ErrorKind::NotFound, |_| true)
    }

    /// The value of a flag.
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        self.flags.values.get(name).map(String::as_str)
    }

    fn of(process: &ProcessEnvironment) -> Result<Self, ProgramError> {
        let pid = process.pid();
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let unreadable = |error: io::Error| {
            ProgramError::not_configured(format!(
                "--node: cannot read process {pid}: {error}; root may read it"
            ))
        };
        let line = read(&proc.join("cmdline"), MAX_READ).map_err(unreadable)?;
        let mut root = proc.join("root");
        if is_same(&root, Path::new("/")).map_err(unreadable)? {
            root = "/".into();
        }
        let cwd = read_link(proc.join("cwd")).map_err(unreadable)?;
        let words = completed(&root, words(&line), process)
            .map_err(|error| unreadable_service(&format!("the flags of process {pid}"), &error))?;
        Ok(Self::with_flags(Origin::Process(pid), root, cwd, &words))
    }

    /// The kubelet that the files below a root directory describe; `None` if none does.
    fn stopped(root: &Path) -> Result<Option<Self>, ProgramError> {
        for name in SERVICES {
            let unit = ServiceUnit::find(root, name);
            let unit = unit.map_err(|error| unreadable_service(name, &error))?;
            let Some(unit) = unit else {
                continue;
            };
            if !is_known(&unit.command) {
                let command = unit.command.join(" ");
                return Err(ProgramError::not_configured(format!(
                    "--node: no kubelet runs, and {name} starts {command:?}, whose flags are not read; \
                     {NOT_FOUND}"
                )));
            }
            let (command, cwd) = (unit.command.clone(), unit.working_dir.clone());
            let cwd = cwd.unwrap_or_else(|| "/".into());
            let origin = Origin::Service { name, unit };
            return Ok(Some(Self::with_flags(origin, root.into(), cwd, &command)));
        }
        let snap = root.join(MICROK8S_FLAGS.trim_start_matches('/'));
        Ok(read_text(&snap, MAX_READ).ok().map(|text| {
            let words: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
            Self::with_flags(Origin::Snap(snap), root.into(), "/".into(), &words)
        }))
    }

    fn with_flags(origin: Origin, root: PathBuf, cwd: PathBuf, words: &[String]) -> Self {
        let mut kubelet = Self {
            origin,
            root,
            cwd,
            flags: KubeletFlags::default(),
        };
        let flags = KubeletFlags::of(words, |path| kubelet.seen(path));
        kubelet.flags = flags;
        if let Some(file) = kubelet.flag("kubelet-args-file") {
            let text = read_text(&kubelet.seen(Path::new(file)), MAX_READ);
            let text = text.unwrap_or_default();
            let of_file = kubelet_flags(text.lines().map(str::trim));
            kubelet.flags.values.extend(of_file);
        }
        kubelet
    }

    /// Sets the options for which no flag was given to its own.
    pub(super) fn fill(&self, options: &mut CredentialFlags) {
        if let Origin::Process(pid) = self.origin {
            options.set_default(ENVIRONMENT_OF, pid.to_string());
        }
        for (variable, flag) in [
            (PROVIDER_CONFIG, CONFIG_FLAG),
            (PROVIDER_BIN_DIR, BIN_DIR_FLAG),
            (ROOT_DIR, "root-dir"),
        ] {
            if let Some(value) = self.flag(flag).filter(|value| !value.is_empty()) {
                let path = self.seen(Path::new(value));
                options.set_default(variable, path.display().to_string());
            }
        }
    }

    /// Its working directory, where a docker configuration is looked for.
    pub(super) fn working_dir(&self) -> PathBuf {
        self.seen(&self.cwd)
    }

    /// The findings about its files, its flags and its configuration file.
    pub(super) fn findings(&self, config: Option<&ProviderConfig>) -> Vec<Finding> {
        let mut found = self.not_running();
        match config {
            Some(config) => found.extend(self.gated(config)),
            None => found.push(self.without_plugins()),
        }
        found
    }

    /// The finding about a kubelet that runs no plugin.
    fn without_plugins(&self) -> Finding {
        if let Some(missing) = &self.flags.missing {
            let what = format!(
                "k3s and RKE2 leave out --{CONFIG_FLAG} and --{BIN_DIR_FLAG} unless both paths exist: the \
                 kubelet runs no plugin"
            );
            let fix = "create it, or correct the flag, and restart the service";
            return Finding::warning(Place::file(missing), what, fix);
        }
        let name = match &self.origin {
            Origin::Process(pid) => format!("process {pid}"),
            Origin::Service { name, .. } => (*name).to_owned(),
            Origin::Snap(flags) => flags.display().to_string(),
        };
        Finding::warning(
            Place::default(),
            format!("the kubelet, {name}, has no --{CONFIG_FLAG}: it runs no plugin"),
            "set both flags and restart it",
        )
    }

    /// The findings about a kubelet that does not run.
    fn not_running(&self) -> Vec<Finding> {
        let (file, what, fix) = match &self.origin {
            Origin::Process(_) => return Vec::new(),
            Origin::Service { unit, .. } => {
                let files = unit.files.iter().map(|file| file.display().to_string());
                let files: Vec<_> = files.collect();
                let what = format!(
                    "no kubelet runs; its flags are read from {}",
                    files.join(", ")
                );
                let fix = format!(
                    "`{}` shows why; plugins run with this command's environment",
                    unit.status_command
                );
                (unit.files.first(), what, fix)
            }
            Origin::Snap(flags) => {
                let what = "no kubelet runs; its flags are read from this file".to_owned();
                (
                    Some(flags),
                    what,
                    "`snap services microk8s` shows why".to_owned(),
                )
            }
        };
        let place = file.map_or_else(Place::default, |file| Place::file(file));
        let mut found = vec![Finding::note(place, what, fix)];
        if let Origin::Service { name, unit } = &self.origin {
            found.extend(unit.missing.iter().map(|file| {
                let what = format!("systemd does not start {name} without this EnvironmentFile");
                Finding::error(
                    Place::file(file),
                    what,
                    "create it, or write EnvironmentFile=-",
                )
            }));
        }
        found
    }

    /// The entries that a gate which is off forbids.
    fn gated(&self, config: &ProviderConfig) -> Vec<Finding> {
        if !self.is_off(TOKEN_GATE) {
            return Vec::new();
        }
        let entries = config.providers.iter().enumerate();
        let in_token_mode = entries.filter(|(_, entry)| entry.token_attributes.is_some());
        let refused = in_token_mode.map(|(at, _)| {
            let place = Place::entry(config, at, &[Step::Member("tokenAttributes")]);
            let what = format!(
                "providers.tokenAttributes: Forbidden: tokenAttributes is not supported when {TOKEN_GATE} \
                 feature gate is disabled"
            );
            Finding::error(place, what, "enable the kubelet's feature gate")
        });
        refused.collect()
    }

    /// Whether a gate is off by the command line, else by the configuration file.
    fn is_off(&self, gate: &str) -> bool {
        let given = self.flags.values.get("feature-gates").into_iter();
        let given = given.flat_map(|gates| gates.split(','));
        let mut given = given.filter_map(|one| one.split_once('='));
        if let Some((_, value)) = given.rfind(|(name, _)| name.trim() == gate) {
            return go_bool(value.trim()) == Some(false);
        }
        let Some(file) = self.flags.values.get("config") else {
            return false;
        };
        let text = read(&self.seen(Path::new(file)), MAX_READ).unwrap_or_default();
        let Ok((Some(document), _)) = parse_first(&text) else {
            return false;
        };
        let value = document.value.member("featureGates");
        let value = value.and_then(|gates| gates.member(gate));
        matches!(value, Some(Value::Bool(false)))
    }

    /// The path at which this process finds a path of the kubelet's.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        let path = self.cwd.join(path);
        match path.strip_prefix("/") {
            Ok(below) if self.root != Path::new("/") => self.root.join(below),
            _ => path,
        }
    }
}

fn unreadable_service(name: &str, error: &NodeError) -> ProgramError {
    ProgramError::not_configured(format!("--node: cannot read {name}: {}", report(error)))
}

/// Whether two paths are one directory. To compare links is not enough: that of a root in another mount
/// namespace is `/` too.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

const TOKEN_GATE: &str = "KubeletServiceAccountTokenForCredentialProviders";
const NOT_FOUND: &str = "without --node, set the kubelet's two flags";
/// Of a command line, and of a kubelet's configuration file.
const MAX_READ: u64 = 8 * MIB;

#[cfg(test)]
mod tests;
