//! The node's kubelet, running or stopped: its flags, its configuration file and its environment.

use std::collections::BTreeMap;
use std::fs::read_link;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use regcred_core::report;
use regcred_engine::{ProcessEnvironment, ProviderConfig};
use regcred_files::{MIB, read, read_text};
use regcred_go::yaml::{Step, parse_first};
use regcred_go::{Value, go_bool};
use regcred_node::{MICROK8S_FLAGS, RANCHER_BIN_DIR, RANCHER_CONFIG, ServiceUnit, kubelet_flags};
use regcred_run::ProgramError;

use super::finding::{Finding, Place};
use crate::credential_options::{
    CredentialFlags, ENVIRONMENT_OF, PROVIDER_BIN_DIR, PROVIDER_CONFIG, ROOT_DIR,
};

/// The process of a kubelet, or of what contains one.
fn process() -> io::Result<ProcessEnvironment> {
    ProcessEnvironment::of(KUBELET).or_else(|why| {
        let mut others = OTHERS.iter().map(|name| ProcessEnvironment::of(name));
        others.find_map(Result::ok).ok_or(why)
    })
}

/// The kubelet of this machine, or the k3s or MicroK8s that contains it.
#[derive(Clone, Debug)]
pub(crate) struct NodeKubelet {
    origin: Origin,
    /// Where its root directory is: `/`, or for a kubelet in a container below `/proc`.
    root: PathBuf,
    cwd: PathBuf,
    flags: BTreeMap<String, String>,
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
            Ok(process) => return Self::of(process.pid()),
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
        Self::of(process().ok()?.pid()).ok()
    }

    /// Whether a kubelet runs here, or what contains one, also if this user may not read it.
    pub(crate) fn runs() -> bool {
        process().map_or_else(|why| why.kind() != io::ErrorKind::NotFound, |_| true)
    }

    /// The value of a flag.
    pub(crate) fn flag(&self, name: &str) -> Option<&str> {
        self.flags.get(name).map(String::as_str)
    }

    fn of(pid: u32) -> Result<Self, ProgramError> {
        let proc = PathBuf::from(format!("/proc/{pid}"));
        let unreadable = |error: io::Error| {
            ProgramError::not_configured(format!(
                "--node: cannot read process {pid}: {error}; root may read it"
            ))
        };
        let line = read(&proc.join("cmdline"), MAX_READ).map_err(unreadable)?;
        let args = line.split(|byte| *byte == 0);
        let args: Vec<_> = args.map(String::from_utf8_lossy).collect();
        let mut root = proc.join("root");
        if is_same(&root, Path::new("/")).map_err(unreadable)? {
            root = "/".into();
        }
        let cwd = read_link(proc.join("cwd")).map_err(unreadable)?;
        let args = args.iter().map(AsRef::as_ref);
        Ok(Self::with_flags(Origin::Process(pid), root, cwd, args))
    }

    /// The kubelet that the files below a root directory describe; `None` if none does.
    fn stopped(root: &Path) -> Result<Option<Self>, ProgramError> {
        for name in SERVICES {
            let unit = ServiceUnit::find(root, name).map_err(|error| {
                ProgramError::not_configured(format!(
                    "--node: cannot read {name}: {}",
                    report(&error)
                ))
            })?;
            let Some(unit) = unit else {
                continue;
            };
            let program = unit.command.first().map(Path::new);
            let program = program.and_then(Path::file_name).unwrap_or_default();
            if !PROGRAMS.iter().any(|known| program == *known) {
                let command = unit.command.join(" ");
                return Err(ProgramError::not_configured(format!(
                    "--node: no kubelet runs, and {name} starts {command:?}, whose flags are not read; \
                     {NOT_FOUND}"
                )));
            }
            let (command, cwd) = (unit.command.clone(), unit.working_dir.clone());
            let cwd = cwd.unwrap_or_else(|| "/".into());
            let args = command.iter().map(String::as_str);
            let origin = Origin::Service { name, unit };
            return Ok(Some(Self::with_flags(origin, root.into(), cwd, args)));
        }
        let snap = root.join(MICROK8S_FLAGS.trim_start_matches('/'));
        Ok(read_text(&snap, MAX_READ).ok().map(|text| {
            let args = text.lines().map(str::trim);
            Self::with_flags(Origin::Snap(snap), root.into(), "/".into(), args)
        }))
    }

    fn with_flags<'a>(
        origin: Origin,
        root: PathBuf,
        cwd: PathBuf,
        args: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut kubelet = Self {
            origin,
            root,
            cwd,
            flags: kubelet_flags(args),
        };
        if let Some(file) = kubelet.flags.get("kubelet-args-file") {
            let text = read_text(&kubelet.seen(Path::new(file)), MAX_READ);
            let text = text.unwrap_or_default();
            kubelet
                .flags
                .extend(kubelet_flags(text.lines().map(str::trim)));
        }
        kubelet
    }

    /// Sets the options for which no flag was given to its own.
    pub(super) fn fill(&self, options: &mut CredentialFlags) {
        if let Origin::Process(pid) = self.origin {
            options.set_default(ENVIRONMENT_OF, pid.to_string());
        }
        for (variable, flag, of_k3s) in [
            (PROVIDER_CONFIG, PROVIDER_CONFIG_FLAG, RANCHER_CONFIG),
            (
                PROVIDER_BIN_DIR,
                "image-credential-provider-bin-dir",
                RANCHER_BIN_DIR,
            ),
        ] {
            let of_k3s = self.seen(Path::new(of_k3s));
            let given = self.flags.get(flag).filter(|value| !value.is_empty());
            if let Some(value) = given {
                let path = self.seen(Path::new(value));
                options.set_default(variable, path.display().to_string());
            } else if of_k3s.exists() {
                options.set_default(variable, of_k3s.display().to_string());
            }
        }
        if let Some(value) = self.flags.get("root-dir") {
            let path = self.seen(Path::new(value));
            options.set_default(ROOT_DIR, path.display().to_string());
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
            None => {
                let name = match &self.origin {
                    Origin::Process(pid) => format!("process {pid}"),
                    Origin::Service { name, .. } => (*name).to_owned(),
                    Origin::Snap(flags) => flags.display().to_string(),
                };
                found.push(Finding::warning(
                    Place::default(),
                    format!(
                        "the kubelet, {name}, has no --{PROVIDER_CONFIG_FLAG}: it runs no plugin"
                    ),
                    "set both flags and restart it",
                ));
            }
        }
        found
    }

    /// The findings about a kubelet that does not run.
    fn not_running(&self) -> Vec<Finding> {
        let (file, what, fix) = match &self.origin {
            Origin::Process(_) => return Vec::new(),
            Origin::Service { name, unit } => {
                let files = unit.files.iter().map(|file| file.display().to_string());
                let files: Vec<_> = files.collect();
                let what = format!(
                    "no kubelet runs; its flags are read from {}",
                    files.join(", ")
                );
                let fix = format!(
                    "`systemctl status {name}` shows why; plugins run with this command's environment"
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
        let given = self.flags.get("feature-gates").into_iter();
        let given = given.flat_map(|gates| gates.split(','));
        let mut given = given.filter_map(|one| one.split_once('='));
        if let Some((_, value)) = given.rfind(|(name, _)| name.trim() == gate) {
            return go_bool(value.trim()) == Some(false);
        }
        let Some(file) = self.flags.get("config") else {
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

/// Whether two paths are one directory. To compare links is not enough: that of a root in another mount
/// namespace is `/` too.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let (one, other) = (one.metadata()?, other.metadata()?);
    Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
}

const KUBELET: &str = "kubelet";
/// The names of other processes that contain a kubelet.
const OTHERS: [&str; 3] = ["k3s-server", "k3s-agent", "kubelite"];
/// The services that start one, and the programs of these.
const SERVICES: [&str; 7] = [
    "kubelet.service",
    "k3s.service",
    "k3s-agent.service",
    "rke2-server.service",
    "rke2-agent.service",
    "k0sworker.service",
    "k0scontroller.service",
];
const PROGRAMS: [&str; 5] = ["kubelet", "hyperkube", "k3s", "rke2", "k0s"];
const PROVIDER_CONFIG_FLAG: &str = "image-credential-provider-config";
const TOKEN_GATE: &str = "KubeletServiceAccountTokenForCredentialProviders";
const NOT_FOUND: &str = "without --node, set the kubelet's two flags";
/// Of a command line, and of a kubelet's configuration file.
const MAX_READ: u64 = 8 * MIB;

#[cfg(test)]
mod tests;
