//! The engine and the pod that the credential options describe.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use regcred_core::Env;
use regcred_engine::{Engine, EngineBuilder, Pod, ProcessEnvironment, TokenFile};
use regcred_registry::Hosts;
use regcred_run::{ProgramError, output};
use secrecy::SecretSlice;

use crate::credential_options::{
    CredentialFlags, CredentialOptions, DOCKER_CONFIG, ENVIRONMENT_OF, HOSTS_DIR, PROVIDER_BIN_DIR,
    PROVIDER_CONFIG, PULL_SECRET, ROOT_DIR, SERVICE_ACCOUNT_TOKEN,
};
use crate::named_file::{NamedFile, in_time, read_stdin};

/// What the options describe.
#[derive(Debug)]
pub(crate) struct SetUp {
    pub(crate) engine: Engine,
    pub(crate) pod: Pod,
    /// Whether every pull secret can be used. An explanation shows also why one cannot.
    pub(crate) pull_secrets: Result<(), ProgramError>,
}

/// Makes an engine and a pod. Every file that an option names is read, once. `insecure` is
/// [`Hosts::insecure`]; with `quiet` the plugin that is waited for is not named.
///
/// # Errors
/// When an option has a bad value, or a file or directory that it names cannot be used.
pub(crate) fn set_up(
    flags: &CredentialFlags,
    env: &Env,
    insecure: bool,
    quiet: bool,
) -> Result<SetUp, ProgramError> {
    described(flags, env, insecure, move |builder, pod, options| {
        built(builder, pod, options, quiet)
    })
}

/// Makes the engine of a builder that the options describe.
pub(crate) fn built(
    mut builder: EngineBuilder,
    pod: Pod,
    options: &CredentialOptions<'_>,
    quiet: bool,
) -> Result<SetUp, ProgramError> {
    if options.path(PROVIDER_CONFIG).is_some() && options.path(PROVIDER_BIN_DIR).is_none() {
        return Err(ProgramError::not_configured(NO_BIN_DIR));
    }
    if !quiet {
        builder =
            builder.on_waiting(|plugin| output::note(&format!("waiting for plugin {plugin} ...")));
    }
    let engine = builder.build().map_err(ProgramError::not_configured)?;
    let checked = pod.check_pull_secrets(engine.improvements().keyring);
    let origin = options.origin(PULL_SECRET);
    Ok(SetUp {
        engine,
        pod,
        pull_secrets: checked.map_err(|error| {
            let error = ProgramError::not_configured(error);
            error.reworded(|why| format!("{origin}: {why}"))
        }),
    })
}

/// Hands what the options describe to `finish`, which may read files too.
///
/// # Errors
/// As [`set_up`], and those of `finish`.
pub(crate) fn described<T: Send + 'static>(
    flags: &CredentialFlags,
    env: &Env,
    insecure: bool,
    finish: impl FnOnce(EngineBuilder, Pod, &CredentialOptions<'_>) -> Result<T, ProgramError>
    + Send
    + 'static,
) -> Result<T, ProgramError> {
    let (flags, env) = (flags.clone(), env.clone());
    let options = CredentialOptions {
        flags: &flags,
        env: &env,
    };
    let named = [DOCKER_CONFIG, PULL_SECRET, SERVICE_ACCOUNT_TOKEN];
    let named: Vec<_> = named
        .iter()
        .flat_map(|name| files(&options, name))
        .collect();
    let stdin = read_stdin(&named)?;
    in_time(move || {
        let options = CredentialOptions {
            flags: &flags,
            env: &env,
        };
        let pod = pod(&options, stdin.as_ref())?;
        finish(builder(&options, stdin.as_ref(), insecure)?, pod, &options)
    })
}

fn files(options: &CredentialOptions<'_>, variable: &str) -> Vec<NamedFile> {
    let origin = options.origin(variable);
    let file = |path| NamedFile {
        origin: origin.clone(),
        path,
    };
    options.paths(variable).map(file).collect()
}

fn builder(
    options: &CredentialOptions<'_>,
    stdin: Option<&SecretSlice<u8>>,
    insecure: bool,
) -> Result<EngineBuilder, ProgramError> {
    let improvements = options.improvements().map_err(ProgramError::usage)?;
    let mut builder = Engine::builder(options.env).improvements(improvements);
    for file in files(options, DOCKER_CONFIG) {
        builder = builder.docker_config(file.label(), file.read(stdin)?);
        check_docker_config(&builder, &file)?;
    }
    if let Some(process) = options.text(ENVIRONMENT_OF) {
        let environment = ProcessEnvironment::of(process).map_err(|why| {
            let origin = options.origin(ENVIRONMENT_OF);
            ProgramError::not_configured(format!("{origin}: {why}"))
        })?;
        builder = builder.plugin_environment(environment);
    }
    if let Some(deadline) = options.plugin_deadline().map_err(ProgramError::usage)? {
        builder = builder.plugin_deadline(deadline);
    }
    let hosts = match options.path(HOSTS_DIR) {
        Some(list) => hosts(&list, &options.origin(HOSTS_DIR))?,
        None => Hosts::none(),
    };
    builder = builder.hosts(hosts.insecure(insecure));
    let (config, bin_dir) = (
        options.path(PROVIDER_CONFIG),
        options.path(PROVIDER_BIN_DIR),
    );
    if let Some(path) = config {
        builder = builder.provider_config(path);
    }
    if let Some(path) = bin_dir {
        builder = builder.bin_dir(path);
    }
    if let Some(path) = directory(options, ROOT_DIR, ROOT_ADVICE)? {
        builder = builder.root_dir(path);
    }
    Ok(builder)
}

/// The directories of containerd's `config_path`, of which one must exist: containerd's own value
/// also names one that few nodes have.
fn hosts(list: &Path, origin: &str) -> Result<Hosts, ProgramError> {
    let directories = env::split_paths(list).filter(|path| !path.as_os_str().is_empty());
    let directories: Vec<_> = directories.collect();
    if directories.iter().any(|path| path.is_dir()) {
        return Ok(Hosts::new(directories));
    }
    Err(ProgramError::not_configured(format!(
        "{origin}: {} is not a directory: {HOSTS_ADVICE}",
        list.display()
    )))
}

/// A kubelet passes over a file that it cannot use; a file that a person named must be usable.
fn check_docker_config(builder: &EngineBuilder, file: &NamedFile) -> Result<(), ProgramError> {
    let found = builder.inspect().docker;
    match found.files.first() {
        Some(found_file) if found.used().is_none() => Err(file.unusable(format!(
            "cannot use the docker configuration {}: {}",
            found_file.path.display(),
            found_file.outcome
        ))),
        _ => Ok(()),
    }
}

/// The directory that an option names.
fn directory(
    options: &CredentialOptions<'_>,
    variable: &str,
    advice: &str,
) -> Result<Option<PathBuf>, ProgramError> {
    match options.path(variable) {
        Some(path) if !path.is_dir() => {
            let origin = options.origin(variable);
            let path = path.display();
            let message = format!("{origin}: {path} is not a directory: {advice}");
            Err(ProgramError::not_configured(message))
        }
        named => Ok(named),
    }
}

fn pod(
    options: &CredentialOptions<'_>,
    stdin: Option<&SecretSlice<u8>>,
) -> Result<Pod, ProgramError> {
    let annotations = options.annotations().map_err(ProgramError::usage)?;
    let mut pod = Pod::new();
    for file in files(options, PULL_SECRET) {
        pod = match file.read(stdin) {
            Ok(content) => pod.pull_secret(file.label(), content),
            // Its error is the look-up's, which an explanation shows among the sources.
            Err(_) => pod.pull_secret_file(file.path),
        };
    }
    for file in files(options, SERVICE_ACCOUNT_TOKEN) {
        let token = TokenFile::new(file.label(), annotations.clone());
        let token = match stdin.filter(|_| file.is_stdin()) {
            Some(content) => token.with_content(content),
            None => token.once(),
        };
        let token = token.map_err(|why| file.unusable(why))?;
        pod = pod.service_account(Arc::new(token));
    }
    Ok(pod)
}

const HOSTS_ADVICE: &str = "name one that is laid out like /etc/containerd/certs.d, or omit it to \
                            ask registries directly";
const ROOT_ADVICE: &str = "name the kubelet's root directory, or omit it for /var/lib/kubelet";
const NO_BIN_DIR: &str = "the provider configuration names plugins: set their directory with \
                          --image-credential-provider-bin-dir (or \
                          REGCRED_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR)";
