//! The sources of a login that ask a server.

use super::{PROVIDER_ID, ROBOT};

/// Each source that asks a server, for the server at that URL: its name, its part of an entry, and the user of
/// its logins.
#[must_use]
pub fn exchanges(url: &str) -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "exchange",
            format!("exchange: {{url: '{url}/token', answer: {{username: username}}}}"),
            "sts-shop-puller",
        ),
        (
            "exchange as a client",
            format!(
                "exchange: {{url: '{url}/token', username: u, subjectTokenType: id_token, \
                 client: {{id: puller, secretFile: client-secret}}, scope: [pull, openid]}}"
            ),
            "u",
        ),
        (
            "artifactory",
            format!("artifactory: {{server: '{url}', provider: cluster}}"),
            "jfrog-shop-puller",
        ),
        (
            "artifactKeeper",
            format!("artifactKeeper: {{server: '{url}', providerId: {PROVIDER_ID}}}"),
            "ci-shop-puller",
        ),
        (
            "quay",
            format!("quay: {{server: '{url}', robot: {ROBOT}}}"),
            ROBOT,
        ),
        (
            "cloudsmith",
            format!("cloudsmith: {{server: '{url}', organization: shop, service: puller}}"),
            "token",
        ),
        (
            "chainguard",
            format!("chainguard: {{server: '{url}', identity: uidp/1}}"),
            "_token",
        ),
        (
            "json",
            format!(
                "json: {{url: '{url}/openid/shop/', username: token, body: \
                 {{oidc_token: '${{token}}', service_slug: puller}}, answer: {{token: token}}}}"
            ),
            "token",
        ),
    ]
}
