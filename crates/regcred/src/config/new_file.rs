//! A new CredentialProviderConfig.

use regcred_api::ConfigVersion;
use regcred_node::Entries;
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
    let config = Config {
        api_version: ConfigVersion::LATEST.as_str(),
        kind: KIND,
        providers: entries,
    };
    // Strings, flags and lists of strings always serialize, and are what a kubelet decodes.
    let json = serde_json::to_string_pretty(&config).unwrap_or_default();
    match format {
        ConfigFormat::Json => json,
        ConfigFormat::Yaml => {
            let yaml = Entries::of(json.as_bytes()).map(|entries| entries.yaml());
            yaml.map(|yaml| yaml.trim_end().to_owned())
                .unwrap_or_default()
        }
    }
}

const KIND: &str = "CredentialProviderConfig";
