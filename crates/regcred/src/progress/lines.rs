//! Plain lines on standard error: one for each change of state, and one for the image every ten seconds
//! while bytes arrive.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::BinaryBytes;
use regcred_core::ImageRef;
use regcred_registry::{BlobState, Digest, Progress, TransferEvent};
use regcred_run::output;

use super::short_digest::short;

/// Writes lines to standard error.
pub(crate) struct Lines {
    image: String,
    sum: Mutex<Sum>,
}

/// The bytes of an image so far.
struct Sum {
    size: u64,
    blobs: HashMap<Digest, u64>,
    written: Instant,
}

impl Lines {
    pub(crate) fn new(image: &ImageRef) -> Self {
        Self::at(image, Instant::now())
    }

    fn at(image: &ImageRef, now: Instant) -> Self {
        let sum = Sum {
            size: 0,
            blobs: HashMap::new(),
            written: now,
        };
        Self {
            image: image.to_string(),
            sum: Mutex::new(sum),
        }
    }

    /// The line of an event, or that of the whole image if it is due.
    fn line(&self, event: TransferEvent<'_>, now: Instant) -> Option<String> {
        let mut sum = self.sum.lock().unwrap_or_else(PoisonError::into_inner);
        sum.count(event);
        let line = line(event).or_else(|| {
            let is_due = now.saturating_duration_since(sum.written) >= LONGEST_SILENCE;
            is_due.then(|| {
                let done = BinaryBytes(sum.blobs.values().sum());
                format!("{}: {done} of {}", self.image, BinaryBytes(sum.size))
            })
        });
        if line.is_some() {
            sum.written = now;
        }
        line
    }
}

impl Sum {
    fn count(&mut self, event: TransferEvent<'_>) {
        match event {
            // Another credential repeats the attempt.
            TransferEvent::Resolved { bytes, .. } => {
                self.size = bytes;
                self.blobs.clear();
            }
            TransferEvent::Blob { descriptor, state } => {
                let done = match state {
                    BlobState::Exists | BlobState::Mounted | BlobState::Done => descriptor.size,
                    BlobState::Resumed { done }
                    | BlobState::Downloading { done }
                    | BlobState::Uploading { done } => done,
                    _ => return,
                };
                self.blobs.insert(descriptor.digest.clone(), done);
            }
            _ => {}
        }
    }
}

impl Progress for Lines {
    fn event(&self, event: TransferEvent<'_>) {
        if let Some(line) = self.line(event, Instant::now()) {
            output::note(&line);
        }
    }
}

fn line(event: TransferEvent<'_>) -> Option<String> {
    match event {
        TransferEvent::Resolved {
            image,
            digest,
            blobs,
            bytes: size,
        } => Some(format!(
            "{image}: {digest}, {blobs} blobs, {}",
            BinaryBytes(size)
        )),
        TransferEvent::Blob { descriptor, state } => {
            let (name, size) = (short(&descriptor.digest), BinaryBytes(descriptor.size));
            match state {
                BlobState::Exists => Some(format!("{name}: exists")),
                BlobState::Mounted => Some(format!("{name}: mounted")),
                BlobState::Resumed { done } => {
                    let done = BinaryBytes(done);
                    Some(format!("{name}: resumed at {done} of {size}"))
                }
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

/// The longest time without a line while bytes arrive.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use regcred_registry::Descriptor;

    use super::*;

    #[test]
    fn a_long_download_is_a_line_of_the_whole_image_every_ten_seconds() {
        let image = &ImageRef::parse("app:v1").expect("image");
        let start = Instant::now();
        let lines = Lines::at(image, start);
        let (one, two) = (
            &Descriptor::of("a/b", &[1; 3 << 20]),
            &Descriptor::of("a/b", &[2; 1 << 20]),
        );
        let event = |descriptor, state, seconds| {
            let now = start + Duration::from_secs(seconds);
            lines.line(TransferEvent::Blob { descriptor, state }, now)
        };
        let resolved = TransferEvent::Resolved {
            image,
            digest: &one.digest,
            blobs: 2,
            bytes: 4 << 20,
        };
        assert!(lines.line(resolved, start).is_some());
        let at = |done| BlobState::Downloading { done };
        assert_eq!(event(one, at(1), 9), None);
        assert_eq!(
            event(one, at(1 << 20), 10),
            Some(format!("{image}: 1.00 MiB of 4.00 MiB"))
        );
        assert_eq!(event(two, at(1 << 19), 19), None);
        assert!(event(two, BlobState::Done, 19).is_some());
        assert_eq!(event(one, at(2 << 20), 28), None, "a line was written");
        assert_eq!(
            event(one, at(2 << 20), 29),
            Some(format!("{image}: 3.00 MiB of 4.00 MiB"))
        );
    }

    #[test]
    fn a_line_for_each_change_and_none_for_bytes() {
        let descriptor = &Descriptor::of("a/b", b"{}");
        let blob = |state| line(TransferEvent::Blob { descriptor, state });
        assert_eq!(
            blob(BlobState::Exists).as_deref(),
            Some("44136fa355b3: exists")
        );
        assert_eq!(
            blob(BlobState::Done).as_deref(),
            Some("44136fa355b3: done, 2 B")
        );
        assert_eq!(
            blob(BlobState::Resumed { done: 1 }).as_deref(),
            Some("44136fa355b3: resumed at 1 B of 2 B")
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
        let resolved = line(TransferEvent::Resolved {
            image,
            digest: &descriptor.digest,
            blobs: 3,
            bytes: 3 << 20,
        });
        let expected = format!("{image}: {}, 3 blobs, 3.00 MiB", descriptor.digest);
        assert_eq!(resolved, Some(expected));
    }
}
