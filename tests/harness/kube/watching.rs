//! A watch: what happened since, then what happens, with bookmarks, until its time has ended.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::status::Refusal;
use super::target::Target;
use super::verbs::metadata_of;
use crate::server::lock;

/// The lines of a watch. The stream breaks off with an error when the fake is told to.
pub(crate) fn lines(
    shared: Arc<Shared>,
    target: Target,
    metadata_only: bool,
) -> impl Stream<Item = std::io::Result<Bytes>> {
    let seconds = target
        .param("timeoutSeconds")
        .and_then(|text| text.parse().ok())
        .filter(|seconds| *seconds > 0)
        .unwrap_or(300);
    let version = target.param("resourceVersion").and_then(|v| v.parse().ok());
    let (breaks, ends) = (*shared.breaks.borrow(), *shared.ends.borrow());
    let state = Watch {
        version: version.unwrap_or(0),
        marked: 0,
        bookmarks: target.param("allowWatchBookmarks").as_deref() == Some("true"),
        end: Instant::now() + Duration::from_secs(seconds),
        breaks,
        ends,
        begun: false,
        over: false,
        shared,
        target,
        metadata_only,
    };
    unfold(state, |mut state| async move {
        let item = state.next().await?;
        Some((item, state))
    })
}

struct Watch {
    shared: Arc<Shared>,
    target: Target,
    metadata_only: bool,
    /// Up to here all changes were told.
    version: u64,
    /// The version of the last bookmark.
    marked: u64,
    bookmarks: bool,
    end: Instant,
    breaks: u64,
    ends: u64,
    begun: bool,
    over: bool,
}

impl Watch {
    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        if self.over {
            return None;
        }
        if !std::mem::replace(&mut self.begun, true)
            && let Some(lines) = self.begin()
        {
            return Some(Ok(lines));
        }
        let mut changed = self.shared.changed.subscribe();
        let mut breaks = self.shared.breaks.subscribe();
        let mut ends = self.shared.ends.subscribe();
        let mut bookmark_at = Instant::now() + self.shared.bookmarks;
        loop {
            if *breaks.borrow_and_update() != self.breaks {
                self.over = true;
                return Some(Err(std::io::Error::other("the fake breaks the watch")));
            }
            changed.borrow_and_update();
            if let Some(lines) = self.due() {
                return Some(Ok(lines));
            }
            if *ends.borrow_and_update() != self.ends {
                return self.last();
            }
            tokio::select! {
                _ = changed.changed() => {}
                _ = breaks.changed() => {}
                _ = ends.changed() => {}
                () = sleep_until(self.end) => return self.last(),
                () = sleep_until(bookmark_at) => {
                    bookmark_at = Instant::now() + self.shared.bookmarks;
                    if self.bookmarks && self.version > self.marked {
                        return Some(Ok(self.bookmark()));
                    }
                }
            }
        }
    }

    /// What comes before all changes: the refusal of a version that is too old, and everything there
    /// is for who names no version.
    fn begin(&mut self) -> Option<Bytes> {
        let store = lock(&self.shared.store);
        if self.version == 0 {
            self.version = store.version();
            let all = store.all(&self.target.resource);
            let found = all.filter(|object| self.target.selects(object));
            let lines: Vec<u8> = found
                .flat_map(|object| self.line("ADDED", object))
                .collect();
            return (!lines.is_empty()).then(|| lines.into());
        }
        if self.version >= store.oldest() {
            return None;
        }
        self.over = true;
        let text = format!(
            "too old resource version: {} ({})",
            self.version,
            store.oldest()
        );
        Some(line("ERROR", &Refusal::new(410, "Expired", text).status()))
    }

    /// The end, and before it a bookmark for those who take them.
    fn last(&mut self) -> Option<std::io::Result<Bytes>> {
        self.over = true;
        self.bookmarks.then(|| Ok(self.bookmark()))
    }

    fn bookmark(&mut self) -> Bytes {
        self.marked = self.version;
        let version = json!({"resourceVersion": self.version.to_string()});
        let object = json!({
            "kind": self.target.kind(), "apiVersion": self.target.api_version(),
            "metadata": version,
        });
        self.line("BOOKMARK", &object)
    }

    /// All changes since the version that was told last.
    fn due(&mut self) -> Option<Bytes> {
        let store = lock(&self.shared.store);
        let from = store
            .history
            .partition_point(|change| change.version <= self.version);
        let mut all = Vec::new();
        for change in store.history.range(from..) {
            self.version = change.version;
            if change.resource == self.target.resource && self.target.selects(&change.object) {
                all.extend_from_slice(&self.line(change.kind, &change.object));
            }
        }
        // Under the same lock: what a bookmark says has been told to its last change.
        self.version = store.version();
        (!all.is_empty()).then(|| all.into())
    }

    fn line(&self, kind: &str, object: &Value) -> Bytes {
        match self.metadata_only {
            true => line(kind, &metadata_of(object)),
            false => line(kind, object),
        }
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    format!("{}\n", json!({"type": kind, "object": object})).into()
}
