//! Which kubelets know the configuration, by release.

use std::path::Path;

use regcred_api::{ApiVersion, ConfigVersion};
use regcred_engine::ProviderConfig;
use regcred_go::yaml::Step;

use super::finding::{Finding, Place};

/// What older kubelets do with a configuration that a current one accepts.
pub(super) fn findings(config: &ProviderConfig, path: &Path) -> Vec<Finding> {
    let mut found = Vec::new();
    if is_directory(config, path) {
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
    let mut first = if is_directory(config, path) { 34 } else { 20 };
    for origin in &config.origins {
        first = first.max(match origin.version {
            ConfigVersion::V1 => 26,
            ConfigVersion::V1Beta1 => 24,
            ConfigVersion::V1Alpha1 => 20,
        });
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

/// Whether the configuration was read from the files of a directory.
fn is_directory(config: &ProviderConfig, path: &Path) -> bool {
    config.files.iter().any(|file| file != path)
}
