//! What has become of the images so far.

use std::cell::{Ref, RefCell};
use std::time::{Duration, Instant};

use indicatif::BinaryBytes;
use regcred_cri::{Cri, Image, RuntimeVersion};
use regcred_engine::{PullError, PullOutcome};
use regcred_run::{ProgramError, exit_code, output};
use serde::Serialize;

use super::arguments::PrepullArgs;
use super::list::Listed;
use super::runtime_store::RuntimeImage;
use crate::pull::code_of;

/// The images of a run.
pub(super) struct Tally {
    began: Instant,
    counts: RefCell<Counts>,
}

#[derive(Default)]
struct Counts {
    images: usize,
    /// Not begun.
    waiting: Vec<String>,
    running: Vec<(String, Instant)>,
    pulled: usize,
    bytes: u64,
    present: usize,
    missing: usize,
    failed: usize,
    /// The exit code of the first failure.
    code: Option<u8>,
}

/// The last JSON line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    event: &'static str,
    images: usize,
    pulled: usize,
    present: usize,
    missing: usize,
    failed: usize,
    /// Bytes of the images that were pulled.
    bytes: u64,
    runtime: &'a str,
    runtime_version: &'a str,
    socket: String,
    elapsed_ms: u64,
    verdict: String,
}

impl Tally {
    pub(super) fn new(images: &[Listed]) -> Self {
        let waiting = images.iter().map(|image| image.written.clone());
        Self {
            began: Instant::now(),
            counts: RefCell::new(Counts {
                images: images.len(),
                waiting: waiting.collect(),
                ..Counts::default()
            }),
        }
    }

    pub(super) fn begin(&self, image: &Listed) {
        let mut counts = self.counts.borrow_mut();
        counts.waiting.retain(|name| *name != image.written);
        counts.running.push((image.written.clone(), Instant::now()));
    }

    pub(super) fn end(
        &self,
        image: &Listed,
        result: &Result<PullOutcome<RuntimeImage>, PullError>,
    ) {
        let mut counts = self.counts.borrow_mut();
        counts.running.retain(|(name, _)| *name != image.written);
        match result {
            Ok(outcome) if outcome.was_present => counts.present += 1,
            Ok(outcome) => {
                counts.pulled += 1;
                counts.bytes = counts.bytes.saturating_add(outcome.image.0.size);
            }
            Err(error) => {
                counts.failed += 1;
                counts.code = counts.code.or(Some(code_of(error)));
            }
        }
    }

    pub(super) fn checked(&self, image: &Listed, found: Option<&Image>) {
        let mut counts = self.counts.borrow_mut();
        counts.waiting.retain(|name| *name != image.written);
        if found.is_some() {
            counts.present += 1;
        } else {
            counts.missing += 1;
            // As of `regcred check`: the command worked, and what it looked for is not there.
            counts.code = Some(exit_code::BUG);
        }
    }

    /// The images that are being pulled, and for how long.
    pub(super) fn running(&self) -> Vec<(String, Duration)> {
        let counts = self.counts.borrow();
        let running = counts.running.iter();
        running
            .map(|(name, since)| (name.clone(), since.elapsed()))
            .collect()
    }

    /// How many images there are, and how many of them have ended.
    pub(super) fn ended(&self) -> (usize, usize) {
        let counts = self.counts.borrow();
        let open = counts.waiting.len() + counts.running.len();
        (counts.images, counts.images - open)
    }

    /// The images that were not begun or not ended.
    pub(super) fn unfinished(&self) -> Vec<String> {
        let counts = self.counts.borrow();
        let running = counts.running.iter().map(|(name, _)| name);
        running.chain(&counts.waiting).cloned().collect()
    }

    /// Reports the whole run.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(super) fn conclude(
        &self,
        args: &PrepullArgs,
        cri: &Cri,
        runtime: &RuntimeVersion,
    ) -> Result<(), ProgramError> {
        let counts = self.counts.borrow();
        let took = self.began.elapsed();
        let socket = cri.socket().display().to_string();
        let verdict = format!(
            "{}, in {} s; {} {} at {socket}",
            words(&counts),
            took.as_secs(),
            runtime.name,
            runtime.version
        );
        if args.json {
            return output::json_line(&Summary {
                event: "summary",
                images: counts.images,
                pulled: counts.pulled,
                present: counts.present,
                missing: counts.missing,
                failed: counts.failed,
                bytes: counts.bytes,
                runtime: &runtime.name,
                runtime_version: &runtime.version,
                socket,
                elapsed_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                verdict,
            });
        }
        output::note(&verdict);
        Ok(())
    }

    /// The result of the command.
    ///
    /// # Errors
    /// With the exit code of the first failure; it has been reported.
    pub(super) fn verdict(&self) -> Result<(), ProgramError> {
        let code = self.counts.borrow().code;
        code.map_or(Ok(()), |code| Err(ProgramError::reported(code)))
    }
}

fn words(counts: &Ref<'_, Counts>) -> String {
    let images = match counts.images {
        1 => "1 image".to_owned(),
        n => format!("{n} images"),
    };
    let pulled = format!("pulled ({})", BinaryBytes(counts.bytes));
    let parts = [
        (counts.pulled, pulled.as_str()),
        (counts.present, "present"),
        (counts.missing, "missing"),
        (counts.failed, "failed"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<_> = parts
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("{images}: {}", parts.join(", "))
}
