//! Changes as a unified diff, which `patch -p1` and `git apply` take where files are text.

use std::fmt::Write as _;

use regcred_api::decode_config;
use secrecy::ExposeSecret as _;
use secrecy::zeroize::Zeroizing;
use similar::TextDiff;

use crate::change::Change;
use crate::role::Role;
use crate::state::FileState;

/// The changes, one after another. Values of variables of providers are replaced by `***`.
#[must_use]
pub fn unified(changes: &[Change]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for change in changes {
        one(change, &mut text);
    }
    text
}

fn one(change: &Change, text: &mut String) {
    let path = change.path.display().to_string();
    let path = path.trim_start_matches('/');
    let _ = writeln!(text, "diff --git a/{path} b/{path}");
    let modes = match (mode(&change.now), mode(&change.then)) {
        (None, Some(mode)) => format!("new file mode {mode}\n"),
        (Some(mode), None) => format!("deleted file mode {mode}\n"),
        (Some(old), Some(new)) if old != new => format!("old mode {old}\nnew mode {new}\n"),
        _ => String::new(),
    };
    text.push_str(&modes);
    let side = |state: &FileState, letter: char| match state {
        FileState::Absent => "/dev/null".to_owned(),
        _ => format!("{letter}/{path}"),
    };
    let (a, b) = (side(&change.now, 'a'), side(&change.then, 'b'));
    let (Some(old), Some(new)) = (
        shown(&change.now, change.role),
        shown(&change.then, change.role),
    ) else {
        let _ = writeln!(text, "Binary files {a} and {b} differ");
        return;
    };
    let diff = TextDiff::from_lines(old.as_str(), new.as_str());
    let _ = write!(
        text,
        "{}",
        diff.unified_diff().context_radius(3).header(&a, &b)
    );
}

/// As git has it.
fn mode(state: &FileState) -> Option<String> {
    match state {
        FileState::Absent => None,
        FileState::File(file) => Some(format!("100{:03o}", file.mode & 0o777)),
        FileState::Link(_) => Some("120000".to_owned()),
    }
}

/// What can be printed of a file; `None` for a program.
fn shown(state: &FileState, role: Role) -> Option<Zeroizing<String>> {
    let FileState::File(file) = state else {
        let target = match state {
            FileState::Link(target) => target.display().to_string(),
            _ => String::new(),
        };
        return Some(Zeroizing::new(target));
    };
    if role == Role::Plugin {
        return None;
    }
    let mut text = Zeroizing::new(state.text()?.to_owned());
    if role == Role::Config
        && let Ok(config) = decode_config(&file.bytes)
    {
        for (_, value) in config.providers.iter().flat_map(|entry| &entry.env) {
            let value = value.expose_secret();
            if value.len() >= SHORTEST_SECRET {
                *text = text.replace(value, "***");
            }
        }
    }
    Some(text)
}

/// Shorter values are words of the file as well.
const SHORTEST_SECRET: usize = 4;
