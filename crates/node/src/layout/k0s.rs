//! k0s: the kubelet's flags are a flag of `k0s worker` in its unit.

use std::path::Path;

use super::drop_in::drop_in;
use crate::error::NodeError;
use crate::flags::{ProviderFlags, ProviderPaths};
use crate::found::Found;
use crate::unit::{BY_HAND, Unit};
use crate::view::View;
use crate::words::{Word, written};

pub(super) fn find(
    view: &View<'_>,
    bin_dir: Option<&Path>,
) -> Result<Option<(Found, ProviderPaths)>, NodeError> {
    for name in UNITS {
        if let Some(unit) = Unit::read(view, name)? {
            return in_unit(name, &unit, bin_dir).map(Some);
        }
    }
    Ok(None)
}

fn in_unit(
    name: &str,
    unit: &Unit,
    bin_dir: Option<&Path>,
) -> Result<(Found, ProviderPaths), NodeError> {
    let (command, words) = unit.command()?;
    let refused =
        |what: &str, instead: &str| NodeError::at(&command.file, command.line, what, instead);
    let has = |arg: &str| words.iter().any(|word| word.text == arg);
    let is_worker =
        has("worker") || has("--enable-worker") || has("--enable-worker=true") || has("--single");
    if !is_worker {
        return Err(refused(
            "this controller has no kubelet",
            "run it on a worker",
        ));
    }
    let extra = extra(&words);
    let value = extra.as_ref().map_or("", |extra| extra.value);
    let flags = ProviderFlags::of(value.split_ascii_whitespace()).paths();
    let flags =
        flags.map_err(|why| refused(&why, "set both in --kubelet-extra-args, or neither"))?;
    let found = Found::new("k0s", name);
    if let Some(paths) = flags {
        return Ok((found, paths));
    }
    if value.contains(['"', '\'', '\\']) {
        return Err(refused(
            "--kubelet-extra-args has quotes in its value",
            BY_HAND,
        ));
    }
    let paths = ProviderPaths::chosen(CONFIG, bin_dir);
    let flags = paths.flags().join(" ");
    let value = format!("{FLAG}={value} {flags}").replacen("= ", "=", 1);
    let value = written(&value);
    let line = &command.value;
    let line = match extra {
        None => format!("{line} {value}"),
        Some(extra) => {
            format!("{}{value}{}", &line[..extra.start], &line[extra.end..])
        }
    };
    let what = format!(
        "The command is that of {} with two flags more in {FLAG}.",
        command.file.display()
    );
    let (path, state) = drop_in(name, &what, &format!("ExecStart=\nExecStart={line}\n"));
    Ok((found.edited(path, state), paths))
}

/// The flag for the kubelet's flags, in one word or two.
struct Extra<'a> {
    value: &'a str,
    start: usize,
    end: usize,
}

fn extra(words: &[Word]) -> Option<Extra<'_>> {
    let at = words.iter().rposition(|word| word.text.starts_with(FLAG))?;
    let word = &words[at];
    if let Some(value) = word.text.strip_prefix(FLAG)?.strip_prefix('=') {
        return Some(Extra {
            value,
            start: word.written.start,
            end: word.written.end,
        });
    }
    let next = words.get(at + 1)?;
    Some(Extra {
        value: &next.text,
        start: word.written.start,
        end: next.written.end,
    })
}

/// The units of k0s.
pub(super) const UNITS: [&str; 2] = ["k0sworker.service", "k0scontroller.service"];
const FLAG: &str = "--kubelet-extra-args";
const CONFIG: &str = "/etc/k0s/credential-providers.yaml";
