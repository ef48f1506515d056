//! A new CredentialProviderConfig.

use regcred_api::ConfigVersion;
use serde::Serialize;

use super::entry::Entry;
use crate::config_format::ConfigFormat;

/// The kubelet's `CredentialProviderConfig`, fields in its own order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config<'a> {
    api_version: &'static str,
    kind: &'static str,
    providers: &'a [&'a Entry],
}

/// The text, without a final line break.
pub(super) fn new_file(entries: &[&Entry], format: ConfigFormat) -> String {
    let version = ConfigVersion::LATEST.as_str();
    match format {
        ConfigFormat::Json => {
            let config = Config {
                api_version: version,
                kind: KIND,
                providers: entries,
            };
            // Strings, flags and lists of strings always serialize.
            serde_json::to_string_pretty(&config).unwrap_or_default()
        }
        ConfigFormat::Yaml => {
            let entries: Vec<_> = entries.iter().map(|entry| entry.yaml()).collect();
            let entries = entries.concat();
            let text = format!("apiVersion: {version}\nkind: {KIND}\nproviders:\n{entries}");
            text.trim_end().to_owned()
        }
    }
}

const KIND: &str = "CredentialProviderConfig";
