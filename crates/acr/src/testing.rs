//! What the tests of this crate share: settings with their clients, requests, replies.

use regcred_core::{Clock, CredentialRequest, Env};
use regcred_http_testing::{Fake, Reply, Seen};

use crate::ERRORS;
use crate::settings::{Cloud, Settings};

/// The cloud with these variables, on a machine that is neither Azure's nor known to Azure Arc.
pub(crate) fn cloud(vars: &[(&str, &str)]) -> Cloud {
    cloud_with(vars, |_| ())
}

/// The same with other settings.
pub(crate) fn cloud_with(vars: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Cloud {
    let env = Env::map(vars.iter().copied());
    let mut settings = Settings::read(&env).expect("sound settings");
    settings.machine.asset_tag = "/nonexistent".into();
    settings.machine.arc_agent = "/nonexistent".into();
    change(&mut settings);
    Cloud::new(ERRORS, &env, &Clock::system(), settings)
}

/// A server that always sends this reply.
pub(crate) async fn fake(reply: Reply) -> Fake {
    Fake::answering(vec![reply]).await
}

/// The one request that the server received: a GET of the path, with these parameters.
#[track_caller]
pub(crate) fn only_get(server: &Fake, path: &str, params: &[(&str, &str)]) -> Seen {
    let [seen] = <[Seen; 1]>::try_from(server.seen()).expect("one request");
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", path));
    for (name, expected) in params {
        assert_eq!(seen.params(name), [*expected]);
    }
    seen
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
