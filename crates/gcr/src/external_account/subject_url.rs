//! A subject token that a server of the workload's own cloud hands out: Azure's metadata server.

use std::collections::BTreeMap;

use regcred_core::{ErrorKind, ProviderError};
use regcred_http::{Request, Retry};
use secrecy::SecretString;
use serde::Deserialize;

use super::format::Format;
use crate::failure::{call_failed, failure};
use crate::reach::Reach;
use crate::settings::Settings;
use crate::sts::{LIMIT, TIMEOUT};

#[derive(Deserialize)]
pub(super) struct SubjectUrl {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    format: Format,
}

impl SubjectUrl {
    /// # Errors
    /// When the address is not one to read from.
    pub(super) fn new(settings: &Settings, wanted: Self) -> Result<Self, String> {
        settings.readable_url("credential_source.url", &wanted.url)?;
        Ok(wanted)
    }

    pub(super) async fn token(&self, reach: &Reach) -> Result<SecretString, ProviderError> {
        const FAILED: &str = "no subject token from credential_source.url";
        // Headers of these files name a protocol (`Metadata: true`) or hold a key; the address was
        // checked, so the second may go to a metadata server too.
        let mut request = Request::get(&self.url)
            .timeout(TIMEOUT)
            .retry(Retry::gentle())
            .allow_cleartext();
        for (name, value) in &self.headers {
            request = request.secret_header(name, &value.as_str().into());
        }
        let client = reach.web()?;
        let text = async {
            let response = client.send(request).await?.success("its answer").await?;
            response.text(LIMIT).await
        };
        let text = text.await.map_err(|e| call_failed(FAILED, e))?.into();
        self.format
            .extract(&text)
            .map_err(|reason| failure(ErrorKind::Malformed, format!("{FAILED}: {reason}")))
    }
}
