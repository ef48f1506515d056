//! Progress bars on a terminal: one line for each running download, and one for the whole image.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use regcred_core::ImageRef;
use regcred_registry::{BlobState, Descriptor, Digest, Progress, PullEvent};

use super::short_digest::short;

/// Bars on standard error for one image; dropping the value clears them.
pub(crate) struct Bars {
    lines: MultiProgress,
    total: ProgressBar,
    running: Mutex<HashMap<Digest, Running>>,
}

struct Running {
    bar: ProgressBar,
    done: u64,
}

impl Bars {
    pub(crate) fn new(image: &ImageRef) -> Self {
        Self::on(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND), image)
    }

    fn on(target: ProgressDrawTarget, image: &ImageRef) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let total = lines.add(ProgressBar::new(0).with_style(style(TOTAL)));
        total.set_prefix(image.to_string());
        Self {
            lines,
            total,
            running: Mutex::default(),
        }
    }

    /// Starts over: another credential repeats the attempt.
    fn begin(&self, size: u64) {
        for (_, line) in self.running().drain() {
            self.lines.remove(&line.bar);
        }
        self.total.set_length(size);
        self.total.set_position(0);
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Digest, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blob(&self, blob: &Descriptor, state: BlobState<'_>) {
        let mut running = self.running();
        match state {
            BlobState::Exists => self.total.inc(blob.size),
            BlobState::Downloading { done } => {
                let line = running
                    .entry(blob.digest.clone())
                    .or_insert_with(|| self.line(blob));
                line.bar.set_message("");
                line.bar.set_position(done);
                self.total.inc(done.saturating_sub(line.done));
                line.done = done;
            }
            BlobState::Retrying { attempt, reason } => {
                if let Some(line) = running.get(&blob.digest) {
                    line.bar
                        .set_message(format!("attempt {attempt} after: {reason}"));
                }
            }
            BlobState::Done => {
                let counted = running.remove(&blob.digest).map_or(0, |line| {
                    line.bar.finish_and_clear();
                    self.lines.remove(&line.bar);
                    line.done
                });
                self.total.inc(blob.size.saturating_sub(counted));
            }
            _ => {}
        }
    }

    fn line(&self, blob: &Descriptor) -> Running {
        let bar = ProgressBar::new(blob.size).with_style(style(BLOB));
        let bar = self.lines.insert_before(&self.total, bar);
        bar.set_prefix(short(&blob.digest).to_owned());
        Running { bar, done: 0 }
    }
}

impl Progress for Bars {
    fn event(&self, event: PullEvent<'_>) {
        match event {
            PullEvent::Resolved { bytes, .. } => self.begin(bytes),
            PullEvent::Blob { descriptor, state } => self.blob(descriptor, state),
            _ => {}
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // A terminal that is gone has nothing to clear.
        let _ = self.lines.clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

const BLOB: &str = "  {prefix} [{bar:30}] {binary_bytes}/{binary_total_bytes} {msg}";
const TOTAL: &str = "{prefix} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}";
const DRAWS_PER_SECOND: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_sound() {
        for template in [BLOB, TOTAL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn the_total_counts_every_byte_once() {
        let image = &ImageRef::parse("app:v1").expect("image");
        let bars = Bars::on(ProgressDrawTarget::hidden(), image);
        let one = Descriptor::of("a/b", b"0123456789");
        let two = Descriptor::of("a/b", b"01234");
        bars.event(PullEvent::Resolved {
            image,
            digest: &one.digest,
            blobs: 2,
            bytes: 15,
        });
        bars.blob(&two, BlobState::Exists);
        for done in [3, 7, 7] {
            bars.blob(&one, BlobState::Downloading { done });
        }
        assert_eq!(bars.total.position(), 12);
        bars.blob(&one, BlobState::Done);
        assert_eq!(bars.total.position(), 15);
        assert_eq!(bars.total.length(), Some(15));
        assert!(bars.running().is_empty());
    }

    #[test]
    fn a_second_attempt_begins_at_zero() {
        let image = &ImageRef::parse("app:v1").expect("image");
        let bars = Bars::on(ProgressDrawTarget::hidden(), image);
        let blob = Descriptor::of("a/b", b"0123456789");
        let resolved = PullEvent::Resolved {
            image,
            digest: &blob.digest,
            blobs: 1,
            bytes: 10,
        };
        bars.event(resolved);
        bars.blob(&blob, BlobState::Downloading { done: 4 });
        bars.event(resolved);
        assert_eq!(bars.total.position(), 0);
        assert!(bars.running().is_empty());
    }
}
