//! One request for a source's logins: to its cloud's provider, from a docker configuration, or a
//! static login.

use std::collections::BTreeMap;
use std::path::Path;

use regcred_api::docker_config::DockerConfigEntry;
use regcred_core::{Clock, Credentials, Env, ErrorKind, ProviderError, Role};
use regcred_docker_config::ImportPlan;

use super::provider::ProviderFetch;
use super::token::{TenantIdentity, Token, fingerprint, is_empty, read_line};
use crate::config::{FILE, STATIC, StaticLogin};
use crate::digest::hash;
use crate::life::Life;
use crate::plan::{SourceKind, SourcePlan};

/// Requests the source's logins, once for each of its identities and endpoints.
/// Fails with the provider's error, or for an answer that leaves a host without a login.
pub(super) async fn fetch(
    source: &SourcePlan,
    tenant: Option<&TenantIdentity>,
    env: &Env,
    clock: &Clock,
) -> Result<Token, ProviderError> {
    let logins = match &source.kind {
        SourceKind::File(path) => copied(source, path)?,
        SourceKind::Static(login) => {
            let login = static_login(login, env)?;
            let hosts = source.registry.hosts.iter();
            hosts.map(|host| (host.clone(), login.clone())).collect()
        }
        SourceKind::Provider(spec) => {
            let fetch = ProviderFetch::new(&source.registry, spec, env, clock, tenant)?;
            return fetch.all().await;
        }
    };
    Ok(Token {
        logins,
        life: Life::from(clock.now(), None),
    })
}

/// Logins copied from a docker configuration file.
fn copied(
    source: &SourcePlan,
    path: &Path,
) -> Result<BTreeMap<String, Credentials>, ProviderError> {
    let fail = |error| {
        let text = "no logins to copy".to_owned();
        ProviderError::new(FILE, ErrorKind::NotConfigured, text)
            .with_source(error)
            .with_next_step("correct the file, or the registry's path and hosts".to_owned())
    };
    let plan = ImportPlan::read(path).map_err(fail)?;
    let login = |key: &str, entry: &DockerConfigEntry| {
        let login = Credentials::new(&*entry.username, entry.password.clone());
        (key.to_owned(), login)
    };
    let registry = &source.registry;
    if registry.hosts.is_empty() {
        for (key, why) in &plan.left_out {
            tracing::warn!(registry = registry.name, "{key} is left out: {why}");
        }
        let entries = plan.entries.iter();
        return Ok(entries.map(|entry| login(&entry.server, entry)).collect());
    }
    let hosts = registry.hosts.iter();
    let logins = hosts.map(|host| Ok(login(host, plan.entry_for(host).map_err(fail)?)));
    logins.collect()
}

/// A login that does not expire, its password in a file or a variable.
fn static_login(login: &StaticLogin, env: &Env) -> Result<Credentials, ProviderError> {
    let fail = |text: String| {
        ProviderError::new(STATIC, ErrorKind::NotConfigured, text)
            .with_next_step("correct it, or the registry's login".to_owned())
    };
    let (shown, password) = match (&login.password_file, &login.password_variable) {
        (Some(path), _) => {
            let shown = path.display().to_string();
            let read = read_line(path);
            let read =
                read.map_err(|error| fail(format!("cannot read {shown}")).with_source(error))?;
            (shown, read)
        }
        (None, variable) => {
            let name = variable.as_deref().unwrap_or_default();
            (name.to_owned(), env.get(name).unwrap_or_default().into())
        }
    };
    if is_empty(&password) {
        return Err(fail(format!("{shown} does not hold a password")));
    }
    Ok(Credentials::new(&*login.username, password))
}

/// A hash over the files that decide the source's logins; it changes when one of them does.
pub(super) fn inputs(source: &SourcePlan, env: &Env) -> String {
    let mut parts = Vec::new();
    let mut add = |path: &Path| parts.push(fingerprint(path));
    match &source.kind {
        SourceKind::File(path) => add(path),
        SourceKind::Static(login) => login.password_file.iter().for_each(|path| add(path)),
        SourceKind::Provider(spec) => {
            let registry = &source.registry;
            registry.env_files.values().for_each(|path| add(path));
            // Files with keys, named by the provider's variables. Files with tokens are rewritten
            // every few minutes and change nothing.
            let named = spec
                .vars
                .iter()
                .filter(|var| !var.secret && var.role != Some(Role::TokenFile));
            for var in named {
                let value = registry.env.get(var.name).map(String::as_str);
                let path = value.or_else(|| env.get(var.name)).map(Path::new);
                if let Some(path) = path.filter(|p| p.is_absolute() && p.is_file()) {
                    add(path);
                }
            }
        }
    }
    hash(parts.iter().map(String::as_str))
}

#[cfg(test)]
mod tests;
