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
use regcred_tests::generic::ConfigDir;

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

fn entry(source: &str) -> String {
    format!("- matchImages: [{AUDIENCE}]\n  audience: {AUDIENCE}\n  {source}\n")
}

/// A shell script as a program next to a configuration file.
fn script(directory: &ConfigDir, name: &str, body: &str) -> PathBuf {
    let path = directory.write(name, &format!("#!/bin/sh\n{body}\n"));
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a mode");
    path
}
