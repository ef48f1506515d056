//! One repository with at most one credential: manifests by tag or digest.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use regcred_http::{Client, HeaderMap, Method, Response, Retry, header};
use tokio::time::sleep;

use super::endpoint::{self, Ask, Endpoint};
use super::error::{Object, Part, Reason, RegistryError};
use super::registry_client::ClientError;
use crate::image::{Descriptor, Digest, Document, DocumentError, media_type};

/// A repository of a registry (`gcr.io/project/app`). Cheap to clone; clones share the tokens that
/// its credential was given.
#[derive(Clone)]
pub struct Repository(Arc<Shared>);

struct Shared {
    name: String,
    endpoints: Result<Vec<Endpoint>, Arc<ClientError>>,
    /// For foreign layers, which are no business of the registry's servers.
    client: Client,
    retry: Retry,
}

/// A manifest or index as it came.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The exact bytes, whose hash the digest is.
    pub bytes: Bytes,
    /// One of the four types of [`media_type`].
    pub media_type: String,
    /// The digest, proven.
    pub digest: Digest,
}

/// What a registry says of a manifest without sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The manifest's digest, by the registry's word.
    pub digest: Digest,
    /// The manifest's media type; empty if the registry did not say it.
    pub media_type: String,
    /// The manifest's length in bytes, if the registry said it.
    pub size: Option<u64>,
}

impl Fetched {
    /// The manifest or index in the bytes.
    ///
    /// # Errors
    /// When they have another form than their media type says.
    pub fn document(&self) -> Result<Document, DocumentError> {
        Document::parse(&self.media_type, &self.bytes)
    }

    /// The descriptor of these bytes.
    #[must_use]
    pub fn descriptor(&self) -> Descriptor {
        let size = self.bytes.len() as u64;
        Descriptor::new(self.media_type.clone(), self.digest.clone(), size)
    }
}

impl Repository {
    pub(crate) fn new(
        name: String,
        endpoints: Result<Vec<Endpoint>, Arc<ClientError>>,
        client: Client,
        retry: Retry,
    ) -> Self {
        Self(Arc::new(Shared {
            name,
            endpoints,
            client,
            retry,
        }))
    }

    /// `host/path`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Fetches a manifest or index by tag or digest: one GET if all is well. The bytes are proven
    /// against a digest that was asked for, else against the one the registry sent along.
    ///
    /// # Errors
    /// When it cannot be had, is larger than 4 MiB, is not what its digest says, or is no manifest
    /// or index of a current format.
    pub async fn manifest(&self, reference: &str) -> Result<Fetched, RegistryError> {
        let (object, wanted) = self.manifest_object(reference)?;
        let ask = self.manifest_ask(&object, Method::GET, wanted.is_none(), reference);
        let mut attempt = 1;
        loop {
            let answer = self.ask(&ask).await?;
            let headers = answer.headers().clone();
            match answer.bytes(LARGEST_MANIFEST).await {
                Ok(bytes) => return proven(&object, &headers, bytes, wanted),
                Err(error) if error.is_passing() && attempt < ATTEMPTS => {
                    sleep(self.0.retry.pause(attempt)).await;
                    attempt += 1;
                }
                Err(error) => return Err(RegistryError::unreached(&object, error)),
            }
        }
    }

    /// Asks what a tag or digest stands for without fetching it. Falls back to a GET where a
    /// registry does not answer HEAD in full. Docker Hub does not count a HEAD as a pull.
    ///
    /// # Errors
    /// As [`Repository::manifest`].
    pub async fn head_manifest(&self, reference: &str) -> Result<Head, RegistryError> {
        let (object, wanted) = self.manifest_object(reference)?;
        let ask = self.manifest_ask(&object, Method::HEAD, wanted.is_none(), reference);
        let answer = match self.ask(&ask).await {
            Ok(answer) => answer,
            Err(error) if matches!(error.status().map(|s| s.as_u16()), Some(403 | 405)) => {
                return self.manifest(reference).await.map(Head::from);
            }
            Err(error) => return Err(error),
        };
        let sent = digest_header(answer.headers());
        match (sent, wanted) {
            (None, _) => self.manifest(reference).await.map(Head::from),
            (Some(sent), Some(wanted))
                if sent.algorithm() == wanted.algorithm() && sent != wanted =>
            {
                let what = "the registry answers with another digest than it was asked for";
                Err(RegistryError::protocol(&object, what))
            }
            (Some(sent), wanted) => {
                let text = |name| answer.headers().get(name).and_then(|v| v.to_str().ok());
                Ok(Head {
                    digest: wanted.unwrap_or(sent),
                    media_type: media_type::essence(text(header::CONTENT_TYPE).unwrap_or_default()),
                    size: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
                })
            }
        }
    }

    /// Asks the servers in order until one has it. The last word is the registry's own: what
    /// mirrors said before is only logged.
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Result<Response, RegistryError> {
        let endpoints = self.0.endpoints.as_ref().map_err(|error| {
            RegistryError::new(ask.object, Reason::Configuration).with_source(error.clone())
        })?;
        let mut failed: Option<(&Endpoint, RegistryError)> = None;
        for endpoint in endpoints.iter().filter(|endpoint| endpoint.serves(ask)) {
            if let Some((before, error)) = &failed {
                if endpoint.is_only_for_tls() {
                    if !error.says_tls() {
                        break;
                    }
                    before.pass_over();
                } else if error.says_unreachable() {
                    before.pass_over();
                }
                tracing::debug!(host = before.host(), error = %regcred_core::report(error), "asking the next server");
            }
            match endpoint.ask(ask).await {
                Ok(answer) => return Ok(answer),
                Err(error) => failed = Some((endpoint, error)),
            }
        }
        Err(match failed {
            Some((_, error)) => error,
            None => {
                let what = "no server may be asked for this; give one the capabilities pull and \
                            resolve in hosts.toml";
                RegistryError::new(ask.object, Reason::Local(what.to_owned()))
            }
        })
    }

    /// Asks an address that a descriptor names beside the registry.
    pub(crate) async fn ask_foreign(
        &self,
        url: &str,
        ask: &Ask<'_>,
    ) -> Result<Response, RegistryError> {
        endpoint::ask_foreign(&self.0.client, self.0.retry, url, ask).await
    }

    /// How long something that broke is left alone.
    pub(crate) fn retry(&self) -> Retry {
        self.0.retry
    }

    pub(crate) fn object(&self, part: Part) -> Object {
        Object {
            repository: self.0.name.clone(),
            part,
        }
    }

    fn manifest_object(&self, reference: &str) -> Result<(Object, Option<Digest>), RegistryError> {
        let object = self.object(Part::Manifest(reference.to_owned()));
        let digest = match reference.contains(':') {
            true => Some(reference.parse::<Digest>()),
            false if is_tag(reference) => None,
            // Anything else would be a piece of an address, and could lead to another repository.
            false => {
                let what = "this is neither a tag nor a digest".to_owned();
                return Err(RegistryError::new(&object, Reason::Local(what)));
            }
        };
        match digest.transpose() {
            Ok(digest) => Ok((object, digest)),
            Err(error) => {
                Err(RegistryError::new(&object, Reason::Configuration).with_source(error))
            }
        }
    }

    fn manifest_ask<'a>(
        &self,
        object: &'a Object,
        method: Method,
        resolves: bool,
        reference: &str,
    ) -> Ask<'a> {
        Ask {
            object,
            method,
            path: format!("manifests/{reference}"),
            headers: vec![("accept", media_type::ACCEPT.to_owned())],
            resolves,
            is_small: true,
        }
    }
}

impl From<Fetched> for Head {
    fn from(fetched: Fetched) -> Self {
        Self {
            size: Some(fetched.bytes.len() as u64),
            digest: fetched.digest,
            media_type: fetched.media_type,
        }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Repository").field(&self.0.name).finish()
    }
}

fn proven(
    object: &Object,
    headers: &HeaderMap,
    bytes: Bytes,
    wanted: Option<Digest>,
) -> Result<Fetched, RegistryError> {
    let digest = match wanted {
        Some(wanted) if wanted.matches(&bytes) => wanted,
        Some(wanted) => {
            let mut hasher = wanted.hasher();
            hasher.update(&bytes);
            let actual = hasher.finish();
            return Err(RegistryError::new(object, Reason::Digest { actual }));
        }
        None => {
            let digest = Digest::of(&bytes);
            if digest_header(headers).is_some_and(|sent| !sent.matches(&bytes)) {
                let reason = Reason::Digest { actual: digest };
                return Err(RegistryError::new(object, reason));
            }
            digest
        }
    };
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|t| t.to_str().ok())
        .unwrap_or_default();
    let media_type = Document::media_type_of(content_type, &bytes)
        .map_err(|error| RegistryError::document(object, error))?;
    Ok(Fetched {
        bytes,
        media_type,
        digest,
    })
}

/// distribution-spec: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`
fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'))
}

/// What the registry says the digest is. Another algorithm than ours, or nonsense, says nothing.
fn digest_header(headers: &HeaderMap) -> Option<Digest> {
    let value = headers.get("docker-content-digest")?;
    value.to_str().ok()?.trim().parse().ok()
}

/// What the specification asks registries to accept, and other clients read at most.
const LARGEST_MANIFEST: usize = 4 << 20;
/// How often a manifest is asked for whose body breaks off.
const ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests;
