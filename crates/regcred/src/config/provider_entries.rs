//! The entries of providers.

use regcred_core::{Clock, Env, Provider, ProviderSpec, Role};
use regcred_run::ProgramError;

use super::entry::{Entry, Token};
use crate::multicall::plugin_name;

/// The entries of the providers. One that serves nothing is an error if it was `named`, and else left
/// out: a kubelet refuses an entry without patterns.
pub(super) fn entries(
    specs: &[&ProviderSpec],
    env: &Env,
    named: bool,
) -> Result<Vec<Entry>, ProgramError> {
    let clock = Clock::system();
    let mut all = Vec::new();
    for spec in specs {
        let provider = (spec.new)(env, &clock)?;
        let made = of_provider(spec, &*provider, env);
        if made.is_empty() && named {
            let file = spec.with_role(Role::ConfigFile).next().unwrap_or_default();
            return Err(ProgramError::usage(format!(
                "{} serves no registry: name its file with {file}",
                spec.name
            )));
        }
        all.extend(made);
    }
    Ok(all)
}

/// One entry for each audience, since a kubelet sends one token, and one for what needs none.
fn of_provider(spec: &ProviderSpec, provider: &dyn Provider, env: &Env) -> Vec<Entry> {
    let tokens = provider.pod_tokens();
    let mut rest = provider.match_images();
    rest.retain(|image| !tokens.iter().any(|t| t.match_images.contains(image)));
    let groups = tokens
        .iter()
        .map(|tokens| (tokens.match_images.clone(), Some(Token::from(tokens))))
        .chain([(rest, None)])
        .filter(|(images, _)| !images.is_empty());
    let made = groups.enumerate().map(|(at, (images, token))| {
        let name = match at {
            0 => plugin_name(spec),
            _ => format!("{}-{}", plugin_name(spec), at + 1),
        };
        let mut entry = Entry::new(name, images, spec.default_cache_duration);
        for variable in spec.with_role(Role::ConfigFile) {
            if let Some(value) = env.get(variable) {
                entry.add_variable(variable, value);
            }
        }
        entry.token_attributes = token;
        entry
    });
    made.collect()
}
