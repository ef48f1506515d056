//! The result of a pull, as text and as JSON.

use std::path::Path;

use regcred_engine::{Conclusion, CredentialLabel, PullError, PullOutcome, PullPolicy};
use regcred_registry::Layout;
use regcred_run::{ProgramError, output};
use serde::Serialize;

use crate::progress::View;

/// The last line of an image's JSON lines. Fields are added, never changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pulled<'a> {
    event: &'static str,
    image: String,
    /// A name of exactly this content, by digest.
    reference: String,
    digest: &'a str,
    /// The manifest for the platform; the index when all were pulled.
    manifest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a str>,
    /// The name that skopeo and podman use.
    location: String,
    policy: PullPolicy,
    was_present: bool,
    blobs: usize,
    bytes: u64,
    fetched_blobs: usize,
    fetched_bytes: u64,
    /// The login that worked; null for an anonymous pull and for an image that was present.
    credential: Option<&'a CredentialLabel>,
    /// Whether it was sent; null without a credential.
    login_sent: Option<bool>,
    /// Logins of servers' own that were sent, each with its server.
    host_logins: &'a [String],
    elapsed_ms: u64,
    verdict: Conclusion,
}

/// The last JSON line of an image that was not pulled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed<'a> {
    event: &'static str,
    image: &'a str,
    /// The kubelet's reason: `ErrImagePull`.
    reason: &'static str,
    error: String,
    verdict: Conclusion,
    attempts: Vec<Attempt<'a>>,
    /// Plugins that failed, each with its error.
    plugins: Vec<Plugin<'a>>,
    /// What a kubelet passes over without an error, such as a file that does not parse.
    passed_over: &'a [String],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Attempt<'a> {
    /// Null for the anonymous attempt.
    credential: Option<&'a CredentialLabel>,
    /// Whether it was sent; null without a credential.
    login_sent: Option<bool>,
    /// Logins of servers' own that were sent, each with its server.
    host_logins: &'a [String],
    error: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Plugin<'a> {
    name: &'a str,
    error: String,
}

impl<'a> Pulled<'a> {
    pub(super) fn of(outcome: &'a PullOutcome, root: &Path) -> Self {
        let image = &outcome.image;
        Self {
            event: "pulled",
            image: image.image.to_string(),
            reference: image.pinned().to_string(),
            digest: image.digest.as_str(),
            manifest: image.manifest.digest.as_str(),
            config: image.config.as_ref().map(|config| config.as_str()),
            location: location(root, outcome),
            policy: outcome.policy,
            was_present: outcome.was_present,
            blobs: image.blobs,
            bytes: image.size,
            fetched_blobs: image.fetched_blobs,
            fetched_bytes: image.fetched_bytes,
            credential: outcome.credential.as_ref(),
            login_sent: image.login_sent,
            host_logins: &image.host_logins,
            elapsed_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            verdict: verdict(outcome),
        }
    }
}

fn verdict(outcome: &PullOutcome) -> Conclusion {
    let image = &outcome.image;
    let sent = image.login_sent == Some(true);
    if outcome.was_present {
        return Conclusion::Present;
    }
    match &outcome.credential {
        _ if !sent && !image.host_logins.is_empty() => Conclusion::WorksWithHostLogins {
            logins: image.host_logins.clone(),
        },
        Some(credential) => Conclusion::Works {
            credential: credential.clone(),
            sent,
        },
        None => Conclusion::WorksAnonymously,
    }
}

/// Reports a pulled image: the reference on standard output, the rest on standard error.
pub(super) fn pulled(
    view: View,
    outcome: &PullOutcome,
    layout: &Layout,
) -> Result<(), ProgramError> {
    let image = &outcome.image;
    if view == View::Json {
        return output::json_line(&Pulled::of(outcome, layout.root()));
    }
    if view != View::Quiet {
        for line in notes(layout.root(), outcome) {
            output::note(&line);
        }
    }
    output::line(&image.pinned().to_string())
}

/// Reports a failure as JSON.
pub(crate) fn failed(error: &PullError) -> Result<(), ProgramError> {
    output::json_line(&Failed {
        event: "failed",
        image: error.image(),
        reason: error.reason().as_str(),
        error: error.to_string(),
        verdict: error.verdict(),
        attempts: error
            .attempts()
            .iter()
            .map(|attempt| Attempt {
                credential: attempt.credential.as_ref(),
                login_sent: attempt.error.login_sent,
                host_logins: &attempt.error.host_logins,
                error: &attempt.error.message,
            })
            .collect(),
        plugins: error
            .failures()
            .iter()
            .map(|failure| Plugin {
                name: failure.plugin(),
                error: failure.to_string(),
            })
            .collect(),
        passed_over: error.passed_over(),
    })
}

/// The verdict on one line: the credentials, what the servers answered, what to do next.
pub(crate) fn failure_line(error: &PullError) -> String {
    format!("{}: {}", error.image(), error.verdict())
}

pub(super) fn notes(root: &Path, outcome: &PullOutcome) -> Vec<String> {
    let mut notes = vec![outcome.message.clone()];
    for attempt in &outcome.attempts {
        notes.push(format!("refused before: {attempt}"));
    }
    for failure in &outcome.failures {
        notes.push(failure.line());
    }
    let host_logins = &outcome.image.host_logins;
    if let Some(credential) = &outcome.credential {
        let unsent = match outcome.image.login_sent {
            Some(false) if host_logins.is_empty() => {
                ", not sent: the registry returned the image without it"
            }
            Some(false) => ", not sent",
            _ => "",
        };
        notes.push(format!("credential: {credential}{unsent}"));
    }
    notes.extend(
        host_logins
            .iter()
            .map(|login| format!("credential: {login}")),
    );
    notes.push(format!("stored as {}", location(root, outcome)));
    notes
}

/// The image as skopeo and podman name it.
fn location(root: &Path, outcome: &PullOutcome) -> String {
    format!("oci:{}:{}", root.display(), outcome.image.image)
}
