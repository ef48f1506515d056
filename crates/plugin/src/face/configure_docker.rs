//! `configure-docker`: sets this helper under `credHelpers` of docker's `config.json` for the
//! provider's registries, as `docker-credential-gcr configure-docker` does.

use std::path::PathBuf;

use regcred_core::{Env, ErrorKind, ProviderError, RegistryHost};
use regcred_docker_config::DockerFile;
use regcred_exec::find_program;
use regcred_run::{ProgramError, Streams};

use crate::chosen_provider::ChosenProvider;
use crate::context::Context;
use crate::face::token::is_host;
use crate::vars;

/// Writes the entries and lists them.
pub(crate) fn run(
    context: &Context<'_>,
    registries: Vec<String>,
    streams: &mut Streams<'_>,
) -> Result<(), ProgramError> {
    let registries = registries_for(context, registries)?;
    let helper = helper(context);
    let path = config_path(&context.env).ok_or_else(|| {
        let name = context.specs.first().map_or("regcred", |spec| spec.name);
        let message = "there is no directory for docker's configuration: set DOCKER_CONFIG or HOME";
        ProviderError::new(name, ErrorKind::NotConfigured, message)
    })?;
    let file = DockerFile::new(&path);
    let edited = file.edit(false, |document| document.set_helper(&registries, &helper));
    let (_, replaced) = edited.map_err(ProgramError::not_configured)?;
    let program = format!("docker-credential-{helper}");
    if find_program(&program, context.env.get("PATH").unwrap_or_default()).is_none() {
        streams.note(&format!(
            "{program} is not in PATH: docker needs a link of that name to this program there"
        ));
    }
    for (registry, other) in replaced {
        streams.note(&format!("{registry} had the helper {other}"));
    }
    let text = format!(
        "{program} is set for {} in {}\n",
        registries.join(", "),
        path.display()
    );
    streams.write(text.as_bytes())
}

/// The hosts that were named, if a provider serves each; else those that the providers can name.
fn registries_for(context: &Context<'_>, asked: Vec<String>) -> Result<Vec<String>, ProgramError> {
    if asked.is_empty() {
        let mut known = context.patterns()?;
        known.retain(|pattern| is_host(pattern));
        for spec in context.specs {
            for host in (spec.new)(&context.env, &context.clock)?.docker_hosts() {
                if !known.contains(&host) {
                    known.push(host);
                }
            }
        }
        if known.is_empty() {
            return Err(ProgramError::usage(format!(
                "the registries of {} have no common name; name yours with --registries HOST,...",
                context.titles()
            )));
        }
        return Ok(known);
    }
    for registry in &asked {
        let host = RegistryHost::parse(registry)
            .ok()
            .filter(|host| host.as_written() == registry);
        let Some(host) = host else {
            return Err(ProgramError::usage(format!(
                "{registry:?} is not a registry host"
            )));
        };
        if ChosenProvider::find(context.specs, &host, &context.env, &context.clock)?.is_none() {
            return Err(context.not_served(&host));
        }
    }
    Ok(asked)
}

/// The helper's name as docker writes it, without `docker-credential-`: that of this program, else
/// upstream's.
fn helper(context: &Context<'_>) -> String {
    let aliases = context.specs.iter().flat_map(|spec| spec.helper_aliases);
    [context.program]
        .into_iter()
        .chain(aliases.copied())
        .find_map(|name| name.strip_prefix("docker-credential-"))
        .unwrap_or("regcred")
        .to_owned()
}

fn config_path(env: &Env) -> Option<PathBuf> {
    let dir = env
        .path(vars::DOCKER_CONFIG)
        .or_else(|| Some(env.home()?.join(".docker")))?;
    Some(dir.join("config.json"))
}

#[cfg(test)]
mod tests;
