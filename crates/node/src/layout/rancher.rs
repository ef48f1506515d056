//! k3s and RKE2: they look for both in one place without any flag.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::completed::completed;
use crate::environment_file::variables;
use crate::error::NodeError;
use crate::flags::{ProviderFlags, ProviderPaths};
use crate::found::Found;
use crate::openrc::InitScript;
use crate::state::FileState;
use crate::unit::Unit;
use crate::view::View;
use crate::words::command_line;

pub(super) fn find_k3s(
    view: &View<'_>,
    _: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    find(view, "k3s", K3S)
}

pub(super) fn find_rke2(
    view: &View<'_>,
    _: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    find(view, "RKE2", RKE2)
}

/// A service that starts one of the two.
struct Service {
    name: String,
    is_enabled: bool,
    /// Where its command is.
    file: PathBuf,
    line: usize,
    words: Vec<String>,
    variables: BTreeMap<String, String>,
}

fn find(
    view: &View<'_>,
    kind: &'static str,
    names: [&str; 2],
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    let mut services = Vec::new();
    for name in names {
        services.extend(of_systemd(view, name)?);
        services.extend(of_openrc(view, name)?);
    }
    if services.len() > 1 {
        // Packages have both units, and one of them is enabled.
        let there: Vec<_> = services.iter().map(|found| found.name.clone()).collect();
        services.retain(|found| found.is_enabled);
        if services.len() != 1 {
            return Err(NodeError::refused(
                format!(
                    "{} are both there, and not exactly one is enabled",
                    there.join(" and ")
                ),
                "enable the one that this node runs",
            ));
        }
    }
    let Some(service) = services.pop() else {
        return Ok(None);
    };
    let words = completed(view, service.words, &service.variables)?.words;
    let given = ProviderFlags::of(words.iter().map(String::as_str));
    let flags = ProviderFlags {
        config: given.config.or_else(|| Some(RANCHER_CONFIG.to_owned())),
        bin_dir: given.bin_dir.or_else(|| Some(RANCHER_BIN_DIR.to_owned())),
    };
    let paths = flags
        .paths()
        .and_then(|paths| paths.ok_or_else(String::new));
    let paths = paths.map_err(|why| {
        let instead = "set absolute paths, or neither flag";
        NodeError::at(&service.file, service.line, why, instead)
    })?;
    Ok(Some((Found::new(kind, &service.name), paths)))
}

fn of_systemd(view: &View<'_>, name: &str) -> Result<Option<Service>, NodeError> {
    let Some(unit) = Unit::read(view, name)? else {
        return Ok(None);
    };
    let wanted = Path::new("/etc/systemd/system/multi-user.target.wants").join(name);
    let variables = unit.variables(view);
    if let Some(why) = variables.unread {
        return Err(why);
    }
    let (command, words) = unit.command()?;
    Ok(Some(Service {
        name: name.to_owned(),
        is_enabled: view.state(&wanted)? != FileState::Absent,
        file: command.file.clone(),
        line: command.line,
        words: command_line(&words, &variables.values),
        variables: variables.values,
    }))
}

/// The script that k3s's installer writes where OpenRC starts the services, as on Alpine.
fn of_openrc(view: &View<'_>, unit: &str) -> Result<Option<Service>, NodeError> {
    let Some(script) = InitScript::of_unit(view, unit)? else {
        return Ok(None);
    };
    let wanted = Path::new("/etc/runlevels/default").join(&script.name);
    let environment = view.text(&script.environment_file())?.unwrap_or_default();
    Ok(Some(Service {
        is_enabled: view.state(&wanted)? != FileState::Absent,
        file: script.file,
        line: script.line,
        words: script.command,
        variables: variables(&environment),
        name: script.name,
    }))
}

/// The units of k3s.
pub(super) const K3S: [&str; 2] = ["k3s.service", "k3s-agent.service"];
/// The units of RKE2.
pub(super) const RKE2: [&str; 2] = ["rke2-server.service", "rke2-agent.service"];
/// The configuration that k3s and RKE2 take without a flag.
pub const RANCHER_CONFIG: &str = "/var/lib/rancher/credentialprovider/config.yaml";
/// The directory of plugins that k3s and RKE2 take without a flag.
pub const RANCHER_BIN_DIR: &str = "/var/lib/rancher/credentialprovider/bin";
