//! Every source, from the configuration file to the registry login, against strict fakes.

mod configuration;
mod exchanges;
mod stored;
mod tenants;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Issued, Provider as _, ProviderError, report,
};
use regcred_generic::Generic;
use regcred_tests::generic::{ConfigDir, PROVIDER_ID, ROBOT};

const AUDIENCE: &str = "registry.corp.test";

fn request(image: &str, token: Option<&str>) -> CredentialRequest {
    let mut request = CredentialRequest::new(image).expect("request");
    request.service_account_token = token.map(Into::into);
    request
}

fn provider(config: &ConfigDir) -> Result<Generic, ProviderError> {
    Generic::new(&Env::map(config.env()), &Clock::system())
}

async fn ask(
    config: &ConfigDir,
    image: &str,
    token: Option<&str>,
) -> Result<Issued, ProviderError> {
    provider(config)?.credentials(&request(image, token)).await
}

async fn refused(config: &ConfigDir, image: &str, token: Option<&str>) -> (ErrorKind, String) {
    let error = ask(config, image, token).await.expect_err(image);
    (error.kind(), report(&error))
}

/// Each source that asks a server, for the server at that URL.
fn exchanges(url: &str) -> Vec<(&'static str, String, &'static str)> {
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

fn entry(source: &str) -> String {
    format!("- matchImages: [{AUDIENCE}]\n  audience: {AUDIENCE}\n  {source}\n")
}

/// A shell script as a program next to a configuration file.
fn script(directory: &ConfigDir, name: &str, body: &str) -> PathBuf {
    let path = directory.write(name, &format!("#!/bin/sh\n{body}\n"));
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a mode");
    path
}
