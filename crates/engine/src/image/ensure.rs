//! One container's image (kubernetes `pkg/kubelet/images/image_manager.go`, `EnsureImageExists`): by
//! pull policy, records of earlier pulls, back-off and limits, with the kubelet's events, reasons
//! and messages.

use std::time::Duration;

use regcred_api::GoDuration;
use regcred_core::{ErrorKind, report};
use regcred_go::go_quote;
use regcred_registry::{Logins, Progress, PulledImage};
use tokio::time::Instant;

use super::error::PullError;
use super::event::EventKind::{Normal, Warning};
use super::limits::Throttled;
use super::manager::ImageManager;
use super::policy::PullPolicy;
use super::records::{Access, PodCredentials, credentials_of};
use super::request::{Names, PullRequest};
use super::store::{ImageStore, StoredImage as _};
use crate::credentials::{Attempt, AttemptError, CredentialLabel, CredentialsError, Lookup, Turn};
use crate::plugin::PluginError;

/// An image that may be used now.
#[derive(Clone, Debug)]
pub struct PullOutcome<I = PulledImage> {
    /// The image in the store.
    pub image: I,
    /// The policy that was followed.
    pub policy: PullPolicy,
    /// Whether it was in the store already and no registry was asked.
    pub was_present: bool,
    /// The credential that worked; `None` for an anonymous pull and for an image that was present.
    pub credential: Option<CredentialLabel>,
    /// The attempts that failed before it.
    pub attempts: Vec<Attempt>,
    /// Plugins that failed.
    pub failures: Vec<PluginError>,
    /// How long it took, the look-up included.
    pub took: Duration,
    /// The text of the kubelet's event `Pulled`.
    pub message: String,
}

impl<S: ImageStore> ImageManager<S> {
    /// Ensures that an image is in the store and that the pod may use it. Progress is that of the
    /// blobs, as far as the store knows them.
    ///
    /// # Errors
    /// [`PullError`] with the kubelet's reason and message, and every attempt.
    pub async fn ensure(
        &self,
        request: &PullRequest,
        progress: &dyn Progress,
    ) -> Result<PullOutcome<S::Image>, PullError> {
        let began = Instant::now();
        let written = request.image();
        let policy = request.effective_policy();
        let names = request.names().map_err(|error| {
            let error = PullError::invalid_name(written, &error);
            self.warn(request, "InspectFailed", error)
        })?;
        let mut lookup = None;
        if policy != PullPolicy::Always {
            let found = self.store.find(&names.in_store).await.map_err(|error| {
                let error = PullError::inspect(written, &error);
                self.warn(request, "InspectFailed", error)
            })?;
            if let Some(image) = found
                && self.may_use(request, &names, &image, &mut lookup).await?
            {
                let message = self.present(request);
                return Ok(PullOutcome {
                    image,
                    policy,
                    was_present: true,
                    credential: None,
                    attempts: Vec::new(),
                    failures: lookup.iter().flat_map(Lookup::failures).cloned().collect(),
                    took: began.elapsed(),
                    message,
                });
            }
            // The same whether it is absent or only this pod has no access: the pod must not learn
            // that it is present.
            if policy == PullPolicy::Never {
                return Err(self.warn(request, "ErrImageNeverPull", PullError::never(written)));
            }
        }
        let lookup = match lookup {
            Some(lookup) => lookup,
            None => self.look_up(request, &names).await?,
        };
        let (turn, message) = self
            .pull_on_record(request, &names, lookup, progress)
            .await?;
        Ok(PullOutcome {
            image: turn.value,
            policy,
            was_present: false,
            credential: turn.candidate.as_ref().map(CredentialLabel::from),
            attempts: turn.attempts,
            failures: turn.failures,
            took: began.elapsed(),
            message,
        })
    }

    async fn look_up(&self, request: &PullRequest, names: &Names) -> Result<Lookup, PullError> {
        let found = self.engine.lookup(&names.normalised, request.credentials());
        let found = found.await.map_err(CredentialsError::from);
        found.map_err(|error| PullError::credentials(request.image(), error))
    }

    /// Whether the pod may use an image that is present. Credentials are looked up only if the
    /// records do not decide without them.
    async fn may_use(
        &self,
        request: &PullRequest,
        names: &Names,
        image: &S::Image,
        lookup: &mut Option<Lookup>,
    ) -> Result<bool, PullError> {
        let Some((records, policy)) = &self.verified else {
            return Ok(true);
        };
        let (written, image_ref) = (request.image(), image.image_ref());
        let known = match records.judge(policy, written, &image_ref) {
            Access::Granted => return Ok(true),
            Access::PullFirst => return Ok(false),
            Access::OnlyWith(known) => known,
        };
        let found = lookup.insert(self.look_up(request, names).await?);
        let pod = PodCredentials::of(&found.candidates);
        Ok(records.grant(written, &image_ref, &known, &pod))
    }

    /// Reports that the image is present; returns the event's text.
    fn present(&self, request: &PullRequest) -> String {
        let image = go_quote(request.image());
        let accessible = match self.verified {
            Some(_) => " and can be accessed by the pod",
            None => "",
        };
        let message = format!("Container image {image} already present on machine{accessible}");
        self.report(request, Normal, "Pulled", &message);
        message
    }

    /// Pulls, with the intent recorded before and the credential after it.
    async fn pull_on_record(
        &self,
        request: &PullRequest,
        names: &Names,
        lookup: Lookup,
        progress: &dyn Progress,
    ) -> Result<(Turn<S::Image>, String), PullError> {
        let written = request.image();
        let intent = match &self.verified {
            Some((records, _)) => {
                let intent = records.begin(written);
                Some(intent.map_err(|error| PullError::intent(written, &error))?)
            }
            None => None,
        };
        let pulled = self.pull_now(request, names, lookup, progress).await;
        if let Some(intent) = intent {
            let settled = match &pulled {
                Ok((turn, _)) => {
                    let credentials = credentials_of(turn.candidate.as_ref());
                    intent.pulled(&turn.value.image_ref(), &credentials)
                }
                Err(_) => intent.failed(),
            };
            if let Err(error) = settled {
                let error = report(&error);
                tracing::error!(image = written, error, "cannot record a pull");
            }
        }
        pulled
    }

    /// Pulls within back-off and limits; returns also the text of the event `Pulled`.
    async fn pull_now(
        &self,
        request: &PullRequest,
        names: &Names,
        mut lookup: Lookup,
        progress: &dyn Progress,
    ) -> Result<(Turn<S::Image>, String), PullError> {
        let (written, key) = (request.image(), request.backoff_key());
        let quoted = go_quote(written);
        if let Some(before) = self.backoff.waits(&key) {
            let message = format!("Back-off pulling image {quoted}");
            self.report(request, Normal, "BackOff", &message);
            return Err(PullError::backoff(written, format!("{message}: {before}")));
        }
        self.report(
            request,
            Normal,
            "Pulling",
            &format!("Pulling image {quoted}"),
        );
        let asked = Instant::now();
        let queued = self.gate.enter().await;
        let began = Instant::now();
        let result = match queued {
            Err(Throttled) => Err(throttled(&lookup)),
            Ok(_place) => {
                let (store, image) = (&self.store, &names.in_store);
                let pull =
                    move |logins: Logins| async move { store.pull(image, &logins, progress).await };
                let pod = request.credentials();
                self.engine.try_in_turn(pod, &mut lookup, pull).await
            }
        };
        let turn = result.map_err(|error| {
            let error = PullError::credentials(written, error);
            self.report(request, Warning, "Failed", &error.to_string());
            let (reason, message) = (error.waiting_reason(), error.waiting_message());
            self.backoff.failed(&key, format!("{reason}: {message}"));
            error
        })?;
        let (took, waited) = (shown(began.elapsed()), shown(asked.elapsed()));
        let size = turn.value.size();
        let message = format!(
            "Successfully pulled image {quoted} in {took} ({waited} including waiting). \
             Image size: {size} bytes."
        );
        self.report(request, Normal, "Pulled", &message);
        self.backoff.sweep();
        Ok((turn, message))
    }

    fn warn(&self, request: &PullRequest, reason: &'static str, error: PullError) -> PullError {
        self.report(request, Warning, reason, error.waiting_message());
        error
    }
}

/// The failure of a pull for which the runtime was not asked.
fn throttled(lookup: &Lookup) -> CredentialsError {
    let error = AttemptError {
        kind: ErrorKind::Throttled,
        curable: false,
        ..AttemptError::text("pull QPS exceeded")
    };
    let attempt = Attempt {
        credential: None,
        error,
        took: Duration::ZERO,
    };
    CredentialsError::failed(vec![attempt], lookup)
}

/// Whole milliseconds, as Go prints them.
fn shown(span: Duration) -> GoDuration {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis).into()
}

#[cfg(test)]
mod tests;
