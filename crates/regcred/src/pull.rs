//! `regcred pull`: the engine's pull into an OCI layout, one image after the other.

pub(crate) mod report;

use regcred_core::{Env, ImageRef};
use regcred_engine::{Engine, LayoutStore, Pod, PullError, PullReason, PullRequest};
use regcred_registry::PullOptions;
use regcred_run::{ProgramError, block_on_until_signal, exit_code, output};

use crate::cli::PullArgs;
use crate::engine_options::{self, SetUp};
use crate::progress::View;
use crate::store;

pub(crate) fn run(args: PullArgs, env: &Env) -> Result<(), ProgramError> {
    // A mistyped name is found before any file is created or any request is sent.
    let images = args
        .images
        .iter()
        .map(|image| ImageRef::parse(image).map(|parsed| (image.clone(), parsed)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(ProgramError::usage)?;
    let SetUp {
        engine,
        pod,
        pull_secrets,
    } = engine_options::set_up(&args.credentials, env, false, args.quiet)?;
    pull_secrets?;
    let path = store::path(args.store.as_ref(), env)?;
    let layout = store::open_or_create(&path)?.durable(!args.no_sync);
    let view = View::choose(args.json, args.quiet, output::stderr_is_terminal(), env);
    let mut options = PullOptions::default();
    if let Some(platforms) = &args.platform {
        options.platforms = platforms.clone();
    }
    let pull = Pull {
        store: LayoutStore::new(&engine, layout, options),
        engine,
        pod,
        view,
        args,
    };
    block_on_until_signal(pull.all(&images))
}

/// A run of the subcommand.
struct Pull {
    engine: Engine,
    pod: Pod,
    store: LayoutStore,
    view: View,
    args: PullArgs,
}

impl Pull {
    /// Pulls every image, even after one fails; the exit code is that of the first failure.
    async fn all(&self, images: &[(String, ImageRef)]) -> Result<(), ProgramError> {
        let mut failed = None;
        for (written, image) in images {
            let code = self.one(written, image).await?;
            failed = failed.or(code);
        }
        failed.map_or(Ok(()), |code| Err(ProgramError::reported(code)))
    }

    /// Pulls one image and reports the result; returns the exit code if it failed.
    async fn one(&self, written: &str, image: &ImageRef) -> Result<Option<u8>, ProgramError> {
        let listener = self.view.listener(&image.clone().with_default_tag());
        let request = self.request(written);
        let result = self
            .engine
            .pull(&request, &self.store, listener.as_ref())
            .await;
        drop(listener); // Clears the bars before the result is written.
        match result {
            Ok(outcome) => report::pulled(self.view, &outcome, self.store.layout()).map(|()| None),
            Err(error) => {
                output::note(&report::failure_line(&error));
                if self.view == View::Json {
                    report::failed(&error)?;
                }
                Ok(Some(code_of(&error)))
            }
        }
    }

    fn request(&self, written: &str) -> PullRequest {
        let request = PullRequest::new(written).pod(self.pod.clone());
        match self.args.policy {
            Some(policy) => request.policy(policy),
            None => request,
        }
    }
}

/// The exit code of a failed pull.
pub(crate) fn code_of(error: &PullError) -> u8 {
    match (error.reason(), error.kind()) {
        (PullReason::InvalidImageName, _) => exit_code::USAGE,
        (PullReason::ErrImagePull, Some(kind)) => exit_code::of(kind),
        // An unreadable store or pull secret; an image that policy Never requires to be present.
        _ => exit_code::NOT_CONFIGURED,
    }
}

#[cfg(test)]
mod tests;
