//! `regcred manifest push`: the images that the list's repository lacks, and then the list.

use std::collections::BTreeMap;
use std::path::Path;

use regcred_core::{Env, ImageRef, report};
use regcred_manifests::{ListEntry, clash, list_document};
use regcred_registry::{
    Digest, ImageSource, Layout, Progress, Push, RawManifest, RegistryError, Repository,
};
use regcred_run::{ProgramError, block_on_until_signal, output};

use super::arguments::PushArgs;
use super::local;
use super::session::Session;
use super::suffix::suffixed;
use crate::progress::View;

pub(super) fn run(args: &PushArgs, env: &Env) -> Result<(), ProgramError> {
    let list = local::plain_name(&args.list)?;
    let tags = tags(&list, &args.tags)?;
    let store = local::store(env)?;
    let entries = local::existing(&store, &list)?;
    check(&list, &entries)?;
    let annotations: BTreeMap<_, _> = args.annotations.iter().cloned().collect();
    let descriptors = entries.iter().map(|entry| &entry.descriptor);
    let document = list_document(descriptors, &annotations).map_err(ProgramError::usage)?;
    let suffixed = if args.suffix_compat {
        suffixed(&list, &entries).map_err(ProgramError::usage)?
    } else {
        Vec::new()
    };
    let view = View::choose(false, false, output::stderr_is_terminal(), env);
    let push = ListPush {
        session: Session::new(&args.access, env)?,
        view,
        list,
        entries: &entries,
        document,
        tags,
    };
    block_on_until_signal(push.run(&suffixed))?;
    output::line(push.document.digest.as_str())?;
    if args.purge {
        let removed = store.remove(&push.list);
        removed.map_err(ProgramError::not_configured)?;
    }
    Ok(())
}

/// The tags under which the list is put; a digest for a list that is named by one alone.
fn tags(list: &ImageRef, more: &[String]) -> Result<Vec<String>, ProgramError> {
    let own = list.tag().or(list.digest()).unwrap_or("latest");
    for tag in more {
        let parsed = ImageRef::parse(&format!("{}:{tag}", list.name()));
        parsed.map_err(|_| ProgramError::usage(format!("--tag: {tag:?} is not a tag")))?;
    }
    Ok(std::iter::once(own.to_owned())
        .chain(more.iter().cloned())
        .collect())
}

/// Refuses what a registry would accept and clients could not use.
fn check(list: &ImageRef, entries: &[ListEntry]) -> Result<(), ProgramError> {
    if entries.is_empty() {
        return Err(ProgramError::usage(format!("{list} not found")));
    }
    if let Some(entry) = entries.iter().find(|entry| entry.platform().is_none()) {
        return Err(ProgramError::usage(format!(
            "manifest {} must have an OS and Architecture to be pushed to a registry",
            entry.image
        )));
    }
    match clash(entries) {
        Some(clash) => Err(ProgramError::usage(format!(
            "{clash}: annotate one of them, or create the list again"
        ))),
        None => Ok(()),
    }
}

/// The push of one list.
struct ListPush<'a> {
    session: Session,
    view: View,
    list: ImageRef,
    entries: &'a [ListEntry],
    document: RawManifest,
    tags: Vec<String>,
}

impl ListPush<'_> {
    /// Names with an architecture come first and the list last: it is what clients find.
    async fn run(&self, suffixed: &[(ImageRef, &ListEntry)]) -> Result<(), ProgramError> {
        self.check_unchanged().await?;
        let mut sources = BTreeMap::new();
        let of_suffixes = suffixed.iter().map(|(_, entry)| *entry);
        let foreign = self.entries.iter().filter(|entry| self.is_foreign(entry));
        for entry in of_suffixes.chain(foreign) {
            let digest = &entry.descriptor.digest;
            if !sources.contains_key(digest) {
                sources.insert(digest.clone(), self.source(entry).await?);
            }
        }
        for (image, entry) in suffixed {
            self.suffixed(image, entry, &sources[&entry.descriptor.digest])
                .await?;
        }
        let request = |target| self.images_and_list(target, &sources);
        let pushed = self.session.ask(&self.list, request).await;
        pushed.map_err(|failure| failure.of_push(&self.list))
    }

    /// Whether the image is not in the list's repository already.
    fn is_foreign(&self, entry: &ListEntry) -> bool {
        entry.layout.is_some() || entry.image.name() != self.list.name()
    }

    /// Where the image is, with the credential that reads it.
    async fn source(&self, entry: &ListEntry) -> Result<ImageSource, ProgramError> {
        let digest = entry.descriptor.digest.as_str();
        match &entry.layout {
            Some(path) => open_layout(&entry.image, path),
            None => {
                let image = entry.image.clone().with_digest(digest);
                self.session.open(&image).await.map(|(source, _)| source)
            }
        }
    }

    async fn suffixed(
        &self,
        image: &ImageRef,
        entry: &ListEntry,
        source: &ImageSource,
    ) -> Result<(), ProgramError> {
        let request = |target: Repository| async move {
            let listener = self.listener(image);
            let push = Push::new(&target, &*listener);
            push.image(source, &entry.manifest, &[]).await?;
            let tag = image.tag().unwrap_or("latest");
            push.tag(tag, &entry.manifest).await
        };
        let pushed = self.session.ask(image, request).await;
        pushed.map_err(|failure| failure.of_push(image))?;
        self.report(image, &entry.descriptor.digest)
    }

    async fn images_and_list(
        &self,
        target: Repository,
        sources: &BTreeMap<Digest, ImageSource>,
    ) -> Result<(), RegistryError> {
        for entry in self.entries {
            let own = ImageSource::repository(&entry.image, &target);
            let digest = &entry.descriptor.digest;
            let is_foreign = self.is_foreign(entry);
            let source = sources.get(digest).filter(|_| is_foreign).unwrap_or(&own);
            let listener = self.listener(&entry.image);
            let push = Push::new(&target, &*listener);
            push.image(source, &entry.manifest, &[]).await?;
            if is_foreign {
                let image = self.list.clone().with_digest(digest.as_str());
                // A closed standard output ends the command at its last line.
                let _ = self.report(&image, digest);
            }
        }
        let listener = self.listener(&self.list);
        let push = Push::new(&target, &*listener);
        for tag in &self.tags {
            push.tag(tag, &self.document).await?;
        }
        Ok(())
    }

    /// A list that was read from the registry to be amended must not have been replaced there since.
    async fn check_unchanged(&self) -> Result<(), ProgramError> {
        let mut read = self
            .entries
            .iter()
            .filter_map(|entry| entry.of_list.as_ref());
        let (Some(read), Some(tag)) = (read.next(), self.list.tag()) else {
            return Ok(());
        };
        let request = |target: Repository| async move { target.head_manifest(tag).await };
        let now = match self.session.ask(&self.list, request).await {
            Ok(head) => head.digest,
            Err(failure) if failure.is_missing => return Ok(()),
            Err(failure) => return Err(failure.of_push(&self.list)),
        };
        if now == *read || now == self.document.digest {
            return Ok(());
        }
        Err(ProgramError::usage(format!(
            "the list {} has changed in the registry since it was read: it was {read} and is {now}; \
             create the list again",
            self.list
        )))
    }

    fn listener(&self, image: &ImageRef) -> Box<dyn Progress> {
        self.view.listener(image)
    }

    fn report(&self, image: &ImageRef, digest: &Digest) -> Result<(), ProgramError> {
        output::line(&format!("Pushed ref {image} with digest: {digest}"))
    }
}

fn open_layout(image: &ImageRef, path: &Path) -> Result<ImageSource, ProgramError> {
    let layout =
        Layout::open(path).map_err(|error| ProgramError::not_configured(report(&error)))?;
    let layout = layout.ok_or_else(|| {
        let path = path.display();
        ProgramError::not_configured(format!(
            "{image}: {path} was an OCI layout and is not one now"
        ))
    })?;
    Ok(ImageSource::layout(image, &layout))
}
