//! Where the content of a push comes from.

use regcred_core::ImageRef;

use crate::client::{RegistryError, Repository};
use crate::content::{ManifestReader, Plan, PlatformChoice, documents_below, store_failure};
use crate::image::{Descriptor, Manifest, ManifestOrIndex, Platform, RawManifest};
use crate::store::Layout;

/// A repository or a store that has an image.
#[derive(Clone, Debug)]
pub struct ImageSource {
    image: ImageRef,
    content: SourceContent,
}

#[derive(Clone, Debug)]
pub(super) enum SourceContent {
    Layout(Layout),
    Repository(Repository),
}

impl ImageSource {
    /// An image in a store, under its full name.
    #[must_use]
    pub fn layout(image: &ImageRef, layout: &Layout) -> Self {
        Self::new(image, SourceContent::Layout(layout.clone()))
    }

    /// An image in a repository, of the registry that it is pushed to or of another one. The
    /// repository has its own login.
    #[must_use]
    pub fn repository(image: &ImageRef, repository: &Repository) -> Self {
        Self::new(image, SourceContent::Repository(repository.clone()))
    }

    /// The manifest or index under the image's tag or digest, with its exact bytes.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub async fn manifest(&self) -> Result<RawManifest, RegistryError> {
        let layout = match &self.content {
            SourceContent::Repository(repository) => {
                let reference = self.image.digest().or(self.image.tag());
                return repository.manifest(reference.unwrap_or("latest")).await;
            }
            SourceContent::Layout(layout) => layout,
        };
        let name = self.image.to_string();
        let entry = layout.resolve(&name);
        let entry = entry.map_err(|error| store_failure(&self.image, error))?;
        let Some(entry) = entry else {
            return Err(RegistryError::local(&self.image, "is not in the store"));
        };
        self.reader().read(&entry).await.map(|(raw, _)| raw)
    }

    /// What an index of the source names, verified against the index's entry.
    ///
    /// # Errors
    /// When it is not there, or is not what the entry names.
    pub async fn child(&self, entry: &Descriptor) -> Result<RawManifest, RegistryError> {
        self.reader().read(entry).await.map(|(raw, _)| raw)
    }

    /// The image itself, or each image below an index of the source, with the entry that names it.
    ///
    /// # Errors
    /// When a manifest cannot be read, and for an index that is nested too deep or has too many entries.
    pub async fn images(
        &self,
        top: &RawManifest,
    ) -> Result<Vec<(Descriptor, RawManifest, Manifest)>, RegistryError> {
        let reader = self.reader();
        let index = match reader.parse(top)? {
            ManifestOrIndex::Manifest(image) => {
                return Ok(vec![(top.descriptor(), top.clone(), image)]);
            }
            ManifestOrIndex::Index(index) => index,
        };
        let below = documents_below(&reader, &top.digest, &index).await?;
        let images = below
            .into_iter()
            .filter_map(|one| Some((one.entry, one.raw, one.image?)));
        Ok(images.collect())
    }

    /// The platform in an image's configuration, as far as it names one: that of an artifact is empty.
    ///
    /// # Errors
    /// When the configuration cannot be read.
    pub async fn platform(&self, image: &Manifest) -> Result<Platform, RegistryError> {
        let config = self.reader().read_config(&image.config).await?;
        Ok(Platform::in_config(&config))
    }

    /// All that a manifest or index consists of.
    pub(super) async fn plan(
        &self,
        top: &RawManifest,
        platforms: &PlatformChoice,
    ) -> Result<Plan, RegistryError> {
        Plan::make(&self.reader(), top.descriptor(), top.clone(), platforms).await
    }

    pub(super) fn image(&self) -> &ImageRef {
        &self.image
    }

    pub(super) fn content(&self) -> &SourceContent {
        &self.content
    }

    /// The path of the repository, if it is in the same registry as `target`: its blobs may be
    /// mounted.
    pub(super) fn path_in_registry_of(&self, target: &Repository) -> Option<&str> {
        let SourceContent::Repository(source) = &self.content else {
            return None;
        };
        let (registry, path) = source.name().split_once('/')?;
        let (target, target_path) = target.name().split_once('/')?;
        (registry == target && path != target_path).then_some(path)
    }

    fn new(image: &ImageRef, content: SourceContent) -> Self {
        let image = image.clone().with_default_tag();
        Self { image, content }
    }

    fn reader(&self) -> ManifestReader<'_> {
        let (repository, layout) = match &self.content {
            SourceContent::Layout(layout) => (None, Some(layout)),
            SourceContent::Repository(repository) => (Some(repository), None),
        };
        ManifestReader {
            repository,
            layout,
            image: &self.image,
        }
    }
}
