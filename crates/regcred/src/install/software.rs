//! What to install: entries, and a program for each.

use std::path::{Path, PathBuf};

use regcred_core::Env;
use regcred_files::{MIB, read};
use regcred_node::{Entries, FileContent, Plugin, Wish};
use regcred_run::ProgramError;
use secrecy::zeroize::Zeroizing;

use super::arguments::InstallArgs;
use crate::config::{choose, generate};
use crate::multicall::{plugin_name, providers_of};

/// Reads everything that goes to the node.
pub(super) fn wish(args: &InstallArgs, env: &Env) -> Result<Wish, ProgramError> {
    let text = match &args.config {
        Some(file) => read(file, MIB).map_err(|error| {
            let file = file.display();
            ProgramError::not_configured(format!("--config: cannot read {file}: {error}"))
        })?,
        None => generate(&choose(&args.providers)?, env)?.into_bytes(),
    };
    // Variables of its entries may be secrets.
    let text = Zeroizing::new(text);
    let entries = Entries::of(&text).map_err(|error| {
        let file = args.config.as_deref().unwrap_or(Path::new("")).display();
        ProgramError::not_configured(format!("--config: a kubelet does not read {file}: {error}"))
    })?;
    let own = std::env::current_exe().map_err(|error| {
        ProgramError::not_configured(format!("cannot find this program's file: {error}"))
    })?;
    let from = match &args.from {
        Some(from) => from.clone(),
        None => own.parent().map(Path::to_owned).unwrap_or_default(),
    };
    let plugins = entries.names().map(|name| plugin(name, &from, &own));
    Ok(Wish {
        plugins: plugins.collect::<Result<_, _>>()?,
        entries,
        bin_dir: args.bin_dir.clone().map(absolute).transpose()?,
        replace: args.replace,
        written_by: concat!("regcred ", env!("CARGO_PKG_VERSION")).to_owned(),
    })
}

/// The plugin of an entry: a file of that name, or of its own name, else a copy of this program, which
/// runs as any plugin.
fn plugin(name: &str, from: &Path, own: &Path) -> Result<Plugin, ProgramError> {
    let spec = providers_of(name).and_then(|specs| <[_; 1]>::try_from(specs).ok());
    let spec = spec.map(|[spec]| spec);
    let mut files = vec![from.join(name)];
    files.extend(spec.map(|spec| from.join(plugin_name(spec))));
    let file = files.into_iter().find(|file| file.is_file());
    let file = file
        .or_else(|| spec.map(|_| own.to_owned()))
        .ok_or_else(|| {
            ProgramError::not_configured(format!(
                "{} has no plugin {name}: name its directory with --from",
                from.display()
            ))
        })?;
    let bytes = read(&file, MAX_PROGRAM).map_err(|error| {
        ProgramError::not_configured(format!(
            "cannot read the plugin {}: {error}",
            file.display()
        ))
    })?;
    let own_name = spec.filter(|spec| plugin_name(spec) == name);
    let aliases = own_name.map_or(&[][..], |spec| spec.plugin_aliases);
    Ok(Plugin {
        name: name.to_owned(),
        aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
        program: FileContent::own(bytes, 0o755),
    })
}

fn absolute(path: PathBuf) -> Result<PathBuf, ProgramError> {
    if path.is_absolute() {
        return Ok(path);
    }
    let path = path.display();
    Err(ProgramError::usage(format!(
        "--bin-dir: {path} is not an absolute path"
    )))
}

const MAX_PROGRAM: u64 = 512 * MIB;
