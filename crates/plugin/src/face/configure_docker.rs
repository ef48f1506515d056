//! `configure-docker`: sets this helper under `credHelpers` of docker's `config.json` for the
//! provider's registries, as `docker-credential-gcr configure-docker` does, or removes it there.

use regcred_core::{ErrorKind, ProviderError, RegistryHost, Role};
use regcred_docker_config::{DockerFile, HelperChange};
use regcred_exec::find_program;
use regcred_run::{ProgramError, Streams};

use crate::chosen_provider::ChosenProvider;
use crate::command_line::HelperEdit;
use crate::context::Context;
use crate::face::token::is_host;
use crate::vars;

/// Changes the entries and lists them.
pub(crate) fn run(
    context: &Context<'_>,
    edit: HelperEdit,
    streams: &mut Streams<'_>,
) -> Result<(), ProgramError> {
    let HelperEdit {
        registries,
        remove,
        dry_run,
    } = edit;
    let registries = if remove {
        registries
    } else {
        registries_for(context, registries)?
    };
    let helper = helper(context);
    let program = format!("docker-credential-{helper}");
    let path = vars::docker_config_path(&context.env).ok_or_else(|| {
        let name = context.specs.first().map_or("regcred", |spec| spec.name);
        let message = "docker's configuration has no directory: set DOCKER_CONFIG or HOME";
        ProviderError::new(name, ErrorKind::NotConfigured, message)
    })?;
    // Removing an entry does not create the file.
    let dry_edit = dry_run || remove && !path.exists();
    let edited = DockerFile::new(&path).edit(dry_edit, |document| {
        if remove {
            document.remove_helper(&registries, &helper)
        } else {
            document.set_helper(&registries, &helper)
        }
    });
    let (_, changes) = edited.map_err(ProgramError::not_configured)?;
    if !remove {
        advise(context, &program, streams);
    }
    for change in &changes {
        if let (Some(before), Some(_)) = (&change.before, &change.after) {
            streams.note(&format!("{} had the helper {before}", change.host));
        }
    }
    let shown = path.display();
    let hosts: Vec<_> = changes.iter().map(|change| &*change.host).collect();
    let text = match (dry_run, remove) {
        (true, _) if changes.is_empty() => format!("{shown} would not change\n"),
        (true, _) => format!("{shown} would change:\n{}", difference(&changes)),
        (false, true) if changes.is_empty() => format!("{program} is not set in {shown}\n"),
        (false, true) => format!(
            "{program} is removed for {} from {shown}\n",
            hosts.join(", ")
        ),
        (false, false) => format!(
            "{program} is set for {} in {shown}\n",
            registries.join(", ")
        ),
    };
    streams.text(&text)
}

/// The lines of `credHelpers` that change; the rest of the file may hold logins.
fn difference(changes: &[HelperChange]) -> String {
    let mut text = String::from("  \"credHelpers\"\n");
    for change in changes {
        for (sign, helper) in [('-', &change.before), ('+', &change.after)] {
            if let Some(helper) = helper {
                text.push_str(&format!("{sign}   {:?}: {helper:?}\n", change.host));
            }
        }
    }
    text
}

/// Notes what docker requires: the program in `PATH`, and variables in place of flags.
fn advise(context: &Context<'_>, program: &str, streams: &mut Streams<'_>) {
    if find_program(program, context.env.get("PATH").unwrap_or_default()).is_none() {
        streams.note(&format!(
            "{program} is not in PATH: docker needs a link of that name to this program there"
        ));
    }
    let rows = context.specs.iter();
    let own: Vec<_> = rows
        .flat_map(|spec| spec.with_role(Role::ConfigureDocker))
        .collect();
    for (variable, flag) in &context.flags {
        if !own.contains(variable) {
            streams.note(&format!(
                "docker passes no flags to {program}: set {variable} in docker's environment instead of \
                 {flag}"
            ));
        }
    }
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

#[cfg(test)]
mod tests;
