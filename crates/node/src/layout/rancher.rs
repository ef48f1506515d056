//! k3s and RKE2: they look for both in one place without any flag.

use std::path::Path;

use regcred_go::Value;

use crate::error::NodeError;
use crate::flags::{BIN_DIR, CONFIG, ProviderFlags, ProviderPaths};
use crate::found::Found;
use crate::state::FileState;
use crate::unit::Unit;
use crate::view::View;

use super::document::document;

pub(super) fn find_k3s(
    view: &View<'_>,
    _: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    find(
        view,
        "k3s",
        "/etc/rancher/k3s",
        ["k3s.service", "k3s-agent.service"],
    )
}

pub(super) fn find_rke2(
    view: &View<'_>,
    _: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    find(
        view,
        "RKE2",
        "/etc/rancher/rke2",
        ["rke2-server.service", "rke2-agent.service"],
    )
}

fn find(
    view: &View<'_>,
    kind: &'static str,
    directory: &str,
    names: [&str; 2],
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    let mut units = Vec::new();
    for name in names {
        if let Some(unit) = Unit::read(view, name)? {
            let wanted = Path::new("/etc/systemd/system/multi-user.target.wants").join(name);
            units.push((name, unit, view.state(&wanted)? != FileState::Absent));
        }
    }
    if units.len() > 1 {
        // Packages have both units, and one of them is enabled.
        units.retain(|(_, _, is_enabled)| *is_enabled);
        if units.len() != 1 {
            return Err(NodeError::refused(
                format!(
                    "{} and {} are both there, and not exactly one is enabled",
                    names[0], names[1]
                ),
                "enable the one that this node runs",
            ));
        }
    }
    let Some((name, unit, _)) = units.pop() else {
        return Ok(None);
    };
    let defaults = || ProviderFlags {
        config: Some(RANCHER_CONFIG.to_owned()),
        bin_dir: Some(RANCHER_BIN_DIR.to_owned()),
    };
    let mut flags = defaults();
    // What goes to the kubelet as it is counts last.
    let mut of_kubelet = ProviderFlags::default();
    let directory = Path::new(directory);
    let mut files = vec![directory.join("config.yaml")];
    let drop_ins = directory.join("config.yaml.d");
    let names = view.names(&drop_ins)?;
    let names = names
        .iter()
        .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"));
    files.extend(names.map(|name| drop_ins.join(name)));
    for file in files {
        let text = view.text(&file)?.unwrap_or_default();
        read(&file, &text, &mut flags, &mut of_kubelet)?;
    }
    let (command, words) = unit.command()?;
    let args: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
    let given = ProviderFlags::of(args.iter().copied());
    flags.config = given.config.or(flags.config);
    flags.bin_dir = given.bin_dir.or(flags.bin_dir);
    for (at, arg) in args.iter().enumerate() {
        let value = match arg.strip_prefix("--kubelet-arg") {
            Some("") => args.get(at + 1).copied(),
            Some(rest) => rest.strip_prefix('='),
            None => None,
        };
        if let Some((name, value)) =
            value.and_then(|value| value.trim_start_matches('-').split_once('='))
        {
            of_kubelet.set(name, value);
        }
    }
    flags.config = of_kubelet.config.or(flags.config);
    flags.bin_dir = of_kubelet.bin_dir.or(flags.bin_dir);
    let paths = flags
        .paths()
        .and_then(|paths| paths.ok_or_else(String::new));
    let paths = paths.map_err(|why| {
        NodeError::at(
            &command.file,
            command.line,
            why,
            "set absolute paths, or neither flag",
        )
    })?;
    Ok(Some((Found::new(kind, name), paths)))
}

/// The flags in a configuration file, without dashes and as members.
fn read(
    file: &Path,
    text: &str,
    flags: &mut ProviderFlags,
    of_kubelet: &mut ProviderFlags,
) -> Result<(), NodeError> {
    let Some(document) = document(file, text)? else {
        return Ok(());
    };
    for name in [CONFIG, BIN_DIR] {
        if let Some(value) = document.member(name).and_then(Value::plain_text) {
            flags.set(name, value);
        }
    }
    for name in ["kubelet-arg", "kubelet-arg+"] {
        let values = match document.member(name) {
            Some(Value::Array(values)) => values.iter().collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        let values = values.into_iter().filter_map(Value::plain_text);
        for (name, value) in
            values.filter_map(|value| value.trim_start_matches('-').split_once('='))
        {
            of_kubelet.set(name, value);
        }
    }
    Ok(())
}

/// The configuration that k3s and RKE2 take without a flag.
pub const RANCHER_CONFIG: &str = "/var/lib/rancher/credentialprovider/config.yaml";
/// The directory of plugins that k3s and RKE2 take without a flag.
pub const RANCHER_BIN_DIR: &str = "/var/lib/rancher/credentialprovider/bin";
