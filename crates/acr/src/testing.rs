//! What the tests of this crate share: a provider's reach, and requests.

use regcred_core::{Clock, CredentialRequest, Env};

use crate::reach::Reach;
use crate::settings::Settings;

/// A reach with these variables.
pub(crate) fn reach(vars: &[(&str, &str)]) -> Reach {
    let env = Env::map(vars.iter().copied());
    let settings = Settings::read(&env).expect("sound settings");
    Reach::new(&env, &Clock::system(), settings)
}

/// The same on a machine that is nothing special, changed by `change`.
pub(crate) fn reach_with(vars: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Reach {
    let env = Env::map(vars.iter().copied());
    let mut settings = Settings::read(&env).expect("sound settings");
    settings.machine.asset_tag = "/nonexistent".into();
    settings.machine.arc_agent = "/nonexistent".into();
    change(&mut settings);
    Reach::new(&env, &Clock::system(), settings)
}

/// A request for an image.
pub(crate) fn request(image: &str) -> CredentialRequest {
    CredentialRequest::new(image).expect("a request")
}

/// The same of a pod with these annotations.
pub(crate) fn of_pod(image: &str, annotations: &[(&str, &str)]) -> CredentialRequest {
    let mut request = request(image);
    request.service_account_token = Some("header.claims.signature".into());
    request.service_account_annotations = annotations
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    request
}
