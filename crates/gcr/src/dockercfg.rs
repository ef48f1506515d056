//! The flows `dockercfg` and `dockercfg-url`: logins for any registry, as a legacy `.dockercfg`
//! document in the instance's metadata or at a URL that is written there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regcred_cloud::secret;
use regcred_core::{Credentials, ProviderError, SecretText as _};
use regcred_http::{Request, Retry};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::metadata::Metadata;
use crate::settings::Cloud;
use crate::{ERRORS, call};

/// The logins in the instance's metadata.
pub(crate) async fn in_metadata(
    cloud: &Cloud,
) -> Result<Vec<(String, Credentials)>, ProviderError> {
    let text = Metadata::new(cloud)?.required(ATTRIBUTE).await?;
    parse(ATTRIBUTE, &text.into())
}

/// The logins at the URL in the instance's metadata. The URL is requested as any other: without the
/// metadata server's header, through the proxies.
pub(crate) async fn at_url(cloud: &Cloud) -> Result<Vec<(String, Credentials)>, ProviderError> {
    let url = Metadata::new(cloud)?.required(URL_ATTRIBUTE).await?;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(ERRORS.misconfigured(format!(
            "the instance's {URL_ATTRIBUTE} is not an http or https URL"
        )));
    }
    let request = Request::get(&url)
        .timeout(call::TIMEOUT)
        .retry(Retry::gentle())
        .allow_cleartext();
    let text = call::text(&cloud.web()?, request).await.map_err(|error| {
        let failed = format!("cannot read the document that the instance's {URL_ATTRIBUTE} names");
        ERRORS.call_failed(failed, error)
    })?;
    parse(URL_ATTRIBUTE, &text.into())
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    username: String,
    #[serde(default, deserialize_with = "secret")]
    password: SecretString,
    #[serde(default, deserialize_with = "secret")]
    auth: SecretString,
}

fn parse(
    attribute: &str,
    text: &SecretString,
) -> Result<Vec<(String, Credentials)>, ProviderError> {
    let unreadable = |reason: &str| {
        ERRORS.malformed(format!(
            "the logins of the instance's {attribute} cannot be read: {reason}"
        ))
    };
    let entries: BTreeMap<String, Entry> = serde_json::from_str(text.expose_secret())
        .map_err(|_| unreadable("it is not a .dockercfg document"))?;
    let logins = entries.into_iter().map(|(server, entry)| {
        let login = if entry.auth.is_empty() {
            Credentials::new(entry.username, entry.password)
        } else {
            decode(&entry.auth).ok_or_else(|| {
                let what = "is not base64 of user name and password";
                unreadable(&format!("its auth for {server:?} {what}"))
            })?
        };
        Ok((pattern(&server).to_owned(), login))
    });
    logins.collect()
}

/// `auth` is accepted with and without padding.
fn decode(auth: &SecretString) -> Option<Credentials> {
    let text = auth.expose_secret().trim().trim_end_matches('=');
    let plain = String::from_utf8(STANDARD_NO_PAD.decode(text).ok()?).ok()?;
    let plain = SecretString::from(plain);
    let (username, password) = plain.expose_secret().split_once(':')?;
    Some(Credentials::new(username, password))
}

/// The kubelet's patterns have no scheme, and docker's API version is not part of an image's path.
fn pattern(server: &str) -> &str {
    let rest = server
        .strip_prefix("https://")
        .or_else(|| server.strip_prefix("http://"))
        .unwrap_or(server);
    let rest = rest.trim_end_matches('/');
    rest.strip_suffix("/v1")
        .or_else(|| rest.strip_suffix("/v2"))
        .unwrap_or(rest)
}

const ATTRIBUTE: &str = "instance/attributes/google-dockercfg";
const URL_ATTRIBUTE: &str = "instance/attributes/google-dockercfg-url";

#[cfg(test)]
mod tests;
