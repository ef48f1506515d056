//! The answers of plugins for the images that are named.

use regcred_core::{ImageRef, report};
use regcred_engine::{Engine, Pod, Provision};

use super::finding::{Finding, Place};

/// Runs the plugins that match each image, as a kubelet does for a pod.
pub(super) async fn findings(engine: &Engine, pod: &Pod, images: &[ImageRef]) -> Vec<Finding> {
    let mut found = Vec::new();
    for image in images {
        let name = image.name();
        // An unusable pull secret is a finding without any image.
        let Ok(lookup) = engine.lookup(&name, pod).await else {
            continue;
        };
        let mut is_matched = false;
        for (plugin, provision) in &lookup.provisions {
            let place = Place {
                provider: Some(plugin.name().to_owned()),
                ..Place::file(plugin.program())
            };
            is_matched |= !matches!(provision, Provision::NotMatched);
            match provision {
                Provision::Failed { error, .. } => {
                    let why = report(error);
                    let fix = fix(&why);
                    found.push(Finding::error(place, format!("{name}: {why}"), fix));
                }
                Provision::Skipped { reason } => {
                    let what = format!("{name}: the plugin is not run: {reason}");
                    let fix =
                        "name the pod's token with --service-account-token, and its annotations";
                    found.push(Finding::warning(place, what, fix));
                }
                _ => {}
            }
        }
        if !is_matched && lookup.candidates.is_empty() {
            let what = format!("{name}: no pattern matches, so no plugin runs");
            let fix = "add the image's host to matchImages of a provider";
            found.push(Finding::warning(Place::default(), what, fix));
        }
    }
    found
}

/// What to do about an answer that a kubelet discards.
fn fix(why: &str) -> &'static str {
    if why.contains("cacheKeyType") {
        "let the plugin return cacheKeyType Image, Registry or Global; ServiceAccount is a cacheType \
         of the configuration"
    } else if why.contains("apiVersion from credential plugin response") {
        "let the plugin return the entry's apiVersion, or set the entry's to the plugin's"
    } else if why.contains("service account token as the password") {
        "set cacheType: Token in the entry's tokenAttributes"
    } else {
        "correct what the plugin reports; `regcred explain --try` shows every source"
    }
}
