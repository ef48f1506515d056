//! What decides an answer: identity, scopes and form, but not the host. So one token serves every
//! registry of Google's on a node. Secrets enter as their SHA-256 only.

use regcred_core::{CacheKey, CredentialRequest};
use secrecy::ExposeSecret;

use crate::credential_file::{CredentialFile, Search};
use crate::gcloud_dir::gcloud_dir;
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
    let mut parts: Vec<(&str, String)> = Vec::new();
    if !settings.hosts.is_covered(&request.registry) {
        parts.push(("host", request.registry.as_written().to_owned()));
    }
    if pod::is_asked_for(settings, request) {
        let token = request.service_account_token.as_ref()?;
        parts.extend([
            ("pod", digest(token.expose_secret())),
            (
                "acts as",
                pod::service_account(request).unwrap_or_default().to_owned(),
            ),
        ]);
    } else {
        if settings.username.is_key_file() {
            return None;
        }
        for source in &settings.sources {
            match source {
                Source::File => match CredentialFile::find(&reach.env).ok()? {
                    Search::Found(file) => {
                        parts.extend(of_file(&file));
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
    Some(CacheKey::new(parts).with_options(vars::VARS, &reach.env))
}

fn of_file(file: &CredentialFile) -> [(&'static str, String); 2] {
    [
        ("file", file.path().display().to_string()),
        ("content", digest(file.text().expose_secret())),
    ]
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
    parts
}

fn digest(text: &str) -> String {
    sha256_hex(text.as_bytes())
}

#[cfg(test)]
mod tests;
