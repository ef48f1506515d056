//! JSON lines on standard output, one object for each event.

use std::time::Instant;

use regcred_core::ImageRef;
use regcred_registry::{BlobState, Progress, TransferEvent};
use serde::Serialize;

use regcred_run::output;

/// Writes events of one pull to standard output.
pub(crate) struct JsonLines {
    image: String,
    start: Instant,
}

/// One line. Fields that an event does not have are left out.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    event: &'static str,
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    digest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    media_type: Option<&'a str>,
    /// Bytes of the blob received so far.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
    /// Bytes of the blob, or of all blobs.
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    blobs: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    elapsed_ms: u64,
}

impl JsonLines {
    pub(crate) fn new(image: &ImageRef) -> Self {
        Self {
            image: image.to_string(),
            start: Instant::now(),
        }
    }
}

impl Progress for JsonLines {
    fn event(&self, event: TransferEvent<'_>) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Some(line) = line(&self.image, event, elapsed) {
            // A closed standard output is reported when the result is written.
            let _ = output::json_line(&line);
        }
    }
}

fn line<'a>(image: &'a str, event: TransferEvent<'a>, elapsed_ms: u64) -> Option<Line<'a>> {
    let line = Line {
        image,
        elapsed_ms,
        ..Line::default()
    };
    match event {
        TransferEvent::Resolved {
            digest,
            blobs,
            bytes,
            ..
        } => Some(Line {
            event: "resolved",
            digest: digest.as_str(),
            blobs: Some(blobs),
            total: bytes,
            ..line
        }),
        TransferEvent::Blob { descriptor, state } => {
            let size = descriptor.size;
            let (name, offset, attempt, reason) = match state {
                BlobState::Waiting => ("waiting", None, None, None),
                BlobState::Exists => ("exists", Some(size), None, None),
                BlobState::Resumed { done } => ("resumed", Some(done), None, None),
                BlobState::Uploading { done } => ("uploading", Some(done), None, None),
                BlobState::Mounted => ("mounted", Some(size), None, None),
                BlobState::Downloading { done } => ("downloading", Some(done), None, None),
                BlobState::Retrying { attempt, reason } => {
                    ("retrying", None, Some(attempt), Some(reason))
                }
                BlobState::Done => ("done", Some(size), None, None),
                _ => return None,
            };
            Some(Line {
                event: "blob",
                state: Some(name),
                digest: descriptor.digest.as_str(),
                media_type: Some(&descriptor.media_type),
                offset,
                total: size,
                attempt,
                reason,
                ..line
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use regcred_registry::Descriptor;

    use super::*;

    const SHA: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

    fn text(event: TransferEvent<'_>) -> String {
        let line = line("h.io/app:v1", event, 7).expect("a line");
        serde_json::to_string(&line).expect("JSON")
    }

    #[test]
    fn lines_have_their_documented_form() {
        let descriptor = &Descriptor::of("a/b", b"{}");
        let image = &ImageRef::parse("h.io/app:v1").expect("image");
        let blob = |state| text(TransferEvent::Blob { descriptor, state });
        assert_eq!(
            text(TransferEvent::Resolved {
                image,
                digest: &descriptor.digest,
                blobs: 3,
                bytes: 70
            }),
            format!(
                r#"{{"event":"resolved","image":"h.io/app:v1","digest":"{SHA}","total":70,"blobs":3,"elapsedMs":7}}"#
            )
        );
        assert_eq!(
            blob(BlobState::Downloading { done: 1 }),
            format!(
                r#"{{"event":"blob","image":"h.io/app:v1","state":"downloading","digest":"{SHA}","mediaType":"a/b","offset":1,"total":2,"elapsedMs":7}}"#
            )
        );
        assert_eq!(
            blob(BlobState::Retrying {
                attempt: 2,
                reason: "reset"
            }),
            format!(
                r#"{{"event":"blob","image":"h.io/app:v1","state":"retrying","digest":"{SHA}","mediaType":"a/b","total":2,"attempt":2,"reason":"reset","elapsedMs":7}}"#
            )
        );
    }
}
