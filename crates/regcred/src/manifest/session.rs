//! Requests to registries with the credentials of a pull, one after another.

use std::sync::{Mutex, PoisonError};

use regcred_core::{Env, ImageRef, report};
use regcred_engine::{Conclusion, CredentialsError, Engine, Pod};
use regcred_registry::{ImageSource, RawManifest, RegistryError, Repository};
use regcred_run::{ProgramError, exit_code, output};

use super::arguments::Access;
use crate::credential_options::DOCKER_CONFIG;
use crate::engine_options::{self, SetUp};

/// The engine that finds credentials, and the pod with those of the command line.
pub(super) struct Session {
    engine: Engine,
    pod: Pod,
}

impl Session {
    /// As for a pull. docker's own configuration file is read where `DOCKER_CONFIG` names its directory
    /// and no other is named.
    pub(super) fn new(access: &Access, env: &Env) -> Result<Self, ProgramError> {
        let file = env.path("DOCKER_CONFIG").map(|dir| dir.join("config.json"));
        let file = file.filter(|file| file.exists() && env.get(DOCKER_CONFIG).is_none());
        let file = file.map(|file| (DOCKER_CONFIG, file.display().to_string()));
        let env = env.with(file);
        let SetUp {
            engine,
            pod,
            pull_secrets,
        } = engine_options::set_up(&access.credentials, &env, access.insecure, false)?;
        pull_secrets?;
        Ok(Self { engine, pod })
    }

    /// Runs a request for an image's repository with each of its credentials in turn.
    pub(super) async fn ask<T, F>(
        &self,
        image: &ImageRef,
        request: impl Fn(Repository) -> F + Send + Sync,
    ) -> Result<T, RequestFailure>
    where
        F: Future<Output = Result<T, RegistryError>> + Send,
        T: Send,
    {
        let status = Mutex::new(None);
        let (registry, last) = (self.engine.registry(), &status);
        let turn = self.engine.with_credentials(image, &self.pod, |logins| {
            let response = request(registry.repository(image, logins));
            async move {
                response.await.inspect_err(|error| {
                    *last.lock().unwrap_or_else(PoisonError::into_inner) = error.status();
                })
            }
        });
        let turn = turn.await;
        let status = status.into_inner().unwrap_or_else(PoisonError::into_inner);
        turn.map(|turn| turn.value).map_err(|error| RequestFailure {
            error,
            is_missing: status.is_some_and(|status| status.as_u16() == 404),
        })
    }

    /// The manifest of an image's name, and its repository with the credential that reads it.
    pub(super) async fn open(
        &self,
        image: &ImageRef,
    ) -> Result<(ImageSource, RawManifest), ProgramError> {
        let request = |repository: Repository| async move {
            let source = ImageSource::repository(image, &repository);
            let manifest = source.manifest().await?;
            Ok((source, manifest))
        };
        let opened = self.ask(image, request).await;
        opened.map_err(|failure| failure.of_reading(image))
    }
}

/// A request that no credential could make.
pub(super) struct RequestFailure {
    error: CredentialsError,
    /// Whether the last answer was 404.
    pub(super) is_missing: bool,
}

impl RequestFailure {
    /// Reports a failed read, in docker's words where the registry does not have the image.
    fn of_reading(&self, image: &ImageRef) -> ProgramError {
        if self.is_missing {
            output::note(&format!("no such manifest: {image}"));
        }
        self.reported(&format!("{image}: {}", self.error.verdict()))
    }

    /// Reports a failed push. A login that may only pull is the usual reason for a refusal.
    pub(super) fn of_push(&self, image: &ImageRef) -> ProgramError {
        let mut verdict = self.error.verdict();
        let attempts = self.error.attempts();
        if attempts.iter().any(|attempt| attempt.error.refused)
            && let Conclusion::Fails(failed)
            | Conclusion::Incurable(failed)
            | Conclusion::Refused(failed) = &mut verdict
        {
            failed.next_step = Some(PUSH_RIGHTS.to_owned());
        }
        self.reported(&format!("{image}: {verdict}"))
    }

    fn reported(&self, line: &str) -> ProgramError {
        output::note(line);
        let kind = self.error.kind();
        ProgramError::reported(kind.map_or(exit_code::NOT_CONFIGURED, exit_code::of))
    }
}

/// Reports a request that failed after its credential had been found.
pub(super) fn registry_failure(error: &RegistryError) -> ProgramError {
    output::note(&report(error));
    ProgramError::reported(exit_code::of(error.kind()))
}

const PUSH_RIGHTS: &str = "name a docker configuration or pull secret that has the right to push with \
     --docker-config or --pull-secret";
