//! MicroShift: two keys of its own configuration, by a drop-in.

use std::path::{Path, PathBuf};

use regcred_go::Value;

use crate::error::NodeError;
use crate::flags::{BIN_DIR, CONFIG, ProviderFlags, ProviderPaths};
use crate::found::Found;
use crate::state::{FileContent, FileState};
use crate::unit::Unit;
use crate::view::View;

use super::document::document;

pub(super) fn find(
    view: &View<'_>,
    bin_dir: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    if Unit::file(view, UNIT)?.is_none() {
        return Ok(None);
    }
    let (flags, files) = flags(view)?;
    let paths = flags.paths().map_err(|why| {
        let file = files.last().map_or(Path::new(OWN), PathBuf::as_path);
        let instead = "set both keys below `kubelet`, or neither";
        NodeError::at(file, None, why, instead)
    })?;
    let found = Found::new("MicroShift", UNIT);
    if let Some(paths) = paths {
        return Ok(Some((found, paths)));
    }
    let program = view.state(&view.real(Path::new(PROGRAM))?)?;
    let is_known = program
        .bytes()
        .windows(CONFIG_KEY.len())
        .any(|part| part == CONFIG_KEY.as_bytes());
    if !is_known {
        return Err(NodeError::at(
            Path::new(PROGRAM),
            None,
            format!("this MicroShift does not know the key kubelet.{CONFIG_KEY}"),
            "update MicroShift; until then its kubelet runs no plugin",
        ));
    }
    let paths = ProviderPaths::chosen(&format!("{OWN}/credential-providers.yaml"), bin_dir);
    let text = format!(
        "# Written by `regcred install`; `regcred uninstall` removes it.\nkubelet:\n  \
         {CONFIG_KEY}: {}\n  {BIN_DIR_KEY}: {}\n",
        paths.config.display(),
        paths.bin_dir.display()
    );
    let state = FileState::File(FileContent::own(text.into_bytes(), 0o644));
    let path = Path::new(OWN).join("config.d/90-regcred.yaml");
    Ok(Some((found.edited(path, state), paths)))
}

/// The two flags of its files, and these.
pub(super) fn flags(view: &View<'_>) -> Result<(ProviderFlags, Vec<PathBuf>), NodeError> {
    let mut files = vec![Path::new(OWN).join("config.yaml")];
    let drop_ins = Path::new(OWN).join("config.d");
    let names = view.names(&drop_ins)?;
    let names = names.iter().filter(|name| name.ends_with(".yaml"));
    files.extend(names.map(|name| drop_ins.join(name)));
    let mut flags = ProviderFlags::default();
    let mut there = Vec::new();
    for file in files {
        let Some(text) = view.text(&file)? else {
            continue;
        };
        let document = document(&file, &text)?;
        let kubelet = document
            .as_ref()
            .and_then(|document| document.member("kubelet"));
        for (key, flag) in [(CONFIG_KEY, CONFIG), (BIN_DIR_KEY, BIN_DIR)] {
            let value = kubelet.and_then(|kubelet| kubelet.member(key));
            if let Some(value) = value.and_then(Value::plain_text) {
                flags.set(flag, value);
            }
        }
        there.push(file);
    }
    Ok((flags, there))
}

/// The unit of MicroShift.
pub(super) const UNIT: &str = "microshift.service";
const OWN: &str = "/etc/microshift";
const PROGRAM: &str = "/usr/bin/microshift";
const CONFIG_KEY: &str = "imageCredentialProviderConfigPath";
const BIN_DIR_KEY: &str = "imageCredentialProviderBinDir";
