//! The calls.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_core::Credentials;
use secrecy::ExposeSecret as _;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::endpoint::EndpointError;
use crate::error::CriError;
use crate::message::containerd::ListStatusesRequest;
use crate::message::containerd::content_client::ContentClient;
use crate::message::runtime as wire;
use crate::message::runtime::image_service_client::ImageServiceClient;
use crate::message::runtime::runtime_service_client::RuntimeServiceClient;

/// A container runtime. Cheap to clone; it connects at the first call, and again after the runtime was
/// restarted.
#[derive(Clone, Debug)]
pub struct Cri {
    socket: PathBuf,
    channel: Channel,
}

/// What a runtime calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeVersion {
    /// `containerd`, `cri-o`
    pub name: String,
    /// Its own version.
    pub version: String,
}

/// An image of the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The runtime's ID: the digest of the configuration.
    pub id: String,
    /// Names with tags.
    pub tags: Vec<String>,
    /// Names with the digests of manifests or indexes.
    pub digests: Vec<String>,
    /// Bytes.
    pub size: u64,
    /// Whether the kubelet never removes it.
    pub pinned: bool,
}

/// A file system with images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// A directory in it.
    pub mountpoint: PathBuf,
    /// Bytes of images.
    pub used: u64,
}

/// The downloads that run in containerd, of whatever client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Downloads {
    /// How many.
    pub count: usize,
    /// Bytes received.
    pub done: u64,
    /// Bytes in all, as far as they are known.
    pub total: u64,
}

impl Cri {
    /// The runtime that listens on a Unix socket.
    ///
    /// # Errors
    /// For a path that cannot be part of an address.
    pub fn at(socket: &Path) -> Result<Self, EndpointError> {
        let address = format!("unix://{}", socket.display());
        let endpoint = Endpoint::from_shared(address.clone());
        let endpoint = endpoint.map_err(|_| EndpointError::of(&address))?;
        Ok(Self {
            socket: socket.to_owned(),
            channel: endpoint.connect_timeout(CONNECT).connect_lazy(),
        })
    }

    /// The socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What the runtime calls itself. Fails soon if nothing answers.
    ///
    /// # Errors
    /// [`CriError`], also for a containerd whose CRI is disabled.
    pub async fn version(&self) -> Result<RuntimeVersion, CriError> {
        let mut runtime = RuntimeServiceClient::new(self.channel.clone());
        let request = wire::VersionRequest {
            version: KUBELET.to_owned(),
        };
        let found = self
            .within("Version", PROBE, runtime.version(request))
            .await?;
        Ok(RuntimeVersion {
            name: found.runtime_name,
            version: found.runtime_version,
        })
    }

    /// The image of a name or ID; `None` if it is not present.
    ///
    /// # Errors
    /// [`CriError`]
    pub async fn image(&self, image: &str) -> Result<Option<Image>, CriError> {
        let mut images = self.images_client();
        let request = wire::ImageStatusRequest { image: spec(image) };
        let call = images.image_status(request);
        let found = self.within("ImageStatus", SHORT, call).await?;
        Ok(found.image.map(Image::from))
    }

    /// All images.
    ///
    /// # Errors
    /// [`CriError`]
    pub async fn images(&self) -> Result<Vec<Image>, CriError> {
        let mut images = self.images_client();
        let call = images.list_images(wire::ListImagesRequest {});
        let found = self.within("ListImages", SHORT, call).await?;
        Ok(found.images.into_iter().map(Image::from).collect())
    }

    /// Pulls an image, with a login or without one. `server` is the only host that gets the login;
    /// without it any host gets it that asks for one, mirrors included, as in a kubelet's pulls. It
    /// takes as long as the runtime needs: dropping the future cancels the pull.
    ///
    /// # Errors
    /// [`CriError`]
    pub async fn pull(
        &self,
        image: &str,
        login: Option<&Credentials>,
        server: Option<&str>,
    ) -> Result<Image, CriError> {
        let mut images = self.images_client();
        if let Some(login) = login {
            login.never_shown();
        }
        let request = wire::PullImageRequest {
            image: spec(image),
            auth: login.map(|login| wire::AuthConfig {
                username: login.username.clone(),
                password: login.password.expose_secret().to_owned(),
                server_address: server.unwrap_or_default().to_owned(),
            }),
        };
        let pulled = images.pull_image(request).await;
        let pulled = pulled.map_err(|status| self.failed(&status))?;
        // Before version 1.36 of the CRI the answer need not be the image's ID.
        let image_ref = pulled.into_inner().image_ref;
        match self.image(image).await? {
            Some(found) => Ok(found),
            None if image_ref.is_empty() => Err(CriError::malformed(NOT_PRESENT)),
            None => {
                let found = self.image(&image_ref).await?;
                found.ok_or(CriError::malformed(NOT_PRESENT))
            }
        }
    }

    /// The file systems with images.
    ///
    /// # Errors
    /// [`CriError`]
    pub async fn filesystems(&self) -> Result<Vec<Filesystem>, CriError> {
        let mut images = self.images_client();
        let call = images.image_fs_info(wire::ImageFsInfoRequest {});
        let found = self.within("ImageFsInfo", SHORT, call).await?;
        let found = found.image_filesystems.into_iter();
        Ok(found
            .map(|one| Filesystem {
                mountpoint: one.fs_id.unwrap_or_default().mountpoint.into(),
                used: one.used_bytes.unwrap_or_default().value,
            })
            .collect())
    }

    /// The running downloads, by containerd's own API: the CRI does not have them.
    ///
    /// # Errors
    /// [`CriError`]; another runtime does not implement it.
    pub async fn downloads(&self) -> Result<Downloads, CriError> {
        let mut content = ContentClient::new(self.channel.clone());
        let mut request = Request::new(ListStatusesRequest::default());
        let namespace = tonic::metadata::MetadataValue::from_static(NAMESPACE);
        request
            .metadata_mut()
            .insert("containerd-namespace", namespace);
        let call = content.list_statuses(request);
        let found = self.within("ListStatuses", PROBE, call).await?;
        let bytes = |count: i64| u64::try_from(count).unwrap_or_default();
        Ok(found
            .statuses
            .iter()
            .fold(Downloads::default(), |sum, one| Downloads {
                count: sum.count + 1,
                done: sum.done.saturating_add(bytes(one.offset)),
                total: sum.total.saturating_add(bytes(one.total.max(one.offset))),
            }))
    }

    fn images_client(&self) -> ImageServiceClient<Channel> {
        ImageServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE)
    }

    async fn within<T>(
        &self,
        call: &'static str,
        limit: Duration,
        answer: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, CriError> {
        match timeout(limit, answer).await {
            Ok(answer) => answer
                .map(Response::into_inner)
                .map_err(|status| self.failed(&status)),
            Err(_) => Err(CriError::timeout(call, limit)),
        }
    }

    fn failed(&self, status: &Status) -> CriError {
        CriError::of(status, &self.socket)
    }
}

impl From<wire::Image> for Image {
    fn from(image: wire::Image) -> Self {
        Self {
            id: image.id,
            tags: image.repo_tags,
            digests: image.repo_digests,
            size: image.size,
            pinned: image.pinned,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]
fn spec(image: &str) -> Option<wire::ImageSpec> {
    Some(wire::ImageSpec {
        image: image.to_owned(),
    })
}

/// The kubelet's version of the CRI.
const KUBELET: &str = "0.1.0";
/// Where the kubelet's images are in containerd.
const NAMESPACE: &str = "k8s.io";
const CONNECT: Duration = Duration::from_secs(5);
const PROBE: Duration = Duration::from_secs(5);
/// The kubelet's `runtimeRequestTimeout`.
const SHORT: Duration = Duration::from_secs(120);
/// What containerd sends at most.
const MAX_MESSAGE: usize = 16 << 20;
const NOT_PRESENT: &str = "no error for a pull, and the image is not present: another program may \
                           remove images";
