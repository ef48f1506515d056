//! Writing to a repository: manifests, blobs, mounts (OCI distribution specification, "Push").

use bytes::Bytes;
use regcred_http::{Method, Response, StatusCode, Url, header};

use super::capability::Capability;
use super::error::{Reason, RegistryError};
use super::object::{Object, Part};
use super::repository::Repository;
use super::request::{RegistryRequest, Target};
use crate::image::{Digest, RawManifest};

/// What came of a request to mount a blob of another repository.
#[derive(Debug)]
pub enum Mount {
    /// The blob is in the repository now.
    Mounted,
    /// The registry does not mount it; its bytes are to be uploaded.
    Refused(Upload),
}

/// An upload session: the bytes of one blob, in order.
#[derive(Debug)]
pub struct Upload {
    repository: Repository,
    object: Object,
    location: Url,
    /// How many bytes the registry has.
    offset: u64,
}

impl Repository {
    /// Whether the repository has the blob. Asked with the right to push, as before an upload.
    ///
    /// # Errors
    /// When the registry refuses the request or cannot be reached.
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let object = pushed(self, Part::Blob(digest.clone()));
        let request = RegistryRequest::new(&object, Method::HEAD, format!("blobs/{digest}"));
        match self.send(&request).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Puts a manifest or index, with exactly these bytes, under a tag or its digest. What it names
    /// must be there. Returns the digest that the registry confirms.
    ///
    /// # Errors
    /// When `reference` is neither a tag nor the manifest's digest, or the registry refuses it.
    pub async fn put_manifest(
        &self,
        reference: &str,
        manifest: &RawManifest,
    ) -> Result<Digest, RegistryError> {
        let (mut object, digest) = self.manifest_object(reference)?;
        object.capability = Capability::Push;
        if digest.is_some_and(|digest| digest != manifest.digest) {
            let what = "the manifest has another digest".to_owned();
            return Err(RegistryError::new(&object, Reason::Local(what)));
        }
        let path = format!("manifests/{reference}");
        let mut request = RegistryRequest::new(&object, Method::PUT, path);
        request.headers = vec![("content-type", manifest.media_type.clone())];
        request.body = manifest.bytes.clone();
        let response = self.send(&request).await?;
        let confirmed = response.headers().get("docker-content-digest");
        let confirmed = confirmed.and_then(|value| value.to_str().ok()?.parse::<Digest>().ok());
        match confirmed {
            Some(other) if other != manifest.digest => {
                let what = format!("the registry stored another manifest, {other}");
                Err(RegistryError::protocol(&object, what))
            }
            _ => Ok(manifest.digest.clone()),
        }
    }

    /// Uploads a small blob whole.
    ///
    /// # Errors
    /// When the registry refuses it.
    pub async fn put_blob(&self, digest: &Digest, bytes: Bytes) -> Result<(), RegistryError> {
        self.start_upload(digest).await?.finish(digest, bytes).await
    }

    /// Opens an upload session for a blob.
    ///
    /// # Errors
    /// When the registry refuses it.
    pub async fn start_upload(&self, digest: &Digest) -> Result<Upload, RegistryError> {
        let object = pushed(self, Part::Blob(digest.clone()));
        let request = RegistryRequest::new(&object, Method::POST, "blobs/uploads/".to_owned());
        let response = self.send(&request).await?;
        Upload::opened(self, &object, &response)
    }

    /// Asks for a blob of another repository of the same registry, named by its path, whose
    /// characters need no escape in a query.
    ///
    /// # Errors
    /// When the registry refuses the request altogether.
    pub async fn mount(&self, digest: &Digest, source: &str) -> Result<Mount, RegistryError> {
        let object = pushed(self, Part::Blob(digest.clone()));
        let path = format!("blobs/uploads/?mount={digest}&from={source}");
        let mut request = RegistryRequest::new(&object, Method::POST, path);
        request.source = Some(source);
        let response = self.send(&request).await?;
        if response.status() == StatusCode::CREATED {
            return Ok(Mount::Mounted);
        }
        Upload::opened(self, &object, &response).map(Mount::Refused)
    }
}

impl Upload {
    fn opened(
        repository: &Repository,
        object: &Object,
        response: &Response,
    ) -> Result<Self, RegistryError> {
        Ok(Self {
            repository: repository.clone(),
            object: object.clone(),
            location: location(object, response)?,
            offset: 0,
        })
    }

    /// How many bytes the registry has; the next chunk starts there.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Sends the next bytes.
    ///
    /// # Errors
    /// When they do not arrive. Some may have: [`Upload::resume`] asks how many.
    pub async fn append(&mut self, chunk: Bytes) -> Result<(), RegistryError> {
        let Some(last) = (chunk.len() as u64).checked_sub(1) else {
            return Ok(());
        };
        let range = format!("{}-{}", self.offset, self.offset + last);
        let mut request = self.request(Method::PATCH);
        request.headers = vec![
            ("content-type", "application/octet-stream".to_owned()),
            ("content-range", range),
        ];
        request.body = chunk;
        let response = self.repository.send(&request).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            let what = "the registry expects other bytes of the blob next";
            return Err(RegistryError::protocol(&self.object, what));
        }
        self.advance(&response, self.offset + last + 1)
    }

    /// Asks how many bytes of a broken upload have arrived; [`Upload::offset`] is that many then.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn resume(&mut self) -> Result<(), RegistryError> {
        let request = self.request(Method::GET);
        let response = self.repository.send(&request).await?;
        self.advance(&response, 0)
    }

    /// Sends what is left, if anything, and closes the session. The registry compares the digest
    /// with all the bytes.
    ///
    /// # Errors
    /// When the registry refuses the blob.
    pub async fn finish(self, digest: &Digest, rest: Bytes) -> Result<(), RegistryError> {
        let mut request = self.request(Method::PUT);
        if let Target::Location(url) = &mut request.target {
            url.query_pairs_mut().append_pair("digest", digest.as_str());
        }
        request.headers = vec![("content-type", "application/octet-stream".to_owned())];
        request.body = rest;
        let response = self.repository.send(&request).await?;
        if response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
            let what = "the registry does not have the bytes before these";
            return Err(RegistryError::protocol(&self.object, what));
        }
        Ok(())
    }

    fn request(&self, method: Method) -> RegistryRequest<'_> {
        let mut request = RegistryRequest::new(&self.object, method, String::new());
        request.target = Target::Location(self.location.clone());
        request.is_small = false;
        request
    }

    /// Takes over where the session is now, and how far; without a `Range`, as far as `otherwise`.
    fn advance(&mut self, response: &Response, otherwise: u64) -> Result<(), RegistryError> {
        if response.headers().contains_key(header::LOCATION) {
            self.location = location(&self.object, response)?;
        }
        let range = response.headers().get(header::RANGE);
        let end = range.and_then(|value| {
            let range = value.to_str().ok()?;
            let range = range.strip_prefix("bytes=").unwrap_or(range);
            range.strip_prefix("0-")?.parse::<u64>().ok()
        });
        // `0-0` means no byte as well as one byte; only a chunk of one byte can mean the latter.
        self.offset = match end {
            Some(0) if otherwise != 1 => 0,
            Some(end) => end + 1,
            None => otherwise,
        };
        Ok(())
    }
}

fn pushed(repository: &Repository, part: Part) -> Object {
    Object {
        repository: repository.name().to_owned(),
        part,
        capability: Capability::Push,
    }
}

/// The address of a session: absolute, or relative to the address that was asked. Bytes that went
/// over TLS so far do not go on in clear text.
fn location(object: &Object, response: &Response) -> Result<Url, RegistryError> {
    let refused =
        |why: &str| RegistryError::protocol(object, format!("the upload's address {why}"));
    let text = response.headers().get(header::LOCATION);
    let text = text.and_then(|value| value.to_str().ok());
    let text = text.ok_or_else(|| refused("is missing in the response"))?;
    let url = response.url().join(text);
    let url = url.map_err(|_| refused("is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("holds user information"));
    }
    if url.origin() != response.url().origin() && url.scheme() != "https" {
        return Err(refused("leads to another server without https"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
