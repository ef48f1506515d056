//! What decides an answer: identity, scopes and form, but not the host. So one token serves every
//! registry of Google's on a node. Secrets enter as their SHA-256 only.

use regcred_core::{CacheKey, CredentialRequest};
use secrecy::ExposeSecret;

use crate::credential_file::{CredentialFile, Search, gcloud_dir};
use crate::reach::Reach;
use crate::settings::{Flow, Source};
use crate::sigv4::sha256_hex;
use crate::{gcloud, pod, vars};

/// The key, `None` where an answer must not be kept: it holds a secret without an end, or its
/// identity cannot be told.
pub(crate) fn of(reach: &Reach, request: &CredentialRequest) -> Option<CacheKey> {
    let settings = &reach.settings;
    if settings.flow != Flow::Tokens {
        return None;
    }
    let mut parts: Vec<(&str, String)> = vec![
        ("username", settings.username.as_str().to_owned()),
        ("scopes", settings.scopes.join(" ")),
        ("scope", format!("{:?}", settings.cache_scope)),
        ("for", format!("{:?}", settings.cache_for)),
        ("universe", settings.universe.clone()),
    ];
    if !settings.hosts.is_covered(&request.registry) {
        parts.push(("host", request.registry.as_written().to_owned()));
    }
    if pod::is_asked_for(settings, request) {
        let token = request.service_account_token.as_ref()?;
        parts.extend([
            ("pod", digest(token.expose_secret())),
            (
                "pool",
                format!("{:?}{:?}", settings.sts_audience, settings.cluster),
            ),
            ("sts", reach.sts_url()),
            ("iam", reach.iam_url()),
            (
                "acts as",
                pod::service_account(request).unwrap_or_default().to_owned(),
            ),
        ]);
    } else {
        if settings.username.is_key_file() {
            return None;
        }
        parts.push(("self-signed", settings.self_signed.to_string()));
        parts.push(("acts as", settings.impersonate.clone().unwrap_or_default()));
        parts.push(("iam", reach.iam_url()));
        for source in &settings.sources {
            match source {
                Source::File => match CredentialFile::find(&reach.env).ok()? {
                    Search::Found(file) => {
                        parts.extend(of_file(reach, &file));
                        break;
                    }
                    Search::Nothing(_) => {}
                },
                Source::Metadata => {
                    parts.push(("metadata", settings.endpoints.metadata_host.clone()));
                }
                Source::Gcloud => parts.extend(of_gcloud(reach)),
            }
        }
    }
    let parts = parts.iter().map(|(name, value)| (*name, value.as_str()));
    Some(CacheKey::new(parts))
}

fn of_file(reach: &Reach, file: &CredentialFile) -> Vec<(&'static str, String)> {
    let env = &reach.env;
    let mut parts = vec![
        ("file", file.path().display().to_string()),
        ("content", digest(file.text().expose_secret())),
        ("oauth", format!("{:?}", reach.settings.endpoints.oauth)),
        ("sts", reach.sts_url()),
    ];
    // An AWS workload is told by its key, where it has one.
    for name in ["AWS_ACCESS_KEY_ID", "AWS_REGION", "AWS_DEFAULT_REGION"] {
        if let Some(value) = env.get(name) {
            parts.push((name, digest(value)));
        }
    }
    parts
}

/// gcloud's present account stands in its configuration.
fn of_gcloud(reach: &Reach) -> Vec<(&'static str, String)> {
    let env = &reach.env;
    let Some(program) = gcloud::program(env) else {
        return Vec::new();
    };
    let mut parts = vec![("gcloud", program.display().to_string())];
    if let Some(dir) = gcloud_dir(env) {
        let text = gcloud::configuration(env).unwrap_or_default();
        parts.push(("gcloud configuration", digest(&text)));
        parts.push(("gcloud directory", dir.display().to_string()));
    }
    for name in [
        vars::GCLOUD_ACCOUNT,
        vars::GCLOUD_CREDENTIAL_FILE,
        vars::GCLOUD_TOKEN_FILE,
    ] {
        if let Some(value) = env.get(name) {
            parts.push((name, value.to_owned()));
        }
    }
    parts
}

fn digest(text: &str) -> String {
    sha256_hex(text.as_bytes())
}

#[cfg(test)]
mod tests;
