//! The flows `dockercfg` and `dockercfg-url`: logins for any registry that stand in the instance's
//! metadata as a legacy `.dockercfg` document, or behind a URL that stands there.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use regcred_core::{Credentials, ErrorKind, ProviderError};
use regcred_http::{Request, Retry};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::failure::{call_failed, failure, misconfigured};
use crate::metadata::Metadata;
use crate::reach::Reach;
use crate::sts::TIMEOUT;
use crate::token::{no_secret, secret};

/// The logins in the instance's metadata.
pub(crate) async fn in_metadata(
    reach: &Reach,
) -> Result<Vec<(String, Credentials)>, ProviderError> {
    let text = Metadata::new(reach)?.required(ATTRIBUTE).await?;
    parse(&text.into()).map_err(|reason| malformed(ATTRIBUTE, &reason))
}

/// The logins behind the URL in the instance's metadata. The URL is asked as any other: without the
/// metadata server's header, through the proxies.
pub(crate) async fn behind_url(reach: &Reach) -> Result<Vec<(String, Credentials)>, ProviderError> {
    let url = Metadata::new(reach)?.required(URL_ATTRIBUTE).await?;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(misconfigured(format!(
            "the instance's {URL_ATTRIBUTE} is no http or https URL"
        )));
    }
    let failed = format!("cannot read the document that the instance's {URL_ATTRIBUTE} names");
    let request = Request::get(&url)
        .timeout(TIMEOUT)
        .retry(Retry::gentle())
        .allow_cleartext();
    let client = reach.web()?;
    let text = async {
        let response = client.send(request).await?.success("its answer").await?;
        response.text(LIMIT).await
    };
    let text = text.await.map_err(|e| call_failed(failed, e))?;
    parse(&text.into()).map_err(|reason| malformed(URL_ATTRIBUTE, &reason))
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    username: String,
    #[serde(default = "no_secret", deserialize_with = "secret")]
    password: SecretString,
    #[serde(default = "no_secret", deserialize_with = "secret")]
    auth: SecretString,
}

fn parse(text: &SecretString) -> Result<Vec<(String, Credentials)>, String> {
    let entries: BTreeMap<String, Entry> = serde_json::from_str(text.expose_secret())
        .map_err(|_| "it is no .dockercfg document".to_owned())?;
    entries
        .into_iter()
        .map(|(server, entry)| {
            let login = if entry.auth.expose_secret().is_empty() {
                Credentials::new(entry.username, entry.password)
            } else {
                decode(&entry.auth).ok_or_else(|| {
                    format!("its auth for {server:?} is not base64 of user name and password")
                })?
            };
            Ok((pattern(&server).to_owned(), login))
        })
        .collect()
}

/// `auth` is taken with and without padding.
fn decode(auth: &SecretString) -> Option<Credentials> {
    let text = auth.expose_secret().trim();
    let bytes = if text.ends_with('=') {
        STANDARD.decode(text)
    } else {
        STANDARD_NO_PAD.decode(text)
    };
    let plain: SecretString = String::from_utf8(bytes.ok()?).ok()?.into();
    let (username, password) = plain.expose_secret().split_once(':')?;
    Some(Credentials::new(username, password))
}

/// The kubelet's patterns have no scheme, and docker's API version is no path of an image.
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

fn malformed(attribute: &str, reason: &str) -> ProviderError {
    failure(
        ErrorKind::Malformed,
        format!("the logins of the instance's {attribute} cannot be read: {reason}"),
    )
}

const ATTRIBUTE: &str = "instance/attributes/google-dockercfg";
const URL_ATTRIBUTE: &str = "instance/attributes/google-dockercfg-url";
const LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests;
