//! The pulls: several at the same time, each again after a failure that may pass.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use regcred_core::ErrorKind;
use regcred_cri::Cri;
use regcred_engine::{
    Engine, EventKind, ImageManager, Pod, PullError, PullOutcome, PullReason, PullRecords,
    PullRequest, VerificationPolicy,
};
use regcred_registry::NoProgress;
use regcred_run::{ProgramError, output};
use tokio::time::{Instant, sleep};

use super::arguments::PrepullArgs;
use super::list::Listed;
use super::report;
use super::runtime_store::{RuntimeImage, RuntimeStore};
use super::tally::Tally;
use super::watch;

/// A run of the subcommand.
pub(super) struct Turns<'a> {
    pub(super) engine: Engine,
    pub(super) pod: Pod,
    pub(super) cri: Cri,
    pub(super) records: Option<PullRecords>,
    pub(super) args: &'a PrepullArgs,
    pub(super) tally: &'a Tally,
}

impl Turns<'_> {
    /// Pulls every image, even after one fails.
    ///
    /// # Errors
    /// When standard output is closed.
    pub(super) async fn all(&self, images: &[Listed]) -> Result<(), ProgramError> {
        let pulls = async {
            let turns = stream::iter(images).map(|image| self.one(image));
            let mut turns = turns.buffer_unordered(self.args.parallel.into());
            while let Some(done) = turns.next().await {
                done?;
            }
            Ok(())
        };
        if self.args.quiet {
            return pulls.await;
        }
        tokio::select! {
            done = pulls => done,
            () = watch::report(&self.cri, self.tally, self.args.json) => Ok(()),
        }
    }

    async fn one(&self, image: &Listed) -> Result<(), ProgramError> {
        self.tally.begin(image);
        let result = self.until_done(image).await;
        self.tally.end(image, &result);
        report::ended(self.args, image, &result)
    }

    /// Pulls an image, again and again while that may help.
    async fn until_done(&self, image: &Listed) -> Result<PullOutcome<RuntimeImage>, PullError> {
        let deadline = Instant::now() + self.args.timeout;
        let request = PullRequest::new(&image.written)
            .policy(self.args.policy)
            .pod(self.pod.clone());
        let mut retries = 0;
        loop {
            let manager = self.manager(deadline);
            let error = match manager.ensure(&request, &NoProgress).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            let pause = pause(retries, error.kind());
            let is_over = retries >= self.args.retries || Instant::now() + pause >= deadline;
            if is_over || !may_pass(&error) {
                return Err(error);
            }
            retries += 1;
            if !self.args.quiet {
                output::note(&format!(
                    "{}: attempt {} in {} s after: {error}",
                    image.written,
                    retries + 1,
                    pause.as_secs().max(1)
                ));
            }
            sleep(pause).await;
        }
    }

    /// A kubelet's image manager without its limits, and with its records if they are wanted. The
    /// back-off is that of the caller.
    fn manager(&self, deadline: Instant) -> ImageManager<RuntimeStore> {
        let store = RuntimeStore {
            cri: self.cri.clone(),
            deadline,
            withhold_from_mirrors: self.engine.improvements().withhold_from_mirrors,
        };
        let mut manager = ImageManager::builder(self.engine.clone(), store);
        if let Some(records) = &self.records {
            manager = manager.verify(records.clone(), VerificationPolicy::NeverVerify);
        }
        if !self.args.quiet {
            manager = manager.on_event(|_, event| {
                if event.kind == EventKind::Normal && event.reason == "Pulling" {
                    output::note(&event.message);
                }
            });
        }
        manager.build_unlimited()
    }
}

/// Whether the same pull may work later: the registry, the runtime or what a plugin asks was not
/// reachable.
fn may_pass(error: &PullError) -> bool {
    match (error.reason(), error.kind()) {
        (PullReason::ImageInspectError, _) => true,
        (_, Some(ErrorKind::Throttled | ErrorKind::Unreachable)) => true,
        (_, Some(ErrorKind::Denied)) => !error.failures().is_empty(),
        _ => false,
    }
}

/// Doubles from one second to thirty, or from ten after a request to slow down; less a random part of
/// up to a half, so that nodes that began together drift apart.
fn pause(retries: u32, kind: Option<ErrorKind>) -> Duration {
    let first = if kind == Some(ErrorKind::Throttled) {
        10
    } else {
        1
    };
    let doubled = 2u32.saturating_pow(retries).saturating_mul(first);
    let ceiling = Duration::from_secs(doubled.into()).min(LONGEST_PAUSE);
    let random = u32::try_from(RandomState::new().hash_one(retries) >> 48).unwrap_or(0);
    ceiling - ceiling * random / (2 << 16)
}

const LONGEST_PAUSE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        for (retries, kind, ceiling) in [
            (0, None, 1),
            (1, None, 2),
            (4, None, 16),
            (5, None, 30),
            (40, None, 30),
            (0, Some(ErrorKind::Throttled), 10),
            (1, Some(ErrorKind::Throttled), 20),
        ] {
            let ceiling = Duration::from_secs(ceiling);
            let found = pause(retries, kind);
            assert!(
                found <= ceiling && found >= ceiling / 2,
                "{retries}: {found:?}"
            );
        }
    }
}
