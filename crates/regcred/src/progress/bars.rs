//! Progress bars on a terminal: one line for each running download, and one for the whole image.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use regcred_core::ImageRef;
use regcred_registry::{BlobState, Descriptor, Digest, Progress, TransferEvent};

use super::bar_line;
use super::screen::Screen;

/// Bars on standard error for one image; dropping the value clears them.
pub(crate) struct Bars {
    name: String,
    screen: Screen,
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
        let screen = Box::new(Screen::of_stderr());
        let target = ProgressDrawTarget::term_like_with_hz(screen, DRAWS_PER_SECOND);
        Self::on(target, image)
    }

    fn on(target: ProgressDrawTarget, image: &ImageRef) -> Self {
        let lines = MultiProgress::with_draw_target(target);
        let total = lines.add(ProgressBar::new(0).with_style(style()));
        Self {
            name: image.to_string(),
            screen: Screen::of_stderr(),
            lines,
            total,
            running: Mutex::default(),
        }
    }

    /// Starts over: another credential repeats the attempt.
    fn begin(&self, size: u64) {
        self.remove_running();
        self.total.set_length(size);
        self.total.set_position(0);
    }

    fn remove_running(&self) {
        for (_, line) in self.running().drain() {
            self.lines.remove(&line.bar);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<Digest, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn blob(&self, blob: &Descriptor, state: BlobState<'_>) {
        let mut running = self.running();
        match state {
            BlobState::Exists | BlobState::Mounted => self.total.inc(blob.size),
            BlobState::Resumed { done }
            | BlobState::Downloading { done }
            | BlobState::Uploading { done } => {
                let line = running
                    .entry(blob.digest.clone())
                    .or_insert_with(|| self.line(blob));
                self.total.inc(done.saturating_sub(line.done));
                line.done = done;
                self.show(line, blob, "");
            }
            BlobState::Retrying { attempt, reason } => {
                if let Some(line) = running.get(&blob.digest) {
                    self.show(line, blob, &format!("attempt {attempt} after: {reason}"));
                }
            }
            BlobState::Done => {
                let counted = running.remove(&blob.digest).map_or(0, |line| {
                    self.lines.remove(&line.bar);
                    line.done
                });
                self.total.inc(blob.size.saturating_sub(counted));
            }
            _ => {}
        }
        drop(running);
        self.show_total();
    }

    fn line(&self, blob: &Descriptor) -> Running {
        let bar = ProgressBar::new(blob.size).with_style(style());
        let bar = self.lines.insert_before(&self.total, bar);
        Running { bar, done: 0 }
    }

    fn show(&self, line: &Running, blob: &Descriptor, note: &str) {
        let columns = self.screen.columns();
        let text = bar_line::blob(columns, &blob.digest, line.done, blob.size, note);
        line.bar.set_message(text);
    }

    fn show_total(&self) {
        let (done, size) = (self.total.position(), self.total.length().unwrap_or(0));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate for display, and never negative"
        )]
        let rate = self.total.per_sec() as u64;
        let columns = self.screen.columns();
        let text = bar_line::total(columns, &self.name, done, size, rate);
        self.total.set_message(text);
    }
}

impl Progress for Bars {
    fn event(&self, event: TransferEvent<'_>) {
        match event {
            TransferEvent::Resolved { bytes, .. } => self.begin(bytes),
            TransferEvent::Blob { descriptor, state } => self.blob(descriptor, state),
            _ => {}
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // A bar that is dropped while it is shown draws the others once more.
        self.remove_running();
        self.lines.remove(&self.total);
        // A terminal that is gone has nothing to clear.
        let _ = self.lines.clear();
    }
}

/// A whole line; `bar_line` writes it.
fn style() -> ProgressStyle {
    ProgressStyle::with_template(LINE).unwrap_or_else(|_| ProgressStyle::default_bar())
}

const LINE: &str = "{wide_msg}";
const DRAWS_PER_SECOND: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_sound() {
        assert!(ProgressStyle::with_template(LINE).is_ok());
    }

    #[test]
    fn the_total_counts_every_byte_once() {
        let image = &ImageRef::parse("app:v1").expect("image");
        let bars = Bars::on(ProgressDrawTarget::hidden(), image);
        let one = Descriptor::of("a/b", b"0123456789");
        let two = Descriptor::of("a/b", b"01234");
        bars.event(TransferEvent::Resolved {
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
        let resolved = TransferEvent::Resolved {
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
