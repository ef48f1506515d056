//! The engine and the pod that the credential options describe.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcred_core::Env;
use regcred_engine::{Engine, Improvements, Pod, TokenFile};
use regcred_registry::Hosts;
use regcred_run::ProgramError;

use crate::credential_options::{
    CredentialFlags, CredentialOptions, DOCKER_CONFIG, HOSTS_DIR, PROVIDER_BIN_DIR,
    PROVIDER_CONFIG, PULL_SECRET, ROOT_DIR, SERVICE_ACCOUNT_TOKEN,
};

/// Makes an engine and a pod. The pod's pull secrets have not been read:
/// [`check_pull_secrets`] does.
///
/// # Errors
/// When an option has a bad value, or a file or directory that it names cannot be used.
pub(crate) fn set_up(flags: &CredentialFlags, env: &Env) -> Result<(Engine, Pod), ProgramError> {
    let options = CredentialOptions { flags, env };
    let pod = pod(&options)?;
    Ok((engine(&options)?, pod))
}

/// Checks the pull secrets, which were named on the command line or in a variable.
///
/// # Errors
/// When a file cannot be used as a pull secret.
pub(crate) fn check_pull_secrets(engine: &Engine, pod: &Pod) -> Result<(), ProgramError> {
    let checked = pod.check_pull_secrets(engine.improvements().keyring);
    checked.map_err(ProgramError::not_configured)
}

fn engine(options: &CredentialOptions<'_>) -> Result<Engine, ProgramError> {
    let improvements = options.improvements().map_err(ProgramError::usage)?;
    for path in options.paths(DOCKER_CONFIG) {
        check_docker_config(path, improvements)?;
    }
    let mut builder = Engine::builder(options.env)
        .docker_configs(options.paths(DOCKER_CONFIG))
        .improvements(improvements);
    if let Some(deadline) = options.plugin_deadline().map_err(ProgramError::usage)? {
        builder = builder.plugin_deadline(deadline);
    }
    if let Some(list) = options.path(HOSTS_DIR) {
        builder = builder.hosts(hosts(&list)?);
    }
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
        if !path.is_dir() {
            return Err(ProgramError::not_configured(format!(
                "{} is not a directory: set --root-dir (or REGCRED_ROOT_DIR) to the kubelet's root \
                 directory, or omit it for /var/lib/kubelet",
                path.display()
            )));
        }
        builder = builder.root_dir(path);
    }
    builder.build().map_err(ProgramError::not_configured)
}

/// The directories of containerd's `config_path`, of which one must exist: containerd's own value
/// also names one that few nodes have.
fn hosts(list: &Path) -> Result<Hosts, ProgramError> {
    let directories = env::split_paths(list).filter(|path| !path.as_os_str().is_empty());
    let directories: Vec<_> = directories.collect();
    if directories.iter().any(|path| path.is_dir()) {
        return Ok(Hosts::new(directories));
    }
    Err(ProgramError::not_configured(format!(
        "{} is not a directory: set --hosts-dir (or REGCRED_HOSTS_DIR) to one that is laid out \
         like /etc/containerd/certs.d, or omit it to ask registries directly",
        list.display()
    )))
}

/// A kubelet passes over a file that it cannot use; a file that a person named must be usable.
fn check_docker_config(path: PathBuf, improvements: Improvements) -> Result<(), ProgramError> {
    let builder = Engine::builder(&Env::default()).improvements(improvements);
    let found = builder.docker_configs([path]).inspect().docker;
    match found.files.first() {
        Some(file) if found.used().is_none() => Err(ProgramError::not_configured(format!(
            "cannot use the docker configuration {}: {}",
            file.path.display(),
            file.outcome
        ))),
        _ => Ok(()),
    }
}

fn pod(options: &CredentialOptions<'_>) -> Result<Pod, ProgramError> {
    let annotations = options.annotations().map_err(ProgramError::usage)?;
    let files = options.paths(PULL_SECRET);
    let pod = files.fold(Pod::new(), |pod, file| pod.pull_secret_file(file));
    let Some(token) = options.path(SERVICE_ACCOUNT_TOKEN) else {
        return Ok(pod);
    };
    let token = TokenFile::new(token, annotations);
    token.check().map_err(ProgramError::not_configured)?;
    Ok(pod.service_account(Arc::new(token)))
}

const NO_BIN_DIR: &str = "the provider configuration names plugins: set their directory with \
                          --image-credential-provider-bin-dir (or \
                          REGCRED_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR)";
