//! An OCI layout as a store: the directory that `regcred pull` fills.

use regcred_core::{ImageRef, report};
use regcred_registry::{
    Layout, Logins, Progress, PullOptions, PulledImage, RegistryClient, pull, stored,
};

use super::store::{ImageStore, ListedImage, StoredImage};
use crate::credentials::AttemptError;
use crate::engine::Engine;

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

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
}

impl ImageStore for LayoutStore {
    type Image = PulledImage;

    async fn find(&self, image: &str) -> Result<Option<PulledImage>, AttemptError> {
        let found = stored(&self.layout, &parse(image)?, &self.options.platforms).await;
        found.map_err(AttemptError::from)
    }

    async fn pull(
        &self,
        image: &str,
        logins: &Logins,
        progress: &dyn Progress,
    ) -> Result<PulledImage, AttemptError> {
        let image = parse(image)?;
        let repository = self.registry.repository(&image, logins.clone());
        let pulled = pull(&repository, &self.layout, &image, &self.options, progress).await;
        pulled.map_err(AttemptError::from)
    }

    async fn images(&self) -> Result<Vec<ListedImage>, AttemptError> {
        let mut images: Vec<ListedImage> = Vec::new();
        let names = self.layout.names();
        for name in names.map_err(|error| AttemptError::text(report(&error)))? {
            // A name that another program wrote may not be an image name.
            if ImageRef::parse(&name).is_err() {
                continue;
            }
            let Some(found) = self.find(&name).await? else {
                continue;
            };
            let image_ref = found.image_ref();
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

impl StoredImage for PulledImage {
    /// As in container runtimes, the digest of the configuration.
    fn image_ref(&self) -> String {
        self.config.as_ref().unwrap_or(&self.digest).to_string()
    }

    fn size(&self) -> u64 {
        self.size
    }
}

fn parse(image: &str) -> Result<ImageRef, AttemptError> {
    ImageRef::parse(image).map_err(|error| AttemptError::text(error.to_string()))
}
