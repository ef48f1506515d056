//! The running kubelet: its flags, its configuration file and its environment.

use std::collections::BTreeMap;
use std::fs::read_link;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use regcred_engine::{ProcessEnvironment, ProviderConfig};
use regcred_files::{MIB, read};
use regcred_go::yaml::{Step, parse_first};
use regcred_go::{Value, go_bool};
use regcred_run::ProgramError;

use super::finding::{Finding, Place};
use crate::credential_options::{
    CredentialFlags, ENVIRONMENT_OF, PROVIDER_BIN_DIR, PROVIDER_CONFIG, ROOT_DIR,
};

/// A kubelet that runs on this machine, or the k3s that contains one.
#[derive(Clone, Debug)]
pub(super) struct RunningKubelet {
    pid: u32,
    /// Where its root directory is: `/`, or for a kubelet in a container below `/proc`.
    root: PathBuf,
    cwd: PathBuf,
    flags: BTreeMap<String, String>,
}

impl RunningKubelet {
    /// Finds the process.
    ///
    /// # Errors
    /// When no such process runs, or several do; when this user may not read it.
    pub(super) fn find() -> Result<Self, ProgramError> {
        let found = ProcessEnvironment::of(KUBELET).or_else(|why| {
            let mut others = OTHERS.iter().map(|name| ProcessEnvironment::of(name));
            others.find_map(Result::ok).ok_or(why)
        });
        let found = found
            .map_err(|why| ProgramError::not_configured(format!("--node: {why}; {NOT_RUNNING}")))?;
        Self::of(found.pid())
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
        Ok(Self {
            pid,
            root,
            cwd: read_link(proc.join("cwd")).map_err(unreadable)?,
            flags: flags(args.iter().map(AsRef::as_ref)),
        })
    }

    /// Sets the options for which no flag was given to its own.
    pub(super) fn fill(&self, options: &mut CredentialFlags) {
        options.set_default(ENVIRONMENT_OF, self.pid.to_string());
        for (variable, flag, of_k3s) in [
            (PROVIDER_CONFIG, PROVIDER_CONFIG_FLAG, "config.yaml"),
            (PROVIDER_BIN_DIR, "image-credential-provider-bin-dir", "bin"),
        ] {
            let of_k3s = self.seen(&Path::new(OF_K3S).join(of_k3s));
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

    /// The findings about its flags and its configuration file.
    pub(super) fn findings(&self, config: Option<&ProviderConfig>) -> Vec<Finding> {
        let Some(config) = config else {
            return vec![Finding::warning(
                Place::default(),
                format!(
                    "the kubelet, process {}, has no --{PROVIDER_CONFIG_FLAG}: it runs no plugin",
                    self.pid
                ),
                "set both flags and restart it",
            )];
        };
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
    fn seen(&self, path: &Path) -> PathBuf {
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

/// Flags as `--name=value` and `--name value`; the last of a name counts.
fn flags<'a>(args: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut args = args.into_iter().peekable();
    while let Some(arg) = args.next() {
        let Some(name) = arg.strip_prefix('-') else {
            continue;
        };
        let name = name.trim_start_matches('-');
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            None => {
                let value = args.next_if(|next| !next.starts_with('-'));
                (name, value.unwrap_or_default().to_owned())
            }
        };
        found.insert(name.to_owned(), value);
    }
    found
}

const KUBELET: &str = "kubelet";
/// The names of other processes that contain a kubelet.
const OTHERS: [&str; 3] = ["k3s-server", "k3s-agent", "kubelite"];
/// Where k3s and RKE2 look when no flag is given.
const OF_K3S: &str = "/var/lib/rancher/credentialprovider";
const PROVIDER_CONFIG_FLAG: &str = "image-credential-provider-config";
const TOKEN_GATE: &str = "KubeletServiceAccountTokenForCredentialProviders";
const NOT_RUNNING: &str = "without --node, set the kubelet's two flags";
/// Of a command line, and of a kubelet's configuration file.
const MAX_READ: u64 = 8 * MIB;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_flag_that_is_given_twice_the_last_counts() {
        let found = flags(["kubelet", "--a=1", "-v", "2", "--b", "--a", "x", "--c=d=e"]);
        let found: Vec<_> = found
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        assert_eq!(found, [("a", "x"), ("b", ""), ("c", "d=e"), ("v", "2")]);
    }

    #[test]
    fn paths_are_those_of_the_kubelet() {
        let kubelet = |root: &str| RunningKubelet {
            pid: 7,
            root: root.into(),
            cwd: "/srv".into(),
            flags: BTreeMap::new(),
        };
        assert_eq!(
            kubelet("/").seen(Path::new("c.yaml")),
            Path::new("/srv/c.yaml")
        );
        let inside = kubelet("/proc/7/root").seen(Path::new("/etc/c.yaml"));
        assert_eq!(inside, Path::new("/proc/7/root/etc/c.yaml"));
    }

    #[test]
    fn a_process_with_this_root_directory_is_not_in_a_container() {
        let own = RunningKubelet::of(std::process::id()).expect("this process");
        assert_eq!(own.root, Path::new("/"));
        let dir = tempfile::tempdir().expect("a directory");
        assert!(!is_same(dir.path(), Path::new("/")).expect("two directories"));
    }

    #[test]
    fn the_command_line_decides_a_gate_before_the_configuration_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("kubelet.yaml");
        std::fs::write(&file, format!("featureGates:\n  {TOKEN_GATE}: false\n")).expect("a file");
        let file = file.display().to_string();
        for (gates, expected) in [
            (None, true),
            (Some("Other=false"), true),
            (
                Some("KubeletServiceAccountTokenForCredentialProviders=true"),
                false,
            ),
            (
                Some("KubeletServiceAccountTokenForCredentialProviders=F"),
                true,
            ),
        ] {
            let mut flags = BTreeMap::from([("config".to_owned(), file.clone())]);
            flags.extend(gates.map(|gates| ("feature-gates".to_owned(), gates.to_owned())));
            let kubelet = RunningKubelet {
                pid: 7,
                root: "/".into(),
                cwd: "/".into(),
                flags,
            };
            assert_eq!(kubelet.is_off(TOKEN_GATE), expected, "{gates:?}");
        }
    }
}
