//! An OCI layout as a store: the directory that `regcred pull` fills.

use async_trait::async_trait;
use regcred_core::{Credentials, ImageRef};
use regcred_registry::{
    Layout, NoProgress, PullOptions, PulledImage, RegistryClient, pull, stored,
};
use serde_json::Value;

use super::store::{ImageStore, ListedImage, StoreError, StoredImage};
use crate::engine::Engine;
use crate::file;

/// A layout, filled by the engine's own client for registries.
#[derive(Clone)]
pub struct LayoutStore {
    layout: Layout,
    registry: RegistryClient,
    options: PullOptions,
}

impl LayoutStore {
    /// A store in a layout.
    #[must_use]
    pub fn new(engine: &Engine, layout: Layout, options: PullOptions) -> Self {
        Self {
            layout,
            registry: engine.registry().clone(),
            options,
        }
    }

    async fn stored(&self, image: &ImageRef) -> Result<Option<PulledImage>, StoreError> {
        let found = stored(&self.layout, image, &self.options.platforms).await;
        found.map_err(|error| StoreError::from(&error))
    }

    fn names(&self) -> Result<Vec<String>, StoreError> {
        let path = self.layout.root().join("index.json");
        let unreadable = |why: String| StoreError::text(format!("{}: {why}", path.display()));
        let bytes = file::read(&path, MAX_INDEX).map_err(|error| unreadable(error.to_string()))?;
        let index: Value =
            serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
        let entries = index["manifests"].as_array().into_iter().flatten();
        let names = entries.filter_map(|entry| entry["annotations"][NAME].as_str());
        Ok(names.map(str::to_owned).collect())
    }
}

#[async_trait]
impl ImageStore for LayoutStore {
    async fn image_ref(&self, image: &str) -> Result<Option<String>, StoreError> {
        let image = parse(image)?;
        Ok(self.stored(&image).await?.map(|found| id(&found)))
    }

    async fn pull(
        &self,
        image: &str,
        login: Option<&Credentials>,
    ) -> Result<StoredImage, StoreError> {
        let image = parse(image)?;
        let repository = self.registry.repository(&image, login);
        let pulled = pull(
            &repository,
            &self.layout,
            &image,
            &self.options,
            &NoProgress,
        )
        .await;
        let pulled = pulled.map_err(|error| StoreError::from(&error))?;
        Ok(StoredImage {
            image_ref: id(&pulled),
            size: pulled.size,
        })
    }

    async fn images(&self) -> Result<Vec<ListedImage>, StoreError> {
        let mut images: Vec<ListedImage> = Vec::new();
        for name in self.names()? {
            // Names that others have put there need not be image names.
            let Ok(image) = ImageRef::parse(&name) else {
                continue;
            };
            let Some(found) = self.stored(&image).await? else {
                continue;
            };
            let image_ref = id(&found);
            match images.iter_mut().find(|one| one.image_ref == image_ref) {
                Some(known) => known.names.push(name),
                None => images.push(ListedImage {
                    image_ref,
                    names: vec![name],
                }),
            }
        }
        Ok(images)
    }
}

fn parse(image: &str) -> Result<ImageRef, StoreError> {
    let parsed = ImageRef::parse(image).map(ImageRef::with_default_tag);
    parsed.map_err(|error| StoreError::text(error.to_string()))
}

/// What container runtimes take: the digest of the configuration.
fn id(image: &PulledImage) -> String {
    let id = image.config.as_ref().unwrap_or(&image.digest);
    id.to_string()
}

const NAME: &str = "org.opencontainers.image.ref.name";
const MAX_INDEX: u64 = 64 << 20;
