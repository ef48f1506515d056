//! The command line of a kubelet, or of the program that contains one, and its flags.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use regcred_engine::ProcessEnvironment;
use regcred_node::{
    NodeError, RANCHER_BIN_DIR, RANCHER_CONFIG, SERVICES, ServiceUnit, kubelet_flags,
};

/// The process of a kubelet, or of what contains one.
pub(super) fn process() -> io::Result<ProcessEnvironment> {
    ProcessEnvironment::of(KUBELET).or_else(|why| {
        let mut others = OTHERS.iter().map(|name| ProcessEnvironment::of(name));
        others.find_map(Result::ok).ok_or(why)
    })
}

/// The words of a process's command line, as `/proc` has it. k3s writes its program and its subcommand
/// over it, as one word.
pub(super) fn words(line: &[u8]) -> Vec<String> {
    let words = line.split(|byte| *byte == 0);
    let mut words: Vec<_> = words
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect();
    while words.pop_if(|word| word.is_empty()).is_some() {}
    if let [title] = &words[..]
        && let Some((program, subcommand)) = title.split_once(' ')
        && is_one_of(program, &CONTAINING)
    {
        return vec![program.to_owned(), subcommand.to_owned()];
    }
    words
}

/// The command of a process with the flags that it does not show: those of the service that starts the
/// same program, and of its configuration files.
pub(super) fn completed(
    root: &Path,
    words: Vec<String>,
    process: &ProcessEnvironment,
) -> Result<Vec<String>, NodeError> {
    let program = words.first().map_or("", String::as_str);
    if !is_one_of(program, &CONTAINING) {
        return Ok(words);
    }
    let is_same = |unit: &ServiceUnit| {
        let file_name =
            |words: &[String]| words.first().and_then(|word| name(word).map(str::to_owned));
        file_name(&unit.command) == file_name(&words) && unit.command.get(1) == words.get(1)
    };
    let mut units = SERVICES
        .iter()
        .filter_map(|name| ServiceUnit::find(root, name).ok()?);
    if let Some(unit) = units.find(is_same) {
        return Ok(unit.command);
    }
    let variables = process.vars().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let value = value.into_string().ok()?;
        name.ends_with("_CONFIG_FILE").then_some((name, value))
    });
    ServiceUnit::completed(root, words, &variables.collect())
}

/// Whether the program of a service is one whose flags are read.
pub(super) fn is_known(command: &[String]) -> bool {
    command
        .first()
        .is_some_and(|program| is_one_of(program, &PROGRAMS))
}

/// The flags of a kubelet.
#[derive(Clone, Debug, Default)]
pub(super) struct KubeletFlags {
    pub(super) values: BTreeMap<String, String>,
    /// A path that is missing, for which k3s or RKE2 leaves out both flags for plugins.
    pub(super) missing: Option<PathBuf>,
}

impl KubeletFlags {
    /// Those of a command line. k3s and RKE2 have defaults for the two flags for plugins, and pass them on
    /// only if both paths exist; `seen` is where this process finds a path of the kubelet's.
    pub(super) fn of(words: &[String], seen: impl Fn(&Path) -> PathBuf) -> Self {
        let values = kubelet_flags(words.iter().map(String::as_str));
        let mut flags = Self {
            values,
            missing: None,
        };
        let program = words.first().map_or("", String::as_str);
        if !is_one_of(program, &RANCHER) {
            return flags;
        }
        let own = words
            .iter()
            .filter(|word| !word.starts_with("--kubelet-arg"));
        let own = kubelet_flags(own.map(String::as_str));
        let both = DEFAULTS.map(|(flag, default)| {
            let given = own.get(flag).filter(|value| !value.is_empty());
            (flag, given.map_or(default, String::as_str))
        });
        let mut paths = both.iter().map(|(_, path)| seen(Path::new(path)));
        let missing = paths.find(|path| !path.exists());
        for (flag, path) in both {
            let is_passed_on = flags.values.get(flag) != own.get(flag);
            if is_passed_on {
                continue;
            }
            flags.values.remove(flag);
            if missing.is_none() {
                flags.values.insert(flag.to_owned(), path.to_owned());
            }
        }
        let is_configured = DEFAULTS.iter().any(|(flag, _)| own.contains_key(*flag));
        flags.missing = missing.filter(|_| is_configured);
        flags
    }
}

fn is_one_of(program: &str, names: &[&str]) -> bool {
    name(program).is_some_and(|name| names.contains(&name))
}

fn name(program: &str) -> Option<&str> {
    Path::new(program).file_name()?.to_str()
}

/// The flag for the plugins' configuration.
pub(super) const CONFIG_FLAG: &str = "image-credential-provider-config";
/// The flag for the plugins' directory.
pub(super) const BIN_DIR_FLAG: &str = "image-credential-provider-bin-dir";
const DEFAULTS: [(&str, &str); 2] = [
    (CONFIG_FLAG, RANCHER_CONFIG),
    (BIN_DIR_FLAG, RANCHER_BIN_DIR),
];
const KUBELET: &str = "kubelet";
/// The names of other processes that contain a kubelet.
const OTHERS: [&str; 4] = ["k3s-server", "k3s-agent", "kubelite", "microshift"];
/// The programs of services that start a kubelet.
const PROGRAMS: [&str; 6] = ["kubelet", "hyperkube", "k3s", "rke2", "k0s", "microshift"];
/// Programs in whose process a kubelet is that has flags besides those of the command line.
const CONTAINING: [&str; 2] = ["k3s", "microshift"];
const RANCHER: [&str; 2] = ["k3s", "rke2"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_that_k3s_wrote_over_has_two_words() {
        assert_eq!(
            words(b"/usr/local/bin/k3s server\0\0\0\0"),
            ["/usr/local/bin/k3s", "server"]
        );
        let kubelet = words(b"/usr/bin/kubelet\0--v=2\0--node-labels=\0");
        assert_eq!(kubelet, ["/usr/bin/kubelet", "--v=2", "--node-labels="]);
        assert_eq!(words(b"/opt/my kubelet\0"), ["/opt/my kubelet"]);
    }

    #[test]
    fn k3s_leaves_its_two_flags_out_unless_both_paths_exist() {
        let dir = tempfile::tempdir().expect("a directory");
        let seen = |path: &Path| dir.path().join(path.strip_prefix("/").unwrap_or(path));
        let flags = |line: &str| {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            KubeletFlags::of(&words, seen)
        };
        let found = flags("/bin/k3s server");
        assert_eq!((found.values.get(CONFIG_FLAG), found.missing), (None, None));
        let own = "k3s server --image-credential-provider-config=/etc/c.yaml";
        let found = flags(own);
        assert_eq!(found.values.get(CONFIG_FLAG), None);
        assert_eq!(found.missing, Some(seen(Path::new("/etc/c.yaml"))));
        let passed_on = "k3s server --kubelet-arg=image-credential-provider-config=/x";
        assert_eq!(flags(passed_on).values[CONFIG_FLAG], "/x");
        std::fs::create_dir_all(seen(Path::new(RANCHER_BIN_DIR))).expect("a directory");
        std::fs::create_dir_all(dir.path().join("etc")).expect("a directory");
        std::fs::write(seen(Path::new("/etc/c.yaml")), "").expect("a file");
        let found = flags(own);
        assert_eq!(found.values[CONFIG_FLAG], "/etc/c.yaml");
        assert_eq!(found.values[BIN_DIR_FLAG], RANCHER_BIN_DIR);
        assert_eq!(flags("kubelet --v=2").values.len(), 1);
    }
}
