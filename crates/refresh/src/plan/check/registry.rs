//! The rules of one registry.

use regcred_core::{Clock, Env, ProviderSpec, RegistryHost, report};

use super::rule::{require, unique};
use crate::config::{FILE, Registry, STATIC, StaticLogin, ecr_host, registry_key};
use crate::plan::contents::{SourceKind, SourcePlan};

pub(super) fn source(
    registry: &Registry,
    specs: &[&'static ProviderSpec],
    env: &Env,
) -> Result<SourcePlan, String> {
    let mut hosts: Vec<String> = registry.hosts.iter().map(|h| registry_key(h)).collect();
    let kind = kind(registry, specs)?;
    let is_file = matches!(kind, SourceKind::File(_));
    let is_static = matches!(kind, SourceKind::Static(_));
    require(
        registry.path.is_none() || is_file,
        "path is only for provider file",
    )?;
    require(
        registry.login.is_none() || is_static,
        "login is only for provider static",
    )?;
    match (&registry.account, &registry.region) {
        (Some(account), Some(region)) if registry.provider == "ecr" => {
            hosts.insert(0, ecr_host(account, region));
        }
        (None, None) => {}
        _ => return Err("account and region go together, and only with ecr".to_owned()),
    }
    unique("host", &hosts)?;
    require(!hosts.is_empty() || is_file, "name at least one host")?;
    if let SourceKind::Provider(spec) = &kind {
        variables(registry, spec)?;
        serves(registry, spec, &hosts, env)?;
    } else {
        let provider = &registry.provider;
        let text = format!("namespaceIdentity is not available for provider {provider}");
        require(registry.namespace_identity.is_none(), text)?;
        let has_none = registry.env.is_empty() && registry.env_files.is_empty();
        require(has_none, format!("provider {provider} reads no variables"))?;
    }
    hosts.iter().try_for_each(|host| host_of(host).map(drop))?;
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
    require(
        !user.is_empty() && !user.contains(':') && !user.chars().any(char::is_control),
        "login.username is empty, or has colons or control characters",
    )?;
    match (&login.password_file, &login.password_variable) {
        (Some(path), None) if path.is_absolute() => Ok(()),
        (Some(_), None) => Err("login.passwordFile must be absolute".to_owned()),
        (None, Some(name)) if !name.is_empty() => Ok(()),
        _ => Err("login needs either passwordFile or passwordVariable".to_owned()),
    }
}

/// The registry of a key, whose path must be one that images can have.
fn host_of(key: &str) -> Result<RegistryHost, String> {
    let is_part = |part: &str| {
        let mut letters = part.bytes();
        !part.is_empty() && letters.all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let path = key.split_once('/').map(|(_, path)| path);
    let is_path = path.is_none_or(|path| path.split('/').all(is_part));
    require(
        is_path,
        format!("host {key:?}: its path cannot be the path of an image"),
    )?;
    RegistryHost::parse(key).map_err(|error| format!("host {key:?}: {}", error.reason()))
}

fn variables(registry: &Registry, spec: &ProviderSpec) -> Result<(), String> {
    let known = |name: &str| spec.vars.iter().find(|var| var.name == name);
    for name in registry.env.keys().chain(registry.env_files.keys()) {
        let Some(var) = known(name) else {
            return Err(format!("{name} is not a variable of {}", spec.name));
        };
        require(
            !var.secret || !registry.env.contains_key(name),
            format!("{name} is a secret: mount it as a file and name the file under envFiles"),
        )?;
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
        let title = spec.title;
        require(
            provider.serves(&host_of(host)?),
            format!("{title} does not serve {host}: its token must not go there"),
        )?;
    }
    Ok(())
}
