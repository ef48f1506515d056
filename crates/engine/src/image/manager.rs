//! The kubelet's image manager (kubernetes `pkg/kubelet/images/image_manager.go`): a container's
//! wish for an image, by pull policy, records of earlier pulls, back-off, throttle and queue, with
//! the kubelet's events, reasons and messages.

mod backoff;
mod builder;
mod error;
mod event;
mod limits;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use regcred_api::GoDuration;
use regcred_core::{Credentials, ImageRef};
use regcred_go::go_quote;
use regcred_keyring::Candidate;
use tokio::time::Instant;

pub use builder::ImageManagerBuilder;
pub use error::EnsureError;
pub use event::{Event, EventKind};
pub use limits::{LimitsError, PullLimits};

use super::policy::PullPolicy;
use super::records::{
    Access, PodCredentials, PullRecords, RecordError, VerificationPolicy, credentials_of,
};
use super::store::{ImageStore, StoreError, StoredImage};
use crate::credentials::{Attempt, Login, Lookup, Pod, Refusal, Try, Turn};
use crate::engine::Engine;
use crate::plugin::PluginError;
use backoff::Backoff;
use limits::Gate;

/// Sees to it that images are there. One value for one store; callers share it.
pub struct ImageManager {
    engine: Engine,
    store: Arc<dyn ImageStore>,
    verified: Option<(PullRecords, VerificationPolicy)>,
    listener: Option<Arc<Listener>>,
    backoff: Backoff,
    gate: Gate,
}

type Listener = dyn Fn(&EnsureRequest, &Event) + Send + Sync;

/// One container's wish.
#[derive(Clone, Debug)]
pub struct EnsureRequest {
    /// The image as written in the container.
    pub image: String,
    /// Its pull policy; `None` for the one that the API server would fill in.
    pub policy: Option<PullPolicy>,
    /// The pod's UID: back-off is counted by pod and image.
    pub pod_uid: String,
    /// What the pod brings.
    pub pod: Pod,
}

/// An image that may be used now.
#[derive(Clone, Debug)]
pub struct Ensured {
    /// The store's ID of the image.
    pub image_ref: String,
    /// Whether it was pulled just now.
    pub pulled: bool,
    /// The credential that worked; `None` for an anonymous pull and for an image that was there.
    pub login: Option<Login>,
    /// The credentials that had not worked before it.
    pub attempts: Vec<Attempt>,
    /// Plugins that were asked and gave nothing.
    pub failures: Vec<PluginError>,
}

impl EnsureRequest {
    /// The wish of a pod that brings nothing.
    pub fn new(image: impl Into<String>, pod_uid: impl Into<String>) -> Self {
        Self {
            image: image.into(),
            policy: None,
            pod_uid: pod_uid.into(),
            pod: Pod::new(),
        }
    }
}

impl ImageManager {
    /// Settles what an earlier process left on record. A kubelet does so at its start; without
    /// records there is nothing to do.
    ///
    /// # Errors
    /// When the store cannot be listed. What cannot be settled by itself is logged.
    pub async fn start(&self) -> Result<(), StoreError> {
        let Some((records, _)) = &self.verified else {
            return Ok(());
        };
        for error in records.settle(&self.store.images().await?) {
            tracing::warn!(error = %regcred_core::report(&error), "a pull record stays unsettled");
        }
        Ok(())
    }

    /// Sees to it that an image is in the store and that the pod may use it.
    ///
    /// # Errors
    /// [`EnsureError`] with the kubelet's reason and message.
    pub async fn ensure(&self, request: &EnsureRequest) -> Result<Ensured, EnsureError> {
        let written = &request.image;
        let policy = request
            .policy
            .unwrap_or_else(|| PullPolicy::default_for(written));
        let image = match ImageRef::parse(written) {
            Ok(image) => image,
            Err(error) => {
                let error = EnsureError::invalid_name(written, &error);
                return Err(self.warn(request, "InspectFailed", error));
            }
        };
        let spec = match image.tag().or(image.digest()) {
            Some(_) => written.clone(),
            None => format!("{written}:latest"),
        };
        let name = image.name();
        let mut lookup = None;
        if policy != PullPolicy::Always {
            let found = self.store.image_ref(&spec).await.map_err(|error| {
                let error = EnsureError::inspect(&error);
                self.warn(request, "InspectFailed", error)
            })?;
            match found {
                None if policy == PullPolicy::Never => return Err(self.never(request)),
                None => {}
                Some(image_ref) => {
                    if self
                        .may_use(request, &name, &image_ref, &mut lookup)
                        .await?
                    {
                        return Ok(self.present(request, image_ref, lookup.as_ref()));
                    }
                    // That it is there must not be told to who may not use it.
                    if policy == PullPolicy::Never {
                        return Err(self.never(request));
                    }
                }
            }
        }
        let lookup = match lookup {
            Some(lookup) => lookup,
            None => self.look_up(&name, request).await?,
        };
        self.pull(request, &spec, &name, lookup).await
    }

    async fn look_up(&self, name: &str, request: &EnsureRequest) -> Result<Lookup, EnsureError> {
        let found = self.engine.lookup(name, &request.pod).await;
        found.map_err(|error| EnsureError::lookup(&error))
    }

    /// Whether the pod may use an image that is there. Credentials are looked up only if the records
    /// cannot tell without.
    async fn may_use(
        &self,
        request: &EnsureRequest,
        name: &str,
        image_ref: &str,
        lookup: &mut Option<Lookup>,
    ) -> Result<bool, EnsureError> {
        let Some((records, policy)) = &self.verified else {
            return Ok(true);
        };
        let known = match records.judge(policy, &request.image, image_ref) {
            Access::Granted => return Ok(true),
            Access::PullFirst => return Ok(false),
            Access::OnlyWith(known) => known,
        };
        let found = lookup.insert(self.look_up(name, request).await?);
        let pod = PodCredentials::of(&found.candidates);
        Ok(records.grant(&request.image, image_ref, &known, &pod))
    }

    fn present(
        &self,
        request: &EnsureRequest,
        image_ref: String,
        lookup: Option<&Lookup>,
    ) -> Ensured {
        let image = go_quote(&request.image);
        let accessible = match self.verified {
            Some(_) => " and can be accessed by the pod",
            None => "",
        };
        let message = format!("Container image {image} already present on machine{accessible}");
        self.tell(request, &Event::normal("Pulled", message));
        Ensured {
            image_ref,
            pulled: false,
            login: None,
            attempts: Vec::new(),
            failures: lookup.map_or_else(Vec::new, |l| l.failures().cloned().collect()),
        }
    }

    async fn pull(
        &self,
        request: &EnsureRequest,
        spec: &str,
        name: &str,
        lookup: Lookup,
    ) -> Result<Ensured, EnsureError> {
        let written = &request.image;
        let intent = match &self.verified {
            Some((records, _)) => Some(
                records
                    .begin(written)
                    .map_err(|error| EnsureError::intent(written, &error))?,
            ),
            None => None,
        };
        let settled = |done: Result<(), RecordError>| {
            if let Err(error) = done {
                let error = regcred_core::report(&error);
                tracing::error!(image = written, error, "a pull is not on record");
            }
        };
        let pulled = self.pull_now(request, spec, name, lookup).await;
        match pulled {
            Ok((ensured, candidate)) => {
                if let Some(intent) = intent {
                    let credentials = credentials_of(candidate.as_ref());
                    settled(intent.pulled(&ensured.image_ref, &credentials));
                }
                Ok(ensured)
            }
            Err(error) => {
                if let Some(intent) = intent {
                    settled(intent.failed());
                }
                Err(error)
            }
        }
    }

    async fn pull_now(
        &self,
        request: &EnsureRequest,
        spec: &str,
        name: &str,
        mut lookup: Lookup,
    ) -> Result<(Ensured, Option<Candidate>), EnsureError> {
        let written = &request.image;
        let key = format!("{}_{written}", request.pod_uid);
        let quoted = go_quote(written);
        if let Some(before) = self.backoff.waits(&key) {
            let message = format!("Back-off pulling image {quoted}");
            self.tell(request, &Event::normal("BackOff", message.clone()));
            return Err(EnsureError::backoff(format!("{message}: {before}")));
        }
        self.tell(
            request,
            &Event::normal("Pulling", format!("Pulling image {quoted}")),
        );
        let asked = Instant::now();
        let queued = self.gate.enter().await;
        let began = Instant::now();
        let turn = match queued {
            Err(limits::Throttled) => Turn::throttled(),
            Ok(_place) => {
                let trial = IntoStore {
                    store: &*self.store,
                    image: spec,
                };
                self.engine
                    .try_in_turn(name, &request.pod, &mut lookup, &trial)
                    .await
            }
        };
        let failures: Vec<_> = lookup.failures().cloned().collect();
        let Some((image, candidate)) = turn.done else {
            let error = EnsureError::pull(written, turn.attempts, failures);
            let message = format!("Failed to pull image {quoted}: {}", error.runtime_text());
            self.tell(request, &Event::warning("Failed", message));
            let status = format!("{}: {}", error.reason(), error.message());
            self.backoff.failed(&key, status);
            return Err(error);
        };
        let (took, waited) = (shown(began.elapsed()), shown(asked.elapsed()));
        let message = format!(
            "Successfully pulled image {quoted} in {took} ({waited} including waiting). \
             Image size: {} bytes.",
            image.size
        );
        self.tell(request, &Event::normal("Pulled", message));
        self.backoff.sweep();
        let ensured = Ensured {
            image_ref: image.image_ref,
            pulled: true,
            login: candidate.as_ref().map(Login::of),
            attempts: turn.attempts,
            failures,
        };
        Ok((ensured, candidate))
    }

    fn never(&self, request: &EnsureRequest) -> EnsureError {
        let error = EnsureError::never(&request.image);
        self.warn(request, "ErrImageNeverPull", error)
    }

    fn warn(
        &self,
        request: &EnsureRequest,
        reason: &'static str,
        error: EnsureError,
    ) -> EnsureError {
        self.tell(request, &Event::warning(reason, error.message().to_owned()));
        error
    }

    fn tell(&self, request: &EnsureRequest, event: &Event) {
        tracing::debug!(image = request.image, %event, "image event");
        if let Some(listener) = &self.listener {
            listener(request, event);
        }
    }
}

impl fmt::Debug for ImageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImageManager")
            .field("engine", &self.engine)
            .field("verified", &self.verified)
            .finish_non_exhaustive()
    }
}

/// A pull into the store with one credential.
struct IntoStore<'a> {
    store: &'a dyn ImageStore,
    image: &'a str,
}

impl Try for IntoStore<'_> {
    type Done = StoredImage;

    async fn with(&self, login: Option<&Credentials>) -> Result<StoredImage, Refusal> {
        let pulled = self.store.pull(self.image, login).await;
        pulled.map_err(Refusal::from)
    }
}

/// Whole milliseconds, as Go prints them.
fn shown(span: Duration) -> GoDuration {
    let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(millis).into()
}

#[cfg(test)]
mod tests;
