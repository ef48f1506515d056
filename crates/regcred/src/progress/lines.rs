//! Plain lines on standard error: one for each change of state, none for bytes.

use indicatif::BinaryBytes;
use regcred_registry::{BlobState, Progress, PullEvent};
use regcred_run::output;

use super::short_digest::short;

/// Writes lines to standard error.
pub(crate) struct Lines;

impl Progress for Lines {
    fn event(&self, event: PullEvent<'_>) {
        if let Some(line) = line(event) {
            output::note(&line);
        }
    }
}

fn line(event: PullEvent<'_>) -> Option<String> {
    match event {
        PullEvent::Resolved {
            image,
            digest,
            blobs,
            bytes: size,
        } => Some(format!(
            "{image}: {digest}, {blobs} blobs, {}",
            BinaryBytes(size)
        )),
        PullEvent::Blob { descriptor, state } => {
            let (name, size) = (short(&descriptor.digest), BinaryBytes(descriptor.size));
            match state {
                BlobState::Exists => Some(format!("{name}: exists")),
                BlobState::Done => Some(format!("{name}: done, {size}")),
                BlobState::Retrying { attempt, reason } => {
                    Some(format!("{name}: attempt {attempt} after: {reason}"))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::ImageRef;
    use regcred_registry::Descriptor;

    use super::*;

    #[test]
    fn a_line_for_each_change_and_none_for_bytes() {
        let descriptor = &Descriptor::of("a/b", b"{}");
        let blob = |state| line(PullEvent::Blob { descriptor, state });
        assert_eq!(
            blob(BlobState::Exists).as_deref(),
            Some("44136fa355b3: exists")
        );
        assert_eq!(
            blob(BlobState::Done).as_deref(),
            Some("44136fa355b3: done, 2 B")
        );
        let retry = BlobState::Retrying {
            attempt: 2,
            reason: "connection reset",
        };
        assert_eq!(
            blob(retry).as_deref(),
            Some("44136fa355b3: attempt 2 after: connection reset")
        );
        assert_eq!(blob(BlobState::Waiting), None);
        assert_eq!(blob(BlobState::Downloading { done: 1 }), None);

        let image = &ImageRef::parse("app:v1").expect("image");
        let resolved = line(PullEvent::Resolved {
            image,
            digest: &descriptor.digest,
            blobs: 3,
            bytes: 3 << 20,
        });
        let expected = format!("{image}: {}, 3 blobs, 3.00 MiB", descriptor.digest);
        assert_eq!(resolved, Some(expected));
    }
}
