//! `regcred man`: manual pages, made from the command line's own definition.

use std::path::Path;

use clap::Command;
use regcred_files::replace;
use regcred_run::{ProgramError, exit_code, output};

use crate::cli::{ManArgs, command_line};

pub(crate) fn run(args: &ManArgs) -> Result<(), ProgramError> {
    let mut root = command_line().disable_help_subcommand(true);
    root.build();
    if let Some(dir) = &args.dir {
        return write_all(&root, dir);
    }
    let mut command = &root;
    for word in &args.command {
        command = command.find_subcommand(word).ok_or_else(|| {
            let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
            let name = command.get_bin_name().unwrap_or("regcred");
            ProgramError::usage(format!(
                "{word:?} is not a command of {name}; expected one of {}",
                known.join(", ")
            ))
        })?;
    }
    output::write(&page(command)?)
}

fn page(command: &Command) -> Result<String, ProgramError> {
    let mut text = Vec::new();
    let named = command.clone().name(file_name(command));
    let page = clap_mangen::Man::new(named).source(concat!("regcred ", env!("CARGO_PKG_VERSION")));
    page.render(&mut text)
        .map_err(|error| ProgramError::new(exit_code::BUG, error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// `regcred-config-generate`, as `man` finds it.
fn file_name(command: &Command) -> String {
    command
        .get_bin_name()
        .unwrap_or("regcred")
        .replace(' ', "-")
}

fn write_all(command: &Command, dir: &Path) -> Result<(), ProgramError> {
    let path = dir.join(format!("{}.1", file_name(command)));
    replace(&path, page(command)?.as_bytes(), 0o644).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        ProgramError::new(exit_code::UNWRITABLE, message)
    })?;
    let mut inner = command.get_subcommands();
    inner.try_for_each(|sub| write_all(sub, dir))
}
