//! The engine and the pod that the credential options describe.

use std::sync::Arc;

use regcred_core::Env;
use regcred_engine::{Engine, Pod, TokenFile};
use regcred_registry::Hosts;
use regcred_run::ProgramError;

use crate::credential_options::{
    CredentialFlags, CredentialOptions, DOCKER_CONFIG, HOSTS_DIR, PROVIDER_BIN_DIR,
    PROVIDER_CONFIG, PULL_SECRET, ROOT_DIR, SERVICE_ACCOUNT_TOKEN,
};

/// Makes an engine and a pod.
///
/// # Errors
/// When an option has a bad value, or the provider configuration cannot be used.
pub(crate) fn set_up(flags: &CredentialFlags, env: &Env) -> Result<(Engine, Pod), ProgramError> {
    let options = CredentialOptions { flags, env };
    let pod = pod(&options).map_err(ProgramError::usage)?;
    Ok((engine(&options)?, pod))
}

fn engine(options: &CredentialOptions<'_>) -> Result<Engine, ProgramError> {
    let mut builder = Engine::builder(options.env)
        .docker_configs(options.paths(DOCKER_CONFIG))
        .improvements(options.improvements().map_err(ProgramError::usage)?);
    if let Some(deadline) = options.plugin_deadline().map_err(ProgramError::usage)? {
        builder = builder.plugin_deadline(deadline);
    }
    let hosts = options.path(HOSTS_DIR);
    if let Some(hosts) = hosts.as_ref().filter(|path| !path.is_dir()) {
        return Err(ProgramError::not_configured(format!(
            "{} is not a directory: set --hosts-dir (or REGCRED_HOSTS_DIR) to one that is laid out \
             like /etc/containerd/certs.d, or omit it to ask registries directly",
            hosts.display()
        )));
    }
    builder = builder.hosts(Hosts::new(hosts));
    let (config, bin_dir) = (
        options.path(PROVIDER_CONFIG),
        options.path(PROVIDER_BIN_DIR),
    );
    if config.is_some() && bin_dir.is_none() {
        return Err(ProgramError::not_configured(NO_BIN_DIR));
    }
    if let Some(path) = config {
        builder = builder.provider_config(path);
    }
    if let Some(path) = bin_dir {
        builder = builder.bin_dir(path);
    }
    if let Some(path) = options.path(ROOT_DIR) {
        builder = builder.root_dir(path);
    }
    builder.build().map_err(ProgramError::not_configured)
}

fn pod(options: &CredentialOptions<'_>) -> Result<Pod, String> {
    let annotations = options.annotations()?;
    let files = options.paths(PULL_SECRET);
    let pod = files.fold(Pod::new(), |pod, file| pod.pull_secret_file(file));
    Ok(match options.path(SERVICE_ACCOUNT_TOKEN) {
        Some(token) => pod.service_account(Arc::new(TokenFile::new(token, annotations))),
        None => pod,
    })
}

const NO_BIN_DIR: &str = "the provider configuration names plugins: set their directory with \
                          --image-credential-provider-bin-dir (or \
                          REGCRED_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR)";
