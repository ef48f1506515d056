//! A kubelet with a unit of its own: kubeadm and what is made with it, and plain systemd.

use std::path::Path;

use super::drop_in::drop_in;
use crate::environment_file::EnvironmentFile;
use crate::error::NodeError;
use crate::flags::{ProviderFlags, ProviderPaths};
use crate::found::Found;
use crate::state::{FileContent, FileState};
use crate::unit::{BY_HAND, Unit};
use crate::view::View;
use crate::words::{SIGNS, command_line, variable, written};

pub(super) fn find(
    view: &View<'_>,
    bin_dir: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    let Some(unit) = Unit::read(view, UNIT)? else {
        return Ok(None);
    };
    let (command, words) = unit.command()?;
    let program = words[0].text.trim_start_matches(SIGNS);
    let is_kubelet = Path::new(program)
        .file_name()
        .is_some_and(|name| name == "kubelet");
    if !is_kubelet {
        return Err(NodeError::at(
            &command.file,
            command.line,
            format!("ExecStart= starts {program} and not the kubelet itself"),
            BY_HAND,
        ));
    }
    let variables = unit.variables(view);
    if let Some(why) = variables.unread {
        return Err(why);
    }
    let args = command_line(&words, &variables.values);
    let flags = ProviderFlags::of(args.iter().map(String::as_str));
    let paths = flags
        .paths()
        .map_err(|why| NodeError::at(&command.file, command.line, why, "set both, or neither"))?;
    let mut found = Found::new(kind(view)?, UNIT);
    found.rewritten = rewritten(view, &unit)?;
    if let Some(paths) = paths {
        return Ok(Some((found, paths)));
    }
    let paths = ProviderPaths::chosen(CONFIG, bin_dir);
    let has_variable = words.iter().any(|word| variable(&word.text) == Some(EXTRA));
    let (path, state) = if has_variable {
        in_variable(view, &unit, &paths)?
    } else {
        let flags = paths.flags().map(|flag| written(&flag)).join(" ");
        drop_in(
            UNIT,
            &format!(
                "The command is that of {} with two flags more.",
                command.file.display()
            ),
            &format!("ExecStart=\nExecStart={} {flags}\n", command.value),
        )
    };
    Ok(Some((found.edited(path, state), paths)))
}

/// Flags at the end of the variable that is for them. What a file sets counts, else what the unit sets.
fn in_variable(
    view: &View<'_>,
    unit: &Unit,
    paths: &ProviderPaths,
) -> Result<(std::path::PathBuf, FileState), NodeError> {
    let flags = paths.flags().join(" ");
    let mut of_users = None;
    for file in unit.environment_files.iter().map(|file| &file.path) {
        let text = view.text(file)?;
        let is_set = text.as_deref().is_some_and(|text| {
            text.lines()
                .any(|line| line.trim_start().starts_with(EXTRA))
        });
        if is_set || FOR_USERS.contains(&&*file.to_string_lossy()) {
            of_users = Some((file, text));
        }
    }
    let Some((file, text)) = of_users else {
        let before = unit.environment.get(EXTRA).map_or("", String::as_str);
        let value = format!("{EXTRA}={before} {flags}").replacen("= ", "=", 1);
        let what = "systemd puts the variable into the command of the unit.";
        return Ok(drop_in(UNIT, what, &format!("Environment=\"{value}\"\n")));
    };
    if file.ends_with("kubeadm-flags.env") {
        return Err(NodeError::at(
            file,
            None,
            format!("kubeadm writes this file again, and it sets {EXTRA}"),
            "set the variable in /etc/default/kubelet instead",
        ));
    }
    let path = view.real(file)?;
    let text = text.unwrap_or_default();
    let edited = EnvironmentFile::parse(&text).adding(&path, EXTRA, &flags)?;
    let content = match view.state(&path)? {
        FileState::File(content) => content.with(edited.into_bytes()),
        _ => FileContent::own(edited.into_bytes(), 0o644),
    };
    Ok((path, FileState::File(content)))
}

/// Whose node it is, for messages.
fn kind(view: &View<'_>) -> Result<&'static str, NodeError> {
    for (mark, name) in [
        ("/etc/eks/image-credential-provider/config.json", "EKS"),
        ("/home/kubernetes/bin/kubelet", "GKE"),
        ("/opt/azure/containers/provision.sh", "AKS"),
        ("/kind/version", "kind"),
        ("/var/lib/kubelet/kubeadm-flags.env", "kubeadm"),
        ("/usr/bin/kubeadm", "kubeadm"),
    ] {
        if view.state(&view.real(Path::new(mark))?)? != FileState::Absent {
            return Ok(name);
        }
    }
    Ok("systemd")
}

/// Nodes on which another program writes the flags and the configuration again.
fn rewritten(
    view: &View<'_>,
    unit: &Unit,
) -> Result<Option<(&'static str, &'static str)>, NodeError> {
    if view.state(&view.real(Path::new("/usr/bin/nodeadm"))?)? != FileState::Absent {
        return Ok(Some((
            "nodeadm writes them again at each boot",
            "name a configuration of your own in the NodeConfig's spec.kubelet.flags, or replace \
             Amazon's plugin by `--provider ecr --replace`, which changes neither",
        )));
    }
    let command = unit.commands.iter().map(|command| command.value.as_str());
    let command: String = command.collect();
    if command.contains("DAEMON_ARGS") {
        return Ok(Some((
            "kOps writes them again at each boot",
            "use fileAssets and hooks of the cluster's spec",
        )));
    }
    if command.contains("KUBELET_ARGS")
        && unit
            .environment_files
            .iter()
            .any(|file| file.path.ends_with("kubelet.env"))
    {
        return Ok(Some((
            "kubespray writes them again at each run",
            "set kubelet_custom_flags",
        )));
    }
    Ok(None)
}

/// The unit of a kubelet by itself.
pub(super) const UNIT: &str = "kubelet.service";
const EXTRA: &str = "KUBELET_EXTRA_ARGS";
const CONFIG: &str = "/etc/kubernetes/credential-providers.yaml";
/// Files that a distribution leaves to its users.
const FOR_USERS: [&str; 2] = ["/etc/default/kubelet", "/etc/sysconfig/kubelet"];
