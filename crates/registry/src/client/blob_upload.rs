//! Uploads of blobs, and mounts from other repositories (OCI distribution-spec, "Pushing blobs").
//!
//! A session continues at the `Location` of each response. It gets the credential only at the
//! registry's own host, port and scheme, as the target of a redirect does.

use bytes::Bytes;
use regcred_http::{Body, Method, Response, StatusCode, header};

use super::address::NamedAddress;
use super::capability::Capability;
use super::content_digest::confirm;
use super::error::{Reason, RegistryError};
use super::object::{Object, Part};
use super::redirect;
use super::repository::Repository;
use super::request::{RegistryRequest, Target};
use crate::image::Digest;

/// The result of a request to mount a blob of another repository.
#[derive(Debug)]
pub enum Mount {
    /// The blob is in the repository now.
    Mounted,
    /// The registry does not mount it: its bytes must be uploaded, or the session cancelled.
    Refused(Upload),
}

/// An upload session: the bytes of one blob, in order.
#[derive(Debug)]
pub struct Upload {
    repository: Repository,
    object: Object,
    location: NamedAddress,
    offset: u64,
    smallest_chunk: u64,
}

impl Repository {
    /// Whether the repository has the blob. Asked with the right to push, as before an upload.
    ///
    /// # Errors
    /// When the registry refuses the request or cannot be reached.
    pub async fn has_blob(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let object = pushed(self, digest);
        let request = RegistryRequest::new(&object, Method::HEAD, format!("blobs/{digest}"));
        self.has(&request).await
    }

    /// Whether the repository has what a request asks for.
    pub(super) async fn has(&self, request: &RegistryRequest<'_>) -> Result<bool, RegistryError> {
        match self.send(request).await {
            Ok(_) => Ok(true),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Uploads a blob in one piece.
    ///
    /// # Errors
    /// When the registry refuses it.
    pub async fn put_blob(
        &self,
        digest: &Digest,
        blob: impl Into<Body>,
    ) -> Result<(), RegistryError> {
        self.start_upload(digest).await?.finish(digest, blob).await
    }

    /// Opens an upload session for a blob.
    ///
    /// # Errors
    /// When the registry refuses it.
    pub async fn start_upload(&self, digest: &Digest) -> Result<Upload, RegistryError> {
        self.start_upload_of(digest, Bytes::new().into()).await
    }

    /// As [`Repository::start_upload`]. `nothing` is an empty part of the body that follows: if that is a
    /// file, both requests share a connection.
    pub(crate) async fn start_upload_of(
        &self,
        digest: &Digest,
        nothing: Body,
    ) -> Result<Upload, RegistryError> {
        let object = pushed(self, digest);
        let mut request = RegistryRequest::new(&object, Method::POST, "blobs/uploads/".to_owned());
        request.body = nothing;
        let response = self.send(&request).await?;
        Upload::opened(self, &object, &response)
    }

    /// Asks for a blob of another repository of the same registry, named by its path.
    ///
    /// # Errors
    /// When the path is not one, or the registry refuses the request altogether.
    pub async fn mount(&self, digest: &Digest, source: &str) -> Result<Mount, RegistryError> {
        let object = pushed(self, digest);
        let is_legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b'_' | b'-');
        if source.is_empty() || !source.bytes().all(is_legal) {
            let what = "the repository to mount it from is not a path".to_owned();
            return Err(RegistryError::new(&object, Reason::Local(what)));
        }
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
        let smallest = response.headers().get("oci-chunk-min-length");
        let smallest = smallest.and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Self {
            repository: repository.clone(),
            object: object.clone(),
            location: location(object, response)?,
            offset: 0,
            smallest_chunk: smallest.unwrap_or(0),
        })
    }

    /// How many bytes the registry has; the next chunk starts there.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The least bytes that a chunk must have, except the last.
    #[must_use]
    pub fn smallest_chunk(&self) -> u64 {
        self.smallest_chunk
    }

    /// Sends the next bytes.
    ///
    /// # Errors
    /// When they do not arrive. Some may have: [`Upload::resume`] asks how many.
    pub async fn append(&mut self, chunk: impl Into<Body>) -> Result<(), RegistryError> {
        let chunk = chunk.into();
        let Some(last) = chunk.length().checked_sub(1) else {
            return Ok(());
        };
        let range = format!("{}-{}", self.offset, self.offset + last);
        let mut request = self.request(Method::PATCH, chunk);
        request.headers.push(("content-range", range));
        let response = self.repository.send(&request).await?;
        self.advance(&response, self.offset + last + 1)
    }

    /// Asks how many bytes of a broken upload have arrived, for [`Upload::offset`].
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn resume(&mut self) -> Result<(), RegistryError> {
        let request = self.request(Method::GET, Bytes::new().into());
        let response = self.repository.send(&request).await?;
        self.advance(&response, 0)
    }

    /// Sends the rest, if any, and closes the session. The registry compares the digest with all
    /// the bytes.
    ///
    /// # Errors
    /// When the registry refuses the blob, or does not respond: then it may have closed the session.
    pub async fn finish(
        &self,
        digest: &Digest,
        rest: impl Into<Body>,
    ) -> Result<(), RegistryError> {
        let mut request = self.request(Method::PUT, rest.into());
        if let Target::Location(session) = &mut request.target {
            let url = &mut session.url;
            url.query_pairs_mut().append_pair("digest", digest.as_str());
        }
        let response = self.repository.send(&request).await?;
        confirm(&self.object, &response, digest)
    }

    /// Closes the session without the blob, so that the registry keeps nothing of it.
    ///
    /// # Errors
    /// When the registry refuses, as some do; then it removes the session later by itself.
    pub async fn cancel(self) -> Result<(), RegistryError> {
        let request = self.request(Method::DELETE, Bytes::new().into());
        self.repository.send(&request).await.map(drop)
    }

    /// The error for a registry that reports a state of the session that is not possible.
    pub(crate) fn out_of_step(&self) -> RegistryError {
        RegistryError::new(&self.object, Reason::OutOfStep(self.offset))
    }

    fn request(&self, method: Method, body: Body) -> RegistryRequest<'_> {
        let mut request = RegistryRequest::new(&self.object, method, String::new());
        request.target = Target::Location(self.location.clone());
        request.is_small = body.length() == 0;
        if body.length() > 0 {
            let octets = "application/octet-stream".to_owned();
            request.headers = vec![("content-type", octets)];
        }
        request.body = body;
        request
    }

    /// Takes the state of the session from a response; without a `Range` the registry has
    /// `expected` bytes.
    fn advance(&mut self, response: &Response, expected: u64) -> Result<(), RegistryError> {
        if response.headers().contains_key(header::LOCATION) {
            self.location = location(&self.object, response)?;
        }
        let range = response.headers().get(header::RANGE);
        let last = range.and_then(|value| {
            let range = value.to_str().ok()?;
            let range = range.strip_prefix("bytes=").unwrap_or(range);
            range.strip_prefix("0-")?.parse::<u64>().ok()
        });
        // `0-0` means no byte as well as one byte; only a chunk of one byte can mean the latter.
        self.offset = match last {
            Some(0) if expected != 1 => 0,
            Some(last) => last.saturating_add(1),
            None => expected,
        };
        Ok(())
    }
}

fn pushed(repository: &Repository, blob: &Digest) -> Object {
    let part = Part::Blob(blob.clone());
    Object::new(repository.name(), part, Capability::Push)
}

/// The address of a session: absolute, or relative to the address that was asked. Another server
/// must be asked over TLS.
fn location(object: &Object, response: &Response) -> Result<NamedAddress, RegistryError> {
    let refused = |why: &str| {
        let what = format!("refusing the address of the upload: {why}");
        RegistryError::protocol(object, what)
    };
    let session = match redirect::location(response) {
        None => return Err(refused("the response has no Location")),
        Some(location) => location.map_err(refused)?,
    };
    let url = &session.url;
    if url.origin() != response.url().origin() && url.scheme() != "https" {
        return Err(refused("it leads to another server without https"));
    }
    Ok(session)
}

#[cfg(test)]
mod tests;
