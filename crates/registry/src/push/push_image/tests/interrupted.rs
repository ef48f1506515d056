//! Uploads that break, and pushes that end half-way.

use std::sync::Mutex;

use regcred_core::report;

use super::*;

#[tokio::test]
async fn an_upload_that_breaks_continues_where_the_registry_is() {
    let (stored, registry) = (Stored::new(), Registry::start(Quirks::default()).await);
    let target = registry.repository("team/app", None);
    let only_large = only(&stored, &stored.large);
    registry.set(Quirks {
        cut: Some(3_000_000),
        ..Quirks::default()
    });
    let events = Events::default();
    let push = Push::new(&target, &events);
    let pushed = push.image(&stored.source(), &only_large, &[]).await;
    pushed.expect("continued");
    let bytes = registry
        .blob("team/app", &stored.large.digest)
        .expect("there");
    assert!(stored.large.digest.matches(&bytes));
    assert_eq!(pieces(&registry), ["0-4999999", "3000000-4999999"]);
    assert!(
        events
            .all()
            .iter()
            .any(|event| event.starts_with("Retrying { attempt: 2"))
    );

    for (quirks, expected) in [
        // The session is gone: the whole in a new one.
        (
            Quirks {
                cut: Some(3_000_000),
                forgets: true,
                ..Quirks::default()
            },
            vec!["0-4999999", "0-4999999"],
        ),
        // Some registries keep only the last of several pieces.
        (
            Quirks {
                cut: Some(3_000_000),
                keeps_last_piece: true,
                ..Quirks::default()
            },
            vec!["0-4999999", "3000000-4999999", "0-4999999"],
        ),
        // It had arrived.
        (
            Quirks {
                loses_end: true,
                ..Quirks::default()
            },
            vec!["0-4999999"],
        ),
    ] {
        let registry = Registry::start(quirks).await;
        let target = registry.repository("team/app", None);
        let push = Push::new(&target, &NoProgress);
        let pushed = push.image(&stored.source(), &only_large, &[]).await;
        pushed.expect("continued");
        assert_eq!(pieces(&registry), expected);
        assert!(registry.blob("team/app", &stored.large.digest).is_some());
    }
}

#[tokio::test]
async fn an_upload_that_reaches_the_same_offset_again_and_again_ends() {
    let stored = Stored::new();
    let quirks = Quirks {
        cut: Some(1_500_000),
        loses_bytes: true,
        ..Quirks::default()
    };
    let registry = Registry::start(quirks).await;
    let target = registry.repository("team/app", None);
    let error = stored.push(&target, &["v1"]).await.expect_err("no end");
    assert!(error.status().is_none(), "the connection broke: {error}");
    // Only the first failure came with progress.
    assert_eq!(pieces(&registry).len(), 7);
    assert!(registry.manifest("team/app", "v1").is_none());
}

#[tokio::test]
async fn a_proxy_that_refuses_large_requests_gets_smaller_ones() {
    let stored = Stored::new();
    let quirks = Quirks {
        limit: Some(2 << 20),
        ..Quirks::default()
    };
    let registry = Registry::start(quirks).await;
    let target = registry.repository("team/app", None);
    stored.push(&target, &["v1"]).await.expect("pushed");
    stored.assert_pushed(&registry, "team/app");
    let expected = [
        "0-4999999",
        "0-1249999",
        "1250000-2499999",
        "2500000-3749999",
        "3750000-4999999",
    ];
    assert_eq!(pieces(&registry), expected);
}

#[tokio::test]
async fn an_interrupted_push_sends_no_blob_twice_when_it_is_repeated() {
    let (stored, registry) = (Stored::new(), Registry::start(Quirks::default()).await);
    let target = registry.repository("team/app", None);
    let last = stored.layout.blob_path(&stored.blobs[4].digest);
    let kept = std::fs::read(&last).expect("there");
    std::fs::remove_file(&last).expect("there");
    let error = stored.push(&target, &["v1"]).await.expect_err("incomplete");
    let text = report(&error);
    assert!(text.contains(&last.display().to_string()), "{text}");
    assert!(registry.manifest("team/app", "v1").is_none());
    std::fs::write(&last, kept).expect("written");
    let before = registry.server.seen().len();
    let sent: Vec<_> = stored
        .blobs
        .iter()
        .filter(|blob| registry.blob("team/app", &blob.digest).is_some())
        .collect();
    assert!(sent.contains(&&stored.large), "the largest goes first");
    let again = stored.push(&target, &["v1"]).await.expect("pushed");
    assert_eq!(again.uploaded_blobs, 5 - sent.len());
    assert_eq!(again.digest, stored.index.digest);
    let opened = registry
        .writes(before)
        .iter()
        .filter(|w| w.starts_with("POST"))
        .count();
    assert_eq!(opened, again.uploaded_blobs);
    stored.assert_pushed(&registry, "team/app");
}

/// `Content-Range` of each piece that arrived.
fn pieces(registry: &Registry) -> Vec<String> {
    let seen = registry.server.seen();
    let ranges = seen.iter().filter_map(|seen| seen.header("content-range"));
    ranges.map(str::to_owned).collect()
}

/// Records the states of blobs.
#[derive(Default)]
struct Events(Mutex<Vec<String>>);

impl Events {
    fn all(&self) -> Vec<String> {
        self.0.lock().expect("sound").clone()
    }
}

impl Progress for Events {
    fn event(&self, event: TransferEvent<'_>) {
        if let TransferEvent::Blob { state, .. } = event {
            self.0.lock().expect("sound").push(format!("{state:?}"));
        }
    }
}
