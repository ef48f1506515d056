//! The configuration's rules, each refusal with the place and a way out.

use std::collections::BTreeSet;

use regcred_api::pull_secret::is_object_name;
use regcred_core::{Clock, Env, ProviderSpec, RegistryHost, report};

use super::{
    FILE, FilePlan, Form, NAMESPACE, Plan, REGISTRY, STATIC, SecretPlan, SourceKind, SourcePlan,
    hash,
};
use crate::config::{
    CONFIG_JSON, Config, ConfigError, DOCKERCFG, Registry, SecretTarget, StaticLogin, Target,
    ecr_host, plain_host,
};
use crate::secret::{MANAGED_BY, PREFIX};

/// Checks everything and makes the plan.
pub(super) fn plan(
    config: &Config,
    specs: &[&'static ProviderSpec],
    env: &Env,
) -> Result<Plan, ConfigError> {
    unique("registry", config.registries.iter().map(|r| &*r.name))?;
    unique("target", config.targets.iter().map(|t| &*t.name))?;
    if config.registries.is_empty() {
        return Err(ConfigError("a configuration needs registries".to_owned()));
    }
    let mut plan = Plan {
        sources: Vec::new(),
        secrets: Vec::new(),
        files: Vec::new(),
        intervals: config.intervals,
        limits: config.limits,
        server: config.server,
        leader_election: config.leader_election.clone(),
    };
    if config.limits.parallel == 0 || config.intervals.reapply.0.is_zero() {
        return Err(ConfigError(
            "limits.parallel and intervals.reapply must not be 0".to_owned(),
        ));
    }
    for registry in &config.registries {
        let source = source(registry, specs, env).map_err(|why| at("registry", registry, &why))?;
        plan.sources.push(source);
    }
    for target in &config.targets {
        add_target(target, &mut plan).map_err(|why| at("target", target, &why))?;
    }
    one_writer_each(&plan)?;
    Ok(plan)
}

fn source(
    registry: &Registry,
    specs: &[&'static ProviderSpec],
    env: &Env,
) -> Result<SourcePlan, String> {
    let mut hosts: Vec<String> = registry.hosts.iter().map(|h| plain_host(h)).collect();
    let kind = if registry.provider == FILE {
        let path = registry.path.clone().filter(|path| path.is_absolute());
        SourceKind::File(path.ok_or("the provider file needs an absolute path")?)
    } else if registry.provider == STATIC {
        let login = registry.login.as_ref();
        let login = login.ok_or("the provider static needs a login")?;
        check_login(login)?;
        SourceKind::Static(login.clone())
    } else {
        let known = specs.iter().find(|spec| spec.name == registry.provider);
        let spec = known.ok_or_else(|| {
            let names: Vec<_> = specs.iter().map(|spec| spec.name).collect();
            format!(
                "{:?} is no provider: take one of {}, {FILE}, {STATIC}",
                registry.provider,
                names.join(", ")
            )
        })?;
        SourceKind::Provider(spec)
    };
    if registry.path.is_some() && !matches!(kind, SourceKind::File(_)) {
        return Err("path belongs to the provider file".to_owned());
    }
    if registry.login.is_some() && !matches!(kind, SourceKind::Static(_)) {
        return Err("login belongs to the provider static".to_owned());
    }
    match (&registry.account, &registry.region) {
        (Some(account), Some(region)) if registry.provider == "ecr" => {
            hosts.insert(0, ecr_host(account, region));
        }
        (None, None) => {}
        _ => return Err("account and region go together, and only with ecr".to_owned()),
    }
    unique("host", hosts.iter().map(String::as_str)).map_err(|e| e.0)?;
    if let SourceKind::Provider(spec) = &kind {
        variables(registry, spec)?;
        serves(registry, spec, &hosts, env)?;
    } else if registry.namespace_identity.is_some() {
        return Err(format!(
            "{} has no identity for each namespace",
            registry.provider
        ));
    } else if !registry.env.is_empty() || !registry.env_files.is_empty() {
        return Err(format!("{} reads no variables", registry.provider));
    }
    if matches!(kind, SourceKind::Static(_)) {
        if hosts.is_empty() {
            return Err("name at least one host".to_owned());
        }
        for host in &hosts {
            host_of(host)?;
        }
    }
    Ok(SourcePlan {
        name: registry.name.clone(),
        kind,
        hosts,
        env: registry.env.clone(),
        env_files: registry.env_files.clone(),
        max_age: registry.max_age,
        identity: registry.namespace_identity.clone(),
    })
}

fn check_login(login: &StaticLogin) -> Result<(), String> {
    // What stands before the first colon is the user to whoever reads the login.
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
        if known(name).is_none() {
            return Err(format!("{name} is no variable of {}", spec.name));
        }
    }
    match registry
        .env
        .keys()
        .find(|name| known(name).is_some_and(|var| var.secret))
    {
        Some(name) => Err(format!(
            "{name} is a secret: mount it as a file and name the file under envFiles"
        )),
        None => Ok(()),
    }
}

fn serves(
    registry: &Registry,
    spec: &ProviderSpec,
    hosts: &[String],
    env: &Env,
) -> Result<(), String> {
    if hosts.is_empty() {
        return Err("name at least one host".to_owned());
    }
    let env = env.with(registry.env.clone());
    let provider = match (spec.new)(&env, &Clock::system()) {
        Ok(provider) => provider,
        // What is in the files may be what it misses; the fetch checks again.
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

fn add_target(target: &Target, plan: &mut Plan) -> Result<(), String> {
    let sources = sources_of(target, plan)?;
    match (&target.secret, &target.docker_config) {
        (Some(secret), None) => {
            let expand = secret.name.contains(REGISTRY);
            let groups = match expand {
                true => sources.into_iter().map(|source| vec![source]).collect(),
                false => vec![sources],
            };
            for group in groups {
                let secret = secret_plan(target, secret, group, plan)?;
                plan.secrets.push(secret);
            }
            Ok(())
        }
        (None, Some(file)) => {
            if !file.path.is_absolute() {
                return Err("dockerConfig.path must be absolute".to_owned());
            }
            if sources.iter().any(|s| plan.sources[*s].identity.is_some()) {
                return Err(
                    "a file belongs to no namespace whose identity it could have".to_owned(),
                );
            }
            let mode = file.mode.as_deref().map(|text| {
                let mode = u32::from_str_radix(text, 8)
                    .ok()
                    .filter(|mode| *mode <= 0o777);
                mode.ok_or_else(|| format!("mode {text:?} is not octal such as \"0640\""))
            });
            plan.files.push(FilePlan {
                target: target.name.clone(),
                sources,
                path: file.path.clone(),
                owner: file.owner.clone(),
                mode: mode.transpose()?,
            });
            Ok(())
        }
        _ => Err("give it either secret or dockerConfig".to_owned()),
    }
}

fn sources_of(target: &Target, plan: &Plan) -> Result<Vec<usize>, String> {
    if target.registries.is_empty() {
        return Ok((0..plan.sources.len()).collect());
    }
    unique("registry", target.registries.iter().map(String::as_str)).map_err(|e| e.0)?;
    let place = |name: &String| plan.sources.iter().position(|source| source.name == *name);
    let places = target
        .registries
        .iter()
        .map(|name| place(name).ok_or_else(|| format!("there is no registry {name:?}")));
    places.collect()
}

fn secret_plan(
    target: &Target,
    secret: &SecretTarget,
    sources: Vec<usize>,
    plan: &Plan,
) -> Result<SecretPlan, String> {
    let form = match &*secret.kind {
        CONFIG_JSON => Form::ConfigJson,
        DOCKERCFG => Form::Dockercfg,
        other => {
            return Err(format!(
                "the kubelet takes no logins from type {other:?}: expected {CONFIG_JSON} or \
                 {DOCKERCFG}"
            ));
        }
    };
    let reserved = |key: &&String| **key == MANAGED_BY || key.starts_with(PREFIX);
    let mut keys = secret.labels.keys().chain(secret.annotations.keys());
    if let Some(key) = keys.find(reserved) {
        return Err(format!("{key} is set by the refresher itself"));
    }
    if target.namespaces.include.is_empty() {
        return Err("namespaces.include is empty: no namespace is meant".to_owned());
    }
    let hosts = sources.iter().flat_map(|s| &plan.sources[*s].hosts);
    unique("host", hosts.map(String::as_str)).map_err(|e| e.0)?;
    let registry = match &sources[..] {
        [only] => &*plan.sources[*only].name,
        _ => "",
    };
    let name = secret.name.replace(REGISTRY, registry);
    if !is_object_name(&name.replace(NAMESPACE, "x")) {
        return Err(format!("{:?} makes no name of an object", secret.name));
    }
    let mut parts = vec![form.kind().to_owned()];
    for source in &sources {
        let source = &plan.sources[*source];
        parts.extend([source.name.clone(), source.hosts.join(",")]);
        parts.extend(
            source
                .env
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        parts.extend(
            source
                .env_files
                .iter()
                .map(|(n, p)| format!("{n}<{}", p.display())),
        );
        parts.push(source.kind.shown());
        if let SourceKind::Static(login) = &source.kind {
            parts.push(format!("{login:?}"));
        }
        let identity = source.identity.as_ref();
        parts.push(identity.map_or_else(String::new, |identity| format!("{identity:?}")));
    }
    Ok(SecretPlan {
        target: target.name.clone(),
        sources,
        name,
        form,
        labels: secret.labels.clone(),
        annotations: secret.annotations.clone(),
        ownership: secret.ownership,
        namespaces: target.namespaces.clone(),
        accounts: target.service_accounts.clone(),
        inputs: hash(parts.iter().map(String::as_str)),
    })
}

/// Two targets that write one object would undo each other's work for ever.
fn one_writer_each(plan: &Plan) -> Result<(), ConfigError> {
    for (place, one) in plan.secrets.iter().enumerate() {
        for other in &plan.secrets[place + 1..] {
            let apart = match (one.literal_namespaces(), other.literal_namespaces()) {
                (Some(one), Some(other)) => one.iter().all(|name| !other.contains(name)),
                _ => false,
            };
            if one.name == other.name && !apart {
                return Err(ConfigError(format!(
                    "targets {:?} and {:?} would both write Secret {:?}: merge them, or give them \
                     other names or namespaces by name",
                    one.target, other.target, one.name
                )));
            }
        }
    }
    for (place, one) in plan.files.iter().enumerate() {
        if let Some(other) = plan.files[place + 1..].iter().find(|o| o.path == one.path) {
            return Err(ConfigError(format!(
                "targets {:?} and {:?} write the same file",
                one.target, other.target
            )));
        }
    }
    Ok(())
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            return Err(ConfigError(format!(
                "{what} {name:?} is empty or there twice"
            )));
        }
    }
    Ok(())
}

trait Named {
    fn name(&self) -> &str;
}

impl Named for Registry {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Target {
    fn name(&self) -> &str {
        &self.name
    }
}

fn at(what: &str, item: &dyn Named, why: &str) -> ConfigError {
    ConfigError(format!("{what} {:?}: {why}", item.name()))
}
