//! The calls, with containerd's texts.

use std::collections::BTreeSet;
use std::future::pending;
use std::path::Path;
use std::sync::Arc;

use regcred_core::{Credentials, Env, ErrorKind, ImageRef, report};
use regcred_cri::runtime::image_service_server::ImageService;
use regcred_cri::runtime::runtime_service_server::RuntimeService;
use regcred_cri::runtime::{
    FilesystemIdentifier, FilesystemUsage, Image, ImageFsInfoRequest, ImageFsInfoResponse,
    ImageSpec, ImageStatusRequest, ImageStatusResponse, ListImagesRequest, ListImagesResponse,
    PullImageRequest, PullImageResponse, UInt64Value, VersionRequest, VersionResponse,
};
use regcred_registry::{
    Hosts, Layout, Logins, NoProgress, PullOptions, PulledImage, RegistryClient, RegistryError,
    pull, stored,
};
use tonic::{Code, Request, Response, Status, async_trait};

use super::{Pull, Shared};
use crate::repeating::said;
use crate::server::lock;

/// The images, and the client that fetches them.
#[derive(Clone)]
pub(super) struct Images {
    layout: Layout,
    registry: RegistryClient,
    shared: Arc<Shared>,
}

impl Images {
    pub(super) fn open(directory: &Path, hosts: &Path, shared: Arc<Shared>) -> Self {
        let hosts = Hosts::new([hosts.to_owned()]);
        Self {
            layout: Layout::open_or_create(directory)
                .expect("a store")
                .durable(false),
            registry: RegistryClient::new(&Env::default(), hosts).expect("a client"),
            shared,
        }
    }

    async fn find(&self, name: &str) -> Result<Option<Image>, Status> {
        if name.starts_with("sha256:") {
            let all = self.all().await?;
            return Ok(all.into_iter().find(|image| image.id == name));
        }
        let name = parse(name)?;
        let found = stored(&self.layout, &name, &PullOptions::default().platforms).await;
        let found = found.map_err(|error| Status::unknown(report(&error)))?;
        Ok(found.map(|found| message(&found)))
    }

    async fn all(&self) -> Result<Vec<Image>, Status> {
        let names = self.layout.names();
        let names = names.map_err(|error| Status::unknown(report(&error)))?;
        let mut all = Vec::new();
        for name in names {
            all.extend(Box::pin(self.find(&name)).await?);
        }
        Ok(all)
    }

    async fn fetch(&self, image: &ImageRef, login: Option<Credentials>) -> Result<Image, Status> {
        let repository = self.registry.repository(image, Logins::of_image(login));
        let options = PullOptions::default();
        let pulled = pull(&repository, &self.layout, image, &options, &NoProgress).await;
        let pulled = pulled.map_err(|error| failure(image, &error))?;
        Ok(message(&pulled))
    }
}

#[async_trait]
impl RuntimeService for Images {
    async fn version(
        &self,
        request: Request<VersionRequest>,
    ) -> Result<Response<VersionResponse>, Status> {
        if request.into_inner().version != "0.1.0" {
            return Err(Status::invalid_argument("not a kubelet's version"));
        }
        Ok(Response::new(VersionResponse {
            version: "0.1.0".to_owned(),
            runtime_name: "fake".to_owned(),
            runtime_version: "v1.2.3".to_owned(),
            runtime_api_version: "v1".to_owned(),
        }))
    }
}

#[async_trait]
impl ImageService for Images {
    async fn list_images(
        &self,
        _request: Request<ListImagesRequest>,
    ) -> Result<Response<ListImagesResponse>, Status> {
        let images = self.all().await?;
        Ok(Response::new(ListImagesResponse { images }))
    }

    async fn image_status(
        &self,
        request: Request<ImageStatusRequest>,
    ) -> Result<Response<ImageStatusResponse>, Status> {
        let name = named(request.into_inner().image)?;
        let image = self.find(&name).await?;
        Ok(Response::new(ImageStatusResponse { image }))
    }

    async fn pull_image(
        &self,
        request: Request<PullImageRequest>,
    ) -> Result<Response<PullImageResponse>, Status> {
        let request = request.into_inner();
        let name = named(request.image)?;
        let image = parse(&name)?;
        let login = request.auth.clone();
        if login
            .as_ref()
            .is_some_and(|login| login.username.is_empty() && login.password.is_empty())
        {
            return Err(Status::invalid_argument("an empty login"));
        }
        let server = login
            .as_ref()
            .map(|login| login.server_address.clone())
            .unwrap_or_default();
        lock(&self.shared.pulls).push(Pull {
            image: name,
            username: login.as_ref().map(|login| login.username.clone()),
            server: server.clone(),
        });
        let _running = Running::begin(Arc::clone(&self.shared));
        let answer = {
            let mut failures = lock(&self.shared.failures);
            (!failures.is_empty()).then(|| failures.remove(0))
        };
        if let Some(answer) = answer {
            return Err(answer);
        }
        if *lock(&self.shared.repeats) {
            let login = login.unwrap_or_default();
            return Err(Status::unknown(said(&BTreeSet::from([login.password]))));
        }
        if *lock(&self.shared.held) {
            pending::<()>().await;
        }
        let is_for_registry = server.is_empty() || server == format!("https://{}", image.domain());
        let login = login
            .filter(|_| is_for_registry)
            .map(|login| Credentials::new(login.username, login.password));
        let pulled = self.fetch(&image, login).await?;
        Ok(Response::new(PullImageResponse {
            image_ref: pulled.id,
        }))
    }

    async fn image_fs_info(
        &self,
        _request: Request<ImageFsInfoRequest>,
    ) -> Result<Response<ImageFsInfoResponse>, Status> {
        let used = self.all().await?.iter().map(|image| image.size).sum();
        let usage = FilesystemUsage {
            fs_id: Some(FilesystemIdentifier {
                mountpoint: self.layout.root().display().to_string(),
            }),
            used_bytes: Some(UInt64Value { value: used }),
        };
        Ok(Response::new(ImageFsInfoResponse {
            image_filesystems: vec![usage],
        }))
    }
}

/// Counts a pull for as long as it runs: cancelling it drops it.
struct Running(Arc<Shared>);

impl Running {
    fn begin(shared: Arc<Shared>) -> Self {
        let mut running = lock(&shared.running);
        *running += 1;
        let mut most = lock(&shared.most);
        *most = (*most).max(*running);
        drop((running, most));
        Self(shared)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        *lock(&self.0.running) -= 1;
    }
}

/// A kubelet names an image with a tag, a digest or the runtime's ID.
fn named(spec: Option<ImageSpec>) -> Result<String, Status> {
    let name = spec.map(|spec| spec.image).unwrap_or_default();
    if name.starts_with("sha256:") {
        return Ok(name);
    }
    let parsed = parse(&name)?;
    if parsed.tag().is_none() && parsed.digest().is_none() {
        return Err(Status::invalid_argument("neither a tag nor a digest"));
    }
    Ok(name)
}

fn parse(name: &str) -> Result<ImageRef, Status> {
    let parsed = ImageRef::parse(name);
    parsed.map_err(|error| Status::invalid_argument(error.to_string()))
}

fn message(found: &PulledImage) -> Image {
    Image {
        id: found.config.as_ref().unwrap_or(&found.digest).to_string(),
        repo_tags: vec![found.image.to_string()],
        repo_digests: vec![format!("{}@{}", found.image.name(), found.digest)],
        size: found.size,
        pinned: false,
    }
}

/// The sentence of containerd.
fn failure(image: &ImageRef, error: &RegistryError) -> Status {
    let begin = format!(
        "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": "
    );
    match error.kind() {
        ErrorKind::Denied if error.status().is_some_and(|status| status == 404) => {
            Status::new(Code::NotFound, format!("{begin}{image}: not found"))
        }
        ErrorKind::Denied => Status::unknown(format!(
            "{begin}pull access denied, repository does not exist or may require authorization: \
             authorization failed: no basic auth credentials"
        )),
        _ => Status::unknown(format!("{begin}{}", report(error))),
    }
}
