//! Providers whose registries are in a file of their own: whether it can be used, and whether a kubelet
//! sends the pods' tokens that it needs.

use std::collections::BTreeMap;

use regcred_api::ProviderEntry;
use regcred_core::{
    Clock, CredentialRequest, Env, ErrorKind, Provider, ProviderSpec, Role, report,
};
use regcred_engine::ProviderConfig;
use regcred_go::yaml::Step;
use secrecy::ExposeSecret as _;

use super::files::secret_file;
use super::finding::{Finding, Place};
use super::patterns::cloud;

pub(super) fn findings(config: &ProviderConfig) -> Vec<Finding> {
    // Entries with one file belong together: each has one audience.
    let mut files: BTreeMap<Option<String>, (&ProviderSpec, Vec<usize>)> = BTreeMap::new();
    for (at, entry) in config.providers.iter().enumerate() {
        if let Some(spec) = cloud(&entry.name)
            && let Some(variable) = spec.with_role(Role::ConfigFile).next()
        {
            let file = file_of(entry, spec, variable);
            files.entry(file).or_insert((spec, Vec::new())).1.push(at);
        }
    }
    let mut found = Vec::new();
    for (file, (spec, entries)) in files {
        let variable = spec.with_role(Role::ConfigFile).next().unwrap_or_default();
        let env = file.iter().map(|file| (variable, file.as_str()));
        let made = (spec.new)(&Env::map(env), &Clock::system());
        let place = || Place::entry(config, entries[0], &[Step::Member("name")]);
        // Without its usual file a provider can be made, and refuses every image with the reason.
        let asked = CredentialRequest::new("registry.invalid/app");
        let missing = |provider: &dyn Provider| {
            let refused = provider.plan(asked.as_ref().ok()?).err()?;
            (refused.kind() == ErrorKind::NotConfigured).then_some(refused)
        };
        let made = made.and_then(|provider| match missing(&*provider) {
            Some(error) => Err(error),
            None => Ok(provider),
        });
        match made {
            Ok(provider) => {
                let mut secrets = provider.secret_files();
                secrets.sort();
                secrets.dedup();
                found.extend(secrets.iter().filter_map(|file| secret_file(file)));
                found.extend(of_provider(config, &entries, &*provider));
            }
            Err(error) => found.push(Finding::warning(
                place(),
                report(&error),
                "correct the file: the plugin answers no request",
            )),
        }
    }
    found
}

/// The file that an entry's flag or variable names.
fn file_of(entry: &ProviderEntry, spec: &ProviderSpec, variable: &str) -> Option<String> {
    let mut flags = spec.flags().filter(|flag| flag.var == variable);
    let flag = flags.next().map(|flag| format!("--{}", flag.name));
    let mut args = entry.args.iter();
    while let (Some(flag), Some(arg)) = (&flag, args.next()) {
        if arg == flag {
            return args.next().cloned();
        }
        if let Some(value) = arg
            .strip_prefix(flag)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some(value.to_owned());
        }
    }
    let mut variables = entry.env.iter().rev();
    let (_, value) = variables.find(|(name, _)| name == variable)?;
    Some(value.expose_secret().to_owned())
}

fn of_provider(
    config: &ProviderConfig,
    entries: &[usize],
    provider: &dyn Provider,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let audience_of = |at: &usize| {
        let attributes = config.providers[*at].token_attributes.as_ref()?;
        Some(attributes.service_account_token_audience.as_str())
    };
    let tokens = provider.pod_tokens();
    for needed in &tokens {
        if entries
            .iter()
            .any(|at| audience_of(at) == Some(&needed.audience))
        {
            continue;
        }
        let what = format!(
            "no entry sends the pods' tokens with the audience {:?}, which {} needs",
            needed.audience,
            needed.match_images.join(", ")
        );
        let fix = "add the entry that `regcred config generate --provider generic` prints";
        let place = Place::entry(config, entries[0], &[Step::Member("tokenAttributes")]);
        found.push(Finding::warning(place, what, fix));
    }
    for needed in tokens.iter().filter(|needed| !needed.by_account) {
        let wrong = entries.iter().find(|at| {
            let attributes = config.providers[**at].token_attributes.as_ref();
            attributes.is_some_and(|a| {
                a.service_account_token_audience == needed.audience && a.cache_type != "Token"
            })
        });
        if let Some(at) = wrong {
            let part = [Step::Member("tokenAttributes"), Step::Member("cacheType")];
            let what = "a kubelet refuses the pod's token as a password with this cacheType";
            let place = Place::entry(config, *at, &part);
            found.push(Finding::warning(place, what, "write cacheType: Token"));
        }
    }
    let served = provider.match_images();
    for at in entries {
        if let Some(audience) = audience_of(at)
            && !tokens.iter().any(|needed| needed.audience == audience)
        {
            let place = Place::entry(config, *at, &[Step::Member("tokenAttributes")]);
            let what = format!("no registry of the plugin's file has the audience {audience:?}");
            let fix = "write the audience of the registry's entry";
            found.push(Finding::warning(place, what, fix));
        }
        let images = config.providers[*at].match_images.iter().enumerate();
        for (n, image) in images.filter(|(_, image)| !served.contains(image)) {
            let part = [Step::Member("matchImages"), Step::Item(n)];
            let what = format!("the plugin's file has no registry {image:?}");
            let fix = "remove the pattern, or add the registry to the file";
            found.push(Finding::warning(
                Place::entry(config, *at, &part),
                what,
                fix,
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_named_by_the_last_variable_or_by_the_flag() {
        let spec = regcred_providers::by_name("generic").expect("listed");
        let variable = "REGCRED_GENERIC_CONFIG";
        let of = |args: &[&str], env: &[&str]| {
            let entry = ProviderEntry {
                args: args.iter().map(|a| (*a).to_owned()).collect(),
                env: env
                    .iter()
                    .map(|v| (variable.to_owned(), (*v).into()))
                    .collect(),
                ..ProviderEntry::default()
            };
            file_of(&entry, spec, variable)
        };
        assert_eq!(of(&[], &[]), None);
        assert_eq!(of(&[], &["/a", "/b"]).as_deref(), Some("/b"));
        assert_eq!(of(&["--config", "/c"], &["/a"]).as_deref(), Some("/c"));
        assert_eq!(of(&["-v=2", "--config=/d"], &[]).as_deref(), Some("/d"));
    }
}
