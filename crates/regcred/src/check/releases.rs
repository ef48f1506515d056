//! Which kubelets know the configuration, by release.

use std::path::Path;

use regcred_api::{ApiVersion, ConfigVersion, decode_config};
use regcred_engine::ProviderConfig;
use regcred_files::read;
use regcred_go::yaml::Step;

use super::finding::{Finding, MAX_FILE, Place};

/// What older kubelets do with a configuration that a current one accepts.
pub(super) fn findings(config: &ProviderConfig, path: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    if path.is_dir() {
        found.push(Finding::note(
            Place::file(path),
            "kubelets before 1.34 cannot read a directory: they exit at their start",
            "name one file for older kubelets",
        ));
    }
    for (at, entry) in config.providers.iter().enumerate() {
        if entry.token_attributes.is_some() {
            found.push(Finding::note(
                Place::entry(config, at, &[Step::Member("tokenAttributes")]),
                "kubelets before 1.33 exit with `unknown field` for tokenAttributes, those of 1.33 for its \
                 cacheType",
                "use it from 1.34 on",
            ));
        }
    }
    found
}

/// The first release, 1.N, of which a kubelet starts with the configuration.
pub(super) fn first(config: &ProviderConfig, path: &Path) -> u32 {
    let mut first = if path.is_dir() { 34 } else { 20 };
    for file in &config.files {
        let text = read(file, MAX_FILE).unwrap_or_default();
        if let Ok(decoded) = decode_config(&text) {
            first = first.max(match decoded.version {
                ConfigVersion::V1 => 26,
                ConfigVersion::V1Beta1 => 24,
                ConfigVersion::V1Alpha1 => 20,
            });
        }
    }
    for entry in &config.providers {
        first = first.max(match entry.api_version.parse() {
            Ok(ApiVersion::V1) => 26,
            Ok(ApiVersion::V1Beta1) => 24,
            _ => 20,
        });
        if entry.token_attributes.is_some() {
            first = first.max(34);
        }
    }
    first
}
