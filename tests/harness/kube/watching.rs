//! A watch: what happened since, then what happens, with bookmarks, until its time is over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use super::Shared;
use super::http::Target;
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
        .unwrap_or(300);
    let breaks = *shared.breaks.borrow();
    let state = Watch {
        version: target
            .param("resourceVersion")
            .and_then(|v| v.parse().ok())
            .unwrap_or(0),
        marked: 0,
        bookmarks: target.param("allowWatchBookmarks").as_deref() == Some("true"),
        end: Instant::now() + Duration::from_secs(seconds),
        breaks,
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
    over: bool,
}

impl Watch {
    async fn next(&mut self) -> Option<std::io::Result<Bytes>> {
        if self.over {
            return None;
        }
        let (mut changed, mut breaks) = (
            self.shared.changed.subscribe(),
            self.shared.breaks.subscribe(),
        );
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
            tokio::select! {
                _ = changed.changed() => {}
                _ = breaks.changed() => {}
                () = sleep_until(self.end) => return None,
                () = sleep_until(bookmark_at) => {
                    bookmark_at = Instant::now() + self.shared.bookmarks;
                    if self.bookmarks && self.version > self.marked {
                        self.marked = self.version;
                        return Some(Ok(line("BOOKMARK", &json!({
                            "kind": self.target.kind(), "apiVersion": "v1",
                            "metadata": {"resourceVersion": self.version.to_string()},
                        }))));
                    }
                }
            }
        }
    }

    /// All changes since the version that was told last.
    fn due(&mut self) -> Option<Bytes> {
        let store = lock(&self.shared.store);
        if self.version < store.oldest() {
            self.over = true;
            return Some(line(
                "ERROR",
                &json!({
                    "kind": "Status", "apiVersion": "v1", "status": "Failure",
                    "reason": "Expired", "code": 410,
                    "message": "too old resource version",
                }),
            ));
        }
        let from = store
            .history
            .partition_point(|change| change.version <= self.version);
        let mut all = Vec::new();
        for change in store.history.range(from..) {
            self.version = change.version;
            if change.resource == self.target.resource && self.target.selects(&change.object) {
                let object = match self.metadata_only {
                    true => super::http::metadata_of(&change.object),
                    false => change.object.clone(),
                };
                all.extend_from_slice(&line(change.kind, &object));
            }
        }
        // Under the same lock: what a bookmark says has been told to its last change.
        self.version = store.version();
        (!all.is_empty()).then(|| all.into())
    }
}

fn line(kind: &str, object: &Value) -> Bytes {
    format!("{}\n", json!({"type": kind, "object": object})).into()
}
