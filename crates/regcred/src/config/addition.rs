//! Entries that are added to a configuration: everything else of the file stays as it is written.

use regcred_api::{CredentialProviderConfig, decode_config};
use regcred_engine::ProviderConfig;
use regcred_node::{Entries, add_entries};
use secrecy::{ExposeSecret as _, SecretString};

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
                if !wanted.providers.iter().all(|wanted| wanted.is_same(known)) {
                    let name = &entry.name;
                    return Err(format!(
                        "it has another entry {name:?}: remove that one, or change it"
                    ));
                }
            }
        }
    }
    let names: Vec<_> = new.iter().map(|entry| entry.name.clone()).collect();
    let new = new_file(&new, ConfigFormat::Json);
    let new = Entries::of(new.as_bytes()).map_err(|error| error.to_string())?;
    let mut added = add_entries(old, &before, &new.written()).map_err(|why| why.to_string())?;
    accepted(&added)?;
    Ok(Added {
        text: std::mem::take(&mut *added).into(),
        names,
    })
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

#[cfg(test)]
mod tests;
