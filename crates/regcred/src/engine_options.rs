//! The engine and the pod that the credential flags describe.

use std::sync::Arc;

use regcred_core::Env;
use regcred_engine::{Engine, EngineError, Pod, TokenFile};
use regcred_registry::Hosts;
use regcred_run::ProgramError;

use crate::credential_flags::CredentialFlags;

/// An engine and a pod out of flags and variables.
///
/// # Errors
/// When a variable cannot be read, or the provider configuration cannot be used.
pub(crate) fn set_up(flags: CredentialFlags, env: &Env) -> Result<(Engine, Pod), ProgramError> {
    let flags = flags.or_env(env).map_err(ProgramError::usage)?;
    if let Some(hosts) = flags.hosts_dir.as_ref().filter(|path| !path.is_dir()) {
        return Err(ProgramError::not_configured(format!(
            "{} is not a directory: give --hosts-dir (or REGCRED_HOSTS_DIR) one that is laid out \
             like /etc/containerd/certs.d, or leave it out to ask registries directly",
            hosts.display()
        )));
    }
    let no_plugins = flags.image_credential_provider_bin_dir.is_none();
    if flags.image_credential_provider_config.is_some() && no_plugins {
        return Err(ProgramError::not_configured(NO_BIN_DIR));
    }
    let engine = engine(&flags, env).map_err(ProgramError::not_configured)?;
    Ok((engine, pod(flags)))
}

fn engine(flags: &CredentialFlags, env: &Env) -> Result<Engine, EngineError> {
    let mut builder = Engine::builder(env)
        .docker_configs(flags.docker_config.iter().cloned())
        .improvements(flags.improve.unwrap_or_default())
        .hosts(Hosts::new(flags.hosts_dir.iter().cloned()));
    if let Some(path) = &flags.image_credential_provider_config {
        builder = builder.provider_config(path);
    }
    if let Some(path) = &flags.image_credential_provider_bin_dir {
        builder = builder.bin_dir(path);
    }
    if let Some(path) = &flags.root_dir {
        builder = builder.root_dir(path);
    }
    if let Some(deadline) = flags.plugin_deadline {
        builder = builder.plugin_deadline(deadline);
    }
    builder.build()
}

fn pod(flags: CredentialFlags) -> Pod {
    let annotations = flags.annotations();
    let mut pod = Pod::new();
    for file in flags.pull_secret {
        pod = pod.pull_secret_file(file);
    }
    match flags.service_account_token {
        Some(token) => pod.service_account(Arc::new(TokenFile::new(token, annotations))),
        None => pod,
    }
}

const NO_BIN_DIR: &str = "the provider configuration names plugins: say where they are with \
                          --image-credential-provider-bin-dir (or \
                          REGCRED_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR)";
