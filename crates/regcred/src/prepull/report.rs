//! The result for one image, as text and as JSON.

use regcred_core::ImageRef;
use regcred_cri::Image;
use regcred_engine::{CredentialLabel, PullError, PullOutcome, PullPolicy};
use regcred_run::{ProgramError, output};
use serde::Serialize;

use super::arguments::PrepullArgs;
use super::list::Listed;
use super::runtime_store::RuntimeImage;
use crate::pull::report;

/// The JSON line of an image that is in the runtime. Fields are added, never changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InRuntime<'a> {
    /// `pulled` or `present`.
    event: &'static str,
    /// As written.
    image: &'a str,
    /// A name of exactly this content, by digest; the runtime's ID if it has none.
    reference: String,
    digest: Option<String>,
    /// The runtime's ID of the image.
    id: &'a str,
    bytes: u64,
    /// Whether the kubelet never removes it.
    pinned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PullPolicy>,
    was_present: bool,
    /// The login that worked; null for an anonymous pull and for an image that was present.
    credential: Option<&'a CredentialLabel>,
    /// Failed attempts before it, a line each.
    refused_before: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ms: Option<u64>,
    verdict: String,
}

#[derive(Serialize)]
struct Missing<'a> {
    event: &'static str,
    image: &'a str,
    verdict: &'static str,
}

/// Reports how a pull ended: a reference by digest on standard output, the rest on standard error.
///
/// # Errors
/// When standard output is closed.
pub(super) fn ended(
    args: &PrepullArgs,
    image: &Listed,
    result: &Result<PullOutcome<RuntimeImage>, PullError>,
) -> Result<(), ProgramError> {
    let outcome = match result {
        Ok(outcome) => outcome,
        Err(error) => {
            output::note(&report::failure_line(error));
            return if args.json {
                report::failed(error)
            } else {
                Ok(())
            };
        }
    };
    let found = &outcome.image.0;
    let verdict = verdict(outcome);
    if args.json {
        let attempts = outcome.attempts.iter();
        return output::json_line(&InRuntime {
            event: if outcome.was_present {
                "present"
            } else {
                "pulled"
            },
            policy: Some(outcome.policy),
            was_present: outcome.was_present,
            credential: outcome.credential.as_ref(),
            refused_before: attempts.map(ToString::to_string).collect(),
            elapsed_ms: Some(u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX)),
            ..in_runtime(image, found, verdict)
        });
    }
    if !args.quiet {
        output::note(&outcome.message);
        for attempt in &outcome.attempts {
            output::note(&format!("{}: refused before: {attempt}", image.written));
        }
        for failure in &outcome.failures {
            output::note(&format!("{}: {}", image.written, failure.line()));
        }
        if !outcome.was_present {
            output::note(&format!("{}: {verdict}", image.written));
        }
    }
    output::line(&reference(&image.parsed, found))
}

/// Reports whether an image is present.
///
/// # Errors
/// When standard output is closed.
pub(super) fn checked(
    args: &PrepullArgs,
    image: &Listed,
    found: Option<&Image>,
) -> Result<(), ProgramError> {
    match found {
        Some(found) if args.json => {
            let mut line = in_runtime(image, found, PRESENT.to_owned());
            line.was_present = true;
            output::json_line(&line)
        }
        Some(found) => output::line(&reference(&image.parsed, found)),
        None if args.json => output::json_line(&Missing {
            event: "missing",
            image: &image.written,
            verdict: MISSING,
        }),
        None => {
            output::note(&format!("{}: {MISSING}", image.written));
            Ok(())
        }
    }
}

fn in_runtime<'a>(image: &'a Listed, found: &'a Image, verdict: String) -> InRuntime<'a> {
    InRuntime {
        event: "present",
        image: &image.written,
        reference: reference(&image.parsed, found),
        digest: digest(&image.parsed, found).map(str::to_owned),
        id: &found.id,
        bytes: found.size,
        pinned: found.pinned,
        policy: None,
        was_present: false,
        credential: None,
        refused_before: Vec::new(),
        elapsed_ms: None,
        verdict,
    }
}

fn verdict(outcome: &PullOutcome<RuntimeImage>) -> String {
    match &outcome.credential {
        _ if outcome.was_present => PRESENT.to_owned(),
        Some(credential) => format!("works with {credential}"),
        None => "works without a credential".to_owned(),
    }
}

/// The image's name with its digest; the runtime's ID where it does not know a digest under that name,
/// as of an image that was imported.
fn reference(image: &ImageRef, found: &Image) -> String {
    match digest(image, found) {
        Some(digest) => format!("{}@{digest}", image.name()),
        None => format!("{} {}", image.name(), found.id),
    }
}

/// The digest under the image's own name. A runtime lists the names of one configuration together, whose
/// manifests may differ.
fn digest<'a>(image: &ImageRef, found: &'a Image) -> Option<&'a str> {
    let mut pairs = found.digests.iter().filter_map(|name| name.split_once('@'));
    let own = pairs.find(|(name, _)| *name == image.name());
    own.map(|(_, digest)| digest)
}

const PRESENT: &str = "present in the runtime";
const MISSING: &str = "missing in the runtime";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_images_own_name() {
        let found = |digests: &[&str]| Image {
            id: "sha256:id".to_owned(),
            tags: Vec::new(),
            digests: digests.iter().map(|one| (*one).to_owned()).collect(),
            size: 1,
            pinned: false,
        };
        let image = ImageRef::parse("nginx:1").expect("a name");
        let shown = |digests| reference(&image, &found(digests));
        assert_eq!(
            shown(&["h.io/copy@sha256:a", "docker.io/library/nginx@sha256:b"]),
            "docker.io/library/nginx@sha256:b"
        );
        assert_eq!(
            shown(&["h.io/copy@sha256:a"]),
            "docker.io/library/nginx sha256:id",
            "another repository's digest may be another manifest's"
        );
        assert_eq!(shown(&[]), "docker.io/library/nginx sha256:id");
    }
}
