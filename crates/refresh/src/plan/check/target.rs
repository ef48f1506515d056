//! The rules of one target.

use regcred_api::docker_config::Format;
use regcred_api::pull_secret::is_object_name;
use regcred_docker_config::DockerFile;

use super::rule::{require, unique};
use crate::config::{DockerConfigTarget, Registry, SecretTarget, Target};
use crate::digest::hash;
use crate::names::{MANAGED_BY, PREFIX};
use crate::plan::contents::{FilePlan, Plan};
use crate::plan::secret::{NAMESPACE, SecretPlan};

/// Adds a target's Secrets or its file to the plan.
pub(super) fn add(target: &Target, plan: &mut Plan) -> Result<(), String> {
    let sources = sources_of(target, plan)?;
    match (&target.secret, &target.docker_config) {
        (Some(secret), None) => {
            let groups = if secret.name.contains(REGISTRY) {
                sources.into_iter().map(|source| vec![source]).collect()
            } else {
                vec![sources]
            };
            for group in groups {
                let secret = secret_plan(target, secret, group, plan)?;
                plan.secrets.push(secret);
            }
        }
        (None, Some(file)) => {
            let file = file_plan(target, file, sources, plan)?;
            plan.files.push(file);
        }
        _ => return Err("set either secret or dockerConfig".to_owned()),
    }
    Ok(())
}

fn sources_of(target: &Target, plan: &Plan) -> Result<Vec<usize>, String> {
    if target.registries.is_empty() {
        return Ok((0..plan.sources.len()).collect());
    }
    unique("registry", &target.registries)?;
    let index = |name: &String| {
        let mut sources = plan.sources.iter();
        let found = sources.position(|source| source.registry.name == *name);
        found.ok_or_else(|| format!("the registry {name:?} is not configured"))
    };
    target.registries.iter().map(index).collect()
}

fn file_plan(
    target: &Target,
    file: &DockerConfigTarget,
    sources: Vec<usize>,
    plan: &Plan,
) -> Result<FilePlan, String> {
    require(
        file.path.is_absolute(),
        "dockerConfig.path must be absolute",
    )?;
    let mut registries = sources.iter().map(|source| &plan.sources[*source].registry);
    require(
        registries.all(|registry| registry.namespace_identity.is_none()),
        "a file has no namespace: it cannot use a registry with namespaceIdentity",
    )?;
    let mode = file.mode.as_deref().map(|text| {
        let mode = u32::from_str_radix(text, 8).ok();
        mode.filter(|mode| *mode <= 0o777)
            .ok_or_else(|| format!("mode {text:?} is not octal such as \"0640\""))
    });
    Ok(FilePlan {
        target: target.name.clone(),
        sources,
        file: DockerFile {
            path: file.path.clone(),
            owner: file.owner.clone(),
            mode: mode.transpose()?,
        },
    })
}

fn secret_plan(
    target: &Target,
    secret: &SecretTarget,
    sources: Vec<usize>,
    plan: &Plan,
) -> Result<SecretPlan, String> {
    let format = Format::of_secret_type(&secret.kind).ok_or_else(|| {
        format!(
            "the kubelet reads no logins from a Secret of type {:?}; use {} or {}",
            secret.kind,
            Format::ConfigJson.secret_type(),
            Format::Dockercfg.secret_type()
        )
    })?;
    let reserved = |key: &&String| **key == MANAGED_BY || key.starts_with(PREFIX);
    let mut keys = secret.labels.keys().chain(secret.annotations.keys());
    if let Some(key) = keys.find(reserved) {
        return Err(format!("{key} is set by the refresher itself"));
    }
    require(
        !target.namespaces.include.is_empty(),
        "namespaces.include is empty, so no namespace is selected",
    )?;
    let registries = sources.iter().map(|source| &plan.sources[*source].registry);
    unique("host", registries.flat_map(|registry| &registry.hosts))?;
    let registry = match &sources[..] {
        [only] => &*plan.sources[*only].registry.name,
        _ => "",
    };
    let name = secret.name.replace(REGISTRY, registry);
    let text = format!("{:?} is not a valid object name", secret.name);
    require(is_object_name(&name.replace(NAMESPACE, "x")), text)?;
    let inputs = inputs(format, &sources, plan);
    Ok(SecretPlan {
        target: target.name.clone(),
        sources,
        object: SecretTarget {
            name,
            ..secret.clone()
        },
        format,
        namespaces: target.namespaces.clone(),
        accounts: target.service_accounts.clone(),
        inputs,
    })
}

/// A hash of everything that decides the content, besides the tokens: the names and values of the
/// configuration, which mean the same in every release.
fn inputs(format: Format, sources: &[usize], plan: &Plan) -> String {
    let of_source = |source: &usize| {
        let registry = Registry {
            // Decides when, not what.
            max_age: None,
            ..plan.sources[*source].registry.clone()
        };
        serde_json::to_string(&registry).unwrap_or_default()
    };
    let sources: Vec<_> = sources.iter().map(of_source).collect();
    let sources = sources.iter().map(String::as_str);
    hash([format.secret_type()].into_iter().chain(sources))
}

const REGISTRY: &str = "{registry}";
