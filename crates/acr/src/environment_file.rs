//! The file that describes a custom environment of Azure (`AZURE_ENVIRONMENT_FILEPATH`).

use std::path::Path;

use regcred_core::ProviderError;
use regcred_files::{MIB, read_text};
use serde::Deserialize;

use crate::ERRORS;
use crate::hosts::normal_suffix;

/// The members of the file that decide about registries.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct EnvironmentFile {
    pub(crate) active_directory_endpoint: String,
    pub(crate) resource_manager_endpoint: String,
    pub(crate) token_audience: String,
    #[serde(rename = "containerRegistryDNSSuffix")]
    container_registry_dns_suffix: String,
}

impl EnvironmentFile {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read or is not JSON of that form.
    pub(crate) fn read(path: &Path) -> Result<Self, ProviderError> {
        let shown = path.display();
        let text = read_text(path, MIB)
            .map_err(|error| ERRORS.unreadable("the description of the cloud", path, error))?;
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| {
            ERRORS.misconfigured(format!(
                "{shown} does not describe a cloud: it is not the expected JSON"
            ))
        })
    }

    /// The suffix of its login servers; `None` where the environment has no registries.
    pub(crate) fn suffix(&self) -> Option<String> {
        normal_suffix(&self.container_registry_dns_suffix)
    }
}
