//! What decides an answer: identity, scopes and form, but not the host, so that one token serves every
//! registry of Google's on a node. Secrets enter as their SHA-256 only.

use regcred_core::{CacheKey, CredentialRequest};
use secrecy::{ExposeSecret, SecretString};

use crate::gcloud_dir::gcloud_dir;
use crate::node::{Node, Place};
use crate::reach::Reach;
use crate::sigv4::sha256_hex;
use crate::{pod, vars};

/// The key of a pod's answer: its token, and as whom it acts.
pub(crate) fn of_pod(reach: &Reach, request: &CredentialRequest, token: &SecretString) -> CacheKey {
    let mut key = of_registry(reach, request);
    key.push("pod", &digest(token.expose_secret()));
    key.push("acts as", pod::service_account(request).unwrap_or_default());
    key.with_options(vars::VARS, &reach.env)
}

/// The key of the node's answer; `None` where its identity cannot be told.
pub(crate) fn of_node(reach: &Reach, request: &CredentialRequest, node: &Node) -> Option<CacheKey> {
    let mut key = of_registry(reach, request);
    for place in node.places() {
        match place {
            Place::File(file) => {
                key.push("file", &file.path().display().to_string());
                key.push("content", &digest(file.text().expose_secret()));
            }
            Place::Unreadable => return None,
            Place::Metadata => key.push("metadata", &reach.settings.endpoints.metadata_host),
            Place::Gcloud(gcloud) => {
                key.push("gcloud", &gcloud.program().display().to_string());
                if let Some(dir) = gcloud_dir(&reach.env) {
                    let text = gcloud.configuration().unwrap_or_default();
                    key.push("gcloud configuration", &digest(text));
                    key.push("gcloud directory", &dir.display().to_string());
                }
            }
            Place::Absent(_) => {}
        }
    }
    Some(key.with_options(vars::VARS, &reach.env))
}

fn of_registry(reach: &Reach, request: &CredentialRequest) -> CacheKey {
    let mut key = CacheKey::new([]);
    if !reach.settings.hosts.is_covered(&request.registry) {
        key.push("host", request.registry.as_written());
    }
    key
}

fn digest(text: &str) -> String {
    sha256_hex(text.as_bytes())
}

#[cfg(test)]
mod tests;
