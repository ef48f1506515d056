//! The rules of one registry.

use regcred_core::{Clock, Env, ProviderSpec, RegistryHost, report};

use super::unique;
use crate::config::{FILE, Registry, STATIC, StaticLogin, ecr_host, plain_host};
use crate::plan::source::{SourceKind, SourcePlan};

pub(super) fn source(
    registry: &Registry,
    specs: &[&'static ProviderSpec],
    env: &Env,
) -> Result<SourcePlan, String> {
    let mut hosts: Vec<String> = registry.hosts.iter().map(|h| plain_host(h)).collect();
    let kind = kind(registry, specs)?;
    if registry.path.is_some() && !matches!(kind, SourceKind::File(_)) {
        return Err("path is only for provider file".to_owned());
    }
    if registry.login.is_some() && !matches!(kind, SourceKind::Static(_)) {
        return Err("login is only for provider static".to_owned());
    }
    match (&registry.account, &registry.region) {
        (Some(account), Some(region)) if registry.provider == "ecr" => {
            hosts.insert(0, ecr_host(account, region));
        }
        (None, None) => {}
        _ => return Err("account and region go together, and only with ecr".to_owned()),
    }
    unique::names("host", hosts.iter().map(String::as_str))?;
    if hosts.is_empty() && !matches!(kind, SourceKind::File(_)) {
        return Err("name at least one host".to_owned());
    }
    if let SourceKind::Provider(spec) = &kind {
        variables(registry, spec)?;
        serves(registry, spec, &hosts, env)?;
    } else if registry.namespace_identity.is_some() {
        return Err(format!(
            "namespaceIdentity is not available for provider {}",
            registry.provider
        ));
    } else if !registry.env.is_empty() || !registry.env_files.is_empty() {
        return Err(format!("provider {} reads no variables", registry.provider));
    }
    if matches!(kind, SourceKind::Static(_)) {
        hosts.iter().try_for_each(|host| host_of(host).map(drop))?;
    }
    let registry = Registry {
        hosts,
        ..registry.clone()
    };
    Ok(SourcePlan { registry, kind })
}

fn kind(registry: &Registry, specs: &[&'static ProviderSpec]) -> Result<SourceKind, String> {
    if registry.provider == FILE {
        let path = registry.path.clone().filter(|path| path.is_absolute());
        let path = path.ok_or("provider file needs an absolute path")?;
        return Ok(SourceKind::File(path));
    }
    if registry.provider == STATIC {
        let login = registry.login.as_ref();
        let login = login.ok_or("provider static needs a login")?;
        check_login(login)?;
        return Ok(SourceKind::Static(login.clone()));
    }
    let mut known = specs.iter().filter(|spec| spec.name == registry.provider);
    let spec = known.next().ok_or_else(|| {
        let names: Vec<_> = specs.iter().map(|spec| spec.name).collect();
        format!(
            "{:?} is not a provider; use one of {}, {FILE}, {STATIC}",
            registry.provider,
            names.join(", ")
        )
    })?;
    Ok(SourceKind::Provider(spec))
}

fn check_login(login: &StaticLogin) -> Result<(), String> {
    // Readers of the login take what is before the first colon as the user.
    let user = &login.username;
    if user.is_empty() || user.contains(':') || user.chars().any(char::is_control) {
        return Err("login.username is empty, or has colons or control characters".to_owned());
    }
    match (&login.password_file, &login.password_variable) {
        (Some(path), None) if path.is_absolute() => Ok(()),
        (Some(_), None) => Err("login.passwordFile must be absolute".to_owned()),
        (None, Some(name)) if !name.is_empty() => Ok(()),
        _ => Err("login needs either passwordFile or passwordVariable".to_owned()),
    }
}

fn host_of(host: &str) -> Result<RegistryHost, String> {
    RegistryHost::parse(host).map_err(|error| format!("host {host:?}: {}", error.reason()))
}

fn variables(registry: &Registry, spec: &ProviderSpec) -> Result<(), String> {
    let known = |name: &str| spec.vars.iter().find(|var| var.name == name);
    for name in registry.env.keys().chain(registry.env_files.keys()) {
        let Some(var) = known(name) else {
            return Err(format!("{name} is not a variable of {}", spec.name));
        };
        if var.secret && registry.env.contains_key(name) {
            return Err(format!(
                "{name} is a secret: mount it as a file and name the file under envFiles"
            ));
        }
    }
    Ok(())
}

fn serves(
    registry: &Registry,
    spec: &ProviderSpec,
    hosts: &[String],
    env: &Env,
) -> Result<(), String> {
    let env = env.with(registry.env.clone());
    let provider = match (spec.new)(&env, &Clock::system()) {
        Ok(provider) => provider,
        // The files may hold what it lacks; the fetch checks again.
        Err(_) if !registry.env_files.is_empty() => return Ok(()),
        Err(error) => return Err(report(&error)),
    };
    for host in hosts {
        if !provider.serves(&host_of(host)?) {
            return Err(format!(
                "{} does not serve {host}: its token must not go there",
                spec.title
            ));
        }
    }
    Ok(())
}
