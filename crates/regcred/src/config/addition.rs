//! Entries that are added to a configuration: everything else of the file stays as it is written.

use regcred_api::{CredentialProviderConfig, ProviderEntry, decode_config};
use regcred_core::SecretText as _;
use regcred_engine::ProviderConfig;
use regcred_go::yaml::{Step, line_of};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::Entry;
use super::new_file::new_file;
use crate::config_format::ConfigFormat;

/// A configuration's text with more entries. Its variables may be secrets.
#[derive(Debug)]
pub(super) struct Added {
    pub(super) text: SecretString,
    /// The names of the entries that it did not have.
    pub(super) names: Vec<String>,
}

/// Adds the entries after those of a configuration; an entry that it has already stays as it is.
///
/// # Errors
/// When a kubelet does not start with the configuration, as it is or with the entries; when it has another
/// entry of the same name; and for a layout to which no lines can be added.
pub(super) fn add(
    text: &SecretString,
    entries: &[Entry],
    format: Option<ConfigFormat>,
) -> Result<Added, String> {
    let old = text.expose_secret();
    let before = accepted(old)?;
    if before.has_more {
        return Err("it has several YAML documents, and a kubelet reads the first only".to_owned());
    }
    let own = if old.trim_start().starts_with('{') {
        ConfigFormat::Json
    } else {
        ConfigFormat::Yaml
    };
    if format.is_some_and(|format| format != own) {
        return Err(format!("it is {own}: omit --format, or name another file"));
    }
    let mut new = Vec::new();
    for entry in entries {
        match before
            .providers
            .iter()
            .find(|known| known.name == entry.name)
        {
            None => new.push(entry),
            Some(known) => {
                let wanted = accepted(&new_file(&[entry], ConfigFormat::Json))?;
                if !wanted.providers.iter().all(|wanted| is_same(wanted, known)) {
                    let name = &entry.name;
                    return Err(format!(
                        "it has another entry {name:?}: remove that one, or change it"
                    ));
                }
            }
        }
    }
    let names = new.iter().map(|entry| entry.name.clone()).collect();
    if new.is_empty() {
        let text = text.clone();
        return Ok(Added { text, names });
    }
    let text = match own {
        ConfigFormat::Json => in_json(old, &new),
        ConfigFormat::Yaml => in_yaml(old, before.providers.len(), &new),
    };
    let text = text.ok_or_else(|| LAYOUT.to_owned())?;
    let after = accepted(&text)?;
    let mut kept = before.providers.iter().zip(&after.providers);
    let is_kept = kept.all(|(old, new)| is_same(old, new));
    if !is_kept || after.providers.len() != before.providers.len() + new.len() || after.has_more {
        return Err(LAYOUT.to_owned());
    }
    let text = text.into();
    Ok(Added { text, names })
}

/// The configuration, if a kubelet starts with it; else the kubelet's sentences.
pub(super) fn accepted(text: &str) -> Result<CredentialProviderConfig, String> {
    let mut config = decode_config(text.as_bytes())
        .map_err(|error| format!("a kubelet does not read it: {error}"))?;
    let mut rules = ProviderConfig {
        providers: std::mem::take(&mut config.providers),
        origins: Vec::new(),
        hash: String::new(),
        files: Vec::new(),
        read_in_part: Vec::new(),
    };
    let broken: Vec<_> = rules.problems().iter().map(ToString::to_string).collect();
    if !broken.is_empty() {
        let broken = broken.join(", ");
        return Err(format!("a kubelet does not start with it: {broken}"));
    }
    config.providers = std::mem::take(&mut rules.providers);
    Ok(config)
}

fn is_same(one: &ProviderEntry, other: &ProviderEntry) -> bool {
    let mut variables = one.env.iter().zip(&other.env);
    (&one.name, &one.match_images, &one.api_version, &one.args)
        == (
            &other.name,
            &other.match_images,
            &other.api_version,
            &other.args,
        )
        && one.default_cache_duration == other.default_cache_duration
        && one.token_attributes == other.token_attributes
        && one.env.len() == other.env.len()
        && variables.all(|((name, value), (other, same))| name == other && value.is_same(same))
}

#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    providers: &'a RawValue,
}

/// The text with entries at the end of the list; `None` if the list is not found.
fn in_json(text: &str, entries: &[&Entry]) -> Option<String> {
    let list = serde_json::from_str::<Written<'_>>(text)
        .ok()?
        .providers
        .get();
    let start = list.as_ptr().addr() - text.as_ptr().addr();
    let (head, rest) = text.split_at(start);
    let (list, tail) = rest.split_at(list.len());
    let items = list.strip_suffix(']')?;
    let last = items.trim_end();
    // The last line of the list is as far from its beginning as the items are from theirs.
    let closing = &items[last.len()..];
    let first = &items[1..items.len() - items[1..].trim_start().len()];
    let (before, unit) = match first.rsplit_once('\n') {
        Some((_, blanks)) => {
            let outer = closing.rsplit_once('\n').map_or("", |(_, blanks)| blanks);
            (format!("\n{blanks}"), blanks.strip_prefix(outer)?)
        }
        None => (String::new(), ""),
    };
    let item = |entry: &&Entry| {
        if unit.is_empty() {
            return entry.json();
        }
        regcred_go::json::indent(&entry.json(), unit).replace('\n', &before)
    };
    let items: Vec<_> = entries.iter().map(item).collect();
    let items = items.join(&format!(",{before}"));
    Some(format!("{head}{last},{before}{items}{closing}]{tail}"))
}

/// The text with entries after the last line of the list; `None` if it is not one item on each line.
fn in_yaml(text: &str, count: usize, entries: &[&Entry]) -> Option<String> {
    let item = |at| {
        line_of(
            text.as_bytes(),
            &[Step::Member("providers"), Step::Item(at)],
        )
    };
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = lines.get(item(0)?.checked_sub(1)?)?;
    let indent = blanks(first);
    if !first[indent..].starts_with("- ") {
        return None;
    }
    let last = item(count.checked_sub(1)?)?;
    let is_empty = |line: &str| matches!(line.trim_start().chars().next(), None | Some('#'));
    // The last item ends before the first line that is not further to the right than its dash.
    let mut rest = lines.iter().enumerate().skip(last);
    let end = rest.find(|(_, line)| !is_empty(line) && blanks(line) <= indent);
    let mut end = end.map_or(lines.len(), |(at, _)| at);
    while end > last && is_empty(lines[end - 1]) {
        end -= 1;
    }
    let mut out = lines[..end].concat();
    if !out.ends_with('\n') {
        out.push('\n');
    }
    for entry in entries {
        out.push_str(&entry.yaml(indent));
    }
    out.push_str(&lines[end..].concat());
    Some(out)
}

const LAYOUT: &str = "nothing can be added to its layout without a change of the rest: write `providers` as a \
                      list of one item on each line";

#[cfg(test)]
mod tests;
