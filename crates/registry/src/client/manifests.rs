//! Manifests and indexes of a repository, by tag or digest.

use bytes::Bytes;
use regcred_http::{HeaderMap, Method, header, is_web_page};
use tokio::time::sleep;

use super::address::host_and_port;
use super::capability::Capability;
use super::content_digest::{confirm, content_digest, contradicts};
use super::error::{Reason, RegistryError};
use super::object::{Object, Part};
use super::repository::Repository;
use super::request::RegistryRequest;
use crate::image::{Digest, RawManifest, media_type};

/// What a registry answers about a manifest without sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestHead {
    /// The manifest's digest in the registry's answer.
    pub digest: Digest,
    /// The manifest's media type; empty if the answer has none.
    pub media_type: String,
    /// The manifest's length in bytes, if the answer has it.
    pub size: Option<u64>,
}

impl Repository {
    /// Fetches a manifest or index by tag or digest: one GET unless something fails. The bytes are
    /// verified against the digest that was asked for, else against the one in the answer.
    ///
    /// # Errors
    /// When it cannot be fetched, is larger than 4 MiB, does not match its digest, or is not a
    /// manifest or index of a current format.
    pub async fn manifest(&self, reference: &str) -> Result<RawManifest, RegistryError> {
        let (object, digest) = self.manifest_object(reference)?;
        let request = manifest_request(&object, Method::GET, reference);
        let mut attempt = 1;
        loop {
            let response = self.send(&request).await?;
            let headers = response.headers().clone();
            let server = host_and_port(response.url());
            match response.bytes(LARGEST_MANIFEST).await {
                Ok(bytes) if is_web_page(&headers, &bytes) => {
                    return Err(RegistryError::web_page(&object, &server, "manifest"));
                }
                Ok(bytes) => return verified(&object, &headers, bytes, digest),
                Err(error) if error.is_passing() && attempt < ATTEMPTS => {
                    sleep(self.retry().pause(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(RegistryError::unreached(&object, error)),
            }
        }
    }

    /// Asks what a tag or digest names without fetching it. Falls back to a GET where a registry
    /// does not answer HEAD in full. Docker Hub does not count a HEAD as a pull.
    ///
    /// # Errors
    /// As [`Repository::manifest`].
    pub async fn head_manifest(&self, reference: &str) -> Result<ManifestHead, RegistryError> {
        let (object, wanted) = self.manifest_object(reference)?;
        let request = manifest_request(&object, Method::HEAD, reference);
        let response = match self.send(&request).await {
            Ok(response) => Some(response),
            Err(error) if matches!(error.status().map(|s| s.as_u16()), Some(403 | 405)) => None,
            Err(error) => return Err(error),
        };
        let sent = response.as_ref().and_then(|r| content_digest(r.headers()));
        let (Some(response), Some(sent)) = (response, sent) else {
            return self.manifest(reference).await.map(ManifestHead::from);
        };
        if wanted
            .as_ref()
            .is_some_and(|wanted| contradicts(&sent, wanted))
        {
            let what = "the registry answers with another digest than it was asked for";
            return Err(RegistryError::protocol(&object, what));
        }
        let text = |name| response.headers().get(name).and_then(|v| v.to_str().ok());
        Ok(ManifestHead {
            digest: wanted.unwrap_or(sent),
            media_type: media_type::essence(text(header::CONTENT_TYPE).unwrap_or_default()),
            size: content_length(response.headers()),
        })
    }

    /// Whether the repository has a manifest or index. Asked with the right to push, as before it is
    /// put.
    ///
    /// # Errors
    /// When the registry refuses the request or cannot be reached.
    pub async fn has_manifest(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let part = Part::Manifest(digest.to_string());
        let object = Object::new(self.name(), part, Capability::Push);
        let request = manifest_request(&object, Method::HEAD, digest.as_str());
        self.has(&request).await
    }

    /// Puts a manifest or index, with exactly these bytes, under a tag or its digest. What it names
    /// must be there.
    ///
    /// # Errors
    /// When `reference` is neither a tag nor the manifest's digest, or the registry refuses it.
    pub async fn put_manifest(
        &self,
        reference: &str,
        manifest: &RawManifest,
    ) -> Result<(), RegistryError> {
        let (mut object, digest) = self.manifest_object(reference)?;
        object.capability = Capability::Push;
        if digest.is_some_and(|digest| digest != manifest.digest) {
            let what = "the manifest has another digest".to_owned();
            return Err(RegistryError::new(&object, Reason::Local(what)));
        }
        let path = format!("manifests/{reference}");
        let mut request = RegistryRequest::new(&object, Method::PUT, path);
        request.headers = vec![("content-type", manifest.media_type.clone())];
        request.body = manifest.bytes.clone().into();
        let response = self.send(&request).await?;
        confirm(&object, &response, &manifest.digest)
    }

    fn manifest_object(&self, reference: &str) -> Result<(Object, Option<Digest>), RegistryError> {
        let part = Part::Manifest(reference.to_owned());
        if reference.contains(':') {
            let object = Object::pulled(self.name(), part);
            let digest = reference.parse::<Digest>().map_err(|error| {
                RegistryError::new(&object, Reason::Configuration).caused_by(error)
            })?;
            return Ok((object, Some(digest)));
        }
        let object = Object::new(self.name(), part, Capability::Resolve);
        // Anything else would be a piece of an address, and could lead to another repository.
        if !is_tag(reference) {
            let what = "this is neither a tag nor a digest".to_owned();
            return Err(RegistryError::new(&object, Reason::Local(what)));
        }
        Ok((object, None))
    }
}

impl From<RawManifest> for ManifestHead {
    fn from(manifest: RawManifest) -> Self {
        Self {
            size: Some(manifest.bytes.len() as u64),
            digest: manifest.digest,
            media_type: manifest.media_type,
        }
    }
}

fn manifest_request<'a>(
    object: &'a Object,
    method: Method,
    reference: &str,
) -> RegistryRequest<'a> {
    let path = format!("manifests/{reference}");
    let mut request = RegistryRequest::new(object, method, path);
    request.headers = vec![("accept", media_type::ACCEPT.to_owned())];
    request
}

fn verified(
    object: &Object,
    headers: &HeaderMap,
    bytes: Bytes,
    wanted: Option<Digest>,
) -> Result<RawManifest, RegistryError> {
    let expected = wanted.clone().or_else(|| content_digest(headers));
    if let Some(expected) = &expected
        && !expected.matches(&bytes)
    {
        let actual = expected.of_same_algorithm(&bytes);
        return Err(RegistryError::new(object, Reason::Digest { actual }));
    }
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|t| t.to_str().ok());
    let digest = wanted.unwrap_or_else(|| Digest::of(&bytes));
    RawManifest::read(content_type.unwrap_or_default(), digest, bytes)
        .map_err(|error| RegistryError::manifest(object, error))
}

/// The length in the answer to a HEAD, where no body shows which of two is right: then neither.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    let mut values = headers.get_all(header::CONTENT_LENGTH).iter();
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    first.to_str().ok()?.parse().ok()
}

/// distribution-spec: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

/// What the specification asks registries to accept, and the most that other clients read.
const LARGEST_MANIFEST: usize = 4 << 20;
/// How often a manifest is asked for whose body breaks off.
const ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests;
