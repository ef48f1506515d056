//! `regcred config generate`: a CredentialProviderConfig that the kubelet accepts as it is, or more
//! entries for one.

mod addition;
mod entry;
mod new_file;
mod node_rights;
mod provider_entries;

use std::error::Error;
use std::path::Path;

use regcred_core::{Env, ProviderSpec, SecretText as _};
use regcred_docker_config::{Change, TextEdit, TextFile};
use regcred_run::{ProgramError, output};

use crate::cli::GenerateArgs;
use crate::config_format::ConfigFormat;
use crate::multicall::plugin_name;
use addition::{accepted, add};
use entry::{Entry, Token};
use new_file::new_file;
use provider_entries::entries;

pub(crate) fn run(args: &GenerateArgs, env: &Env) -> Result<(), ProgramError> {
    let specs = choose(&args.providers)?;
    let mut entries = entries(&specs, env, !args.providers.is_empty())?;
    if !args.args.is_empty() || !args.env.is_empty() || args.audience.is_some() {
        let [entry] = &mut entries[..] else {
            return Err(ProgramError::usage(
                "--arg, --env and the flags of tokenAttributes are for one plugin: name it with --provider",
            ));
        };
        describe(entry, args)?;
    }
    let audiences: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.token_attributes.as_ref())
        .map(|token| &*token.service_account_token_audience)
        .collect();
    if args.rbac {
        let text = node_rights::manifests(&audiences).map_err(ProgramError::usage)?;
        return output::write(&format!("{text}\n"));
    }
    if !audiences.is_empty() {
        output::note(&format!(
            "nodes need a right to request tokens for {}: regcred config generate --rbac | kubectl \
             apply -f -",
            audiences.join(", ")
        ));
    }
    note_links(&specs, &entries);
    let new = |format| new_file(&entries.iter().collect::<Vec<_>>(), format);
    // A kubelet's rules hold for what the command line has too.
    accepted(&new(ConfigFormat::Json)).map_err(ProgramError::usage)?;
    match &args.output {
        None => output::write(&format!("{}\n", new(args.format.unwrap_or_default()))),
        Some(file) => write(file, &entries, args.format),
    }
}

/// A new configuration of these providers.
pub(crate) fn generate(specs: &[&ProviderSpec], env: &Env) -> Result<String, ProgramError> {
    let entries = entries(specs, env, false)?;
    Ok(new_file(
        &entries.iter().collect::<Vec<_>>(),
        ConfigFormat::Json,
    ))
}

/// A kubelet sends a plugin tokens for one audience: more are more names of the program.
fn note_links(specs: &[&ProviderSpec], entries: &[Entry]) {
    for spec in specs {
        let program = plugin_name(spec);
        for Entry { name, .. } in entries {
            if name.starts_with(&program) && *name != program {
                output::note(&format!(
                    "a kubelet takes one audience for each name: ln -s {program} {name} in the plugins' \
                     directory"
                ));
            }
        }
    }
}

/// The providers of these names, in their order; all without a name.
pub(crate) fn choose(names: &[String]) -> Result<Vec<&'static ProviderSpec>, ProgramError> {
    if names.is_empty() {
        return Ok(regcred_providers::all());
    }
    let mut chosen: Vec<&ProviderSpec> = Vec::new();
    for name in names {
        let spec = regcred_providers::by_name(name).ok_or_else(|| unknown(name))?;
        // The kubelet refuses a name that occurs twice.
        if chosen.iter().all(|other| other.name != spec.name) {
            chosen.push(spec);
        }
    }
    Ok(chosen)
}

fn unknown(name: &str) -> ProgramError {
    let known: Vec<_> = regcred_providers::all().iter().map(|s| s.name).collect();
    ProgramError::usage(format!(
        "{name:?} is not a provider; expected one of {}",
        known.join(", ")
    ))
}

/// Sets what the command line has besides the provider.
fn describe(entry: &mut Entry, args: &GenerateArgs) -> Result<(), ProgramError> {
    entry.args.clone_from(&args.args);
    for variable in &args.env {
        let parts = variable.split_once('=');
        let (name, value) = parts.filter(|(name, _)| !name.is_empty()).ok_or_else(|| {
            ProgramError::usage(format!("--env: {variable:?} is not of the form NAME=VALUE"))
        })?;
        entry.add_variable(name, value);
    }
    entry.token_attributes = args.audience.as_ref().map(|audience| Token {
        service_account_token_audience: audience.clone(),
        cache_type: args.cache_type.clone(),
        require_service_account: args.require_service_account,
        required_service_account_annotation_keys: args.required_annotations.clone(),
        optional_service_account_annotation_keys: args.optional_annotations.clone(),
    });
    Ok(())
}

/// Writes a new file, or adds the entries that a file does not have yet.
fn write(file: &Path, entries: &[Entry], format: Option<ConfigFormat>) -> Result<(), ProgramError> {
    let shown = file.display();
    if file.is_dir() {
        let inside = file.join("50-regcred.yaml");
        return Err(ProgramError::usage(format!(
            "--output: {shown} is a directory: name a file in it, such as {}",
            inside.display()
        )));
    }
    let target = TextFile {
        path: file,
        owner: None,
        mode: None,
    };
    let edited = target.edit(false, |path, text| {
        let added = if text.is_blank() {
            let format = format.unwrap_or_else(|| ConfigFormat::of(file));
            let text = new_file(&entries.iter().collect::<Vec<_>>(), format) + "\n";
            let names = entries.iter().map(|entry| entry.name.clone()).collect();
            addition::Added {
                text: text.into(),
                names,
            }
        } else {
            let named = |why| format!("cannot change {}: {why}", path.display());
            add(text, entries, format).map_err(named)?
        };
        Ok::<_, Box<dyn Error + Send + Sync>>(TextEdit {
            text: added.text,
            is_changed: !added.names.is_empty(),
            result: added.names,
        })
    });
    let (change, names) = edited.map_err(|error| {
        ProgramError::not_configured(error).reworded(|why| format!("--output: {why}"))
    })?;
    let names = names.join(", ");
    output::note(&match change {
        Change::Created => format!("created {shown} with {names}"),
        Change::Updated => {
            format!("added {names} to {shown}; a kubelet reads it when it is restarted")
        }
        Change::Unchanged => format!("{shown} has these providers already"),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use regcred_api::{ApiVersion, decode_config};

    use super::*;

    #[test]
    fn what_is_generated_is_what_the_kubelet_reads() {
        let entries =
            entries(&regcred_providers::all(), &Env::default(), false).expect("no settings");
        let text = new_file(&entries.iter().collect::<Vec<_>>(), ConfigFormat::Json);
        let config = decode_config(text.as_bytes()).expect("strictly sound");
        let names: Vec<_> = config.providers.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(
            names[..2],
            ["ecr-credential-provider", "gcr-credential-provider"]
        );
        for provider in &config.providers {
            assert_eq!(provider.api_version, ApiVersion::V1.as_str());
            assert!(!provider.match_images.is_empty(), "{}", provider.name);
            assert!(
                provider.default_cache_duration.is_some(),
                "{}",
                provider.name
            );
        }
        let ecr = &config.providers[0].match_images;
        assert!(
            ecr.iter().any(|p| p == "*.dkr.ecr.*.amazonaws.com"),
            "{ecr:?}"
        );
    }

    #[test]
    fn each_audience_has_an_entry_that_the_kubelet_reads() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let text = "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
            - {matchImages: [zot.test], audience: zot, passThrough: {username: u}}\n\
            - {matchImages: [q.test], audience: q, quay: {server: q.test, robot: a+b}, fallback: {anonymous: true}}\n\
            - {matchImages: [h.test], static: {username: u, passwordFile: p}}\n";
        std::fs::write(file.path(), text).expect("a file");
        let path = file.path().to_str().expect("a path");
        let env = Env::map([("REGCRED_GENERIC_CONFIG", path)]);
        let generic = [regcred_providers::by_name("generic").expect("listed")];
        let made = entries(&generic, &env, true).expect("entries");
        let text = new_file(&made.iter().collect::<Vec<_>>(), ConfigFormat::Json);
        let config = decode_config(text.as_bytes()).expect("strictly sound");
        let shown = config.providers.iter().map(|entry| {
            let attributes = entry.token_attributes.as_ref();
            assert_eq!(entry.env[0].0, "REGCRED_GENERIC_CONFIG");
            (
                entry.name.as_str(),
                entry.match_images.join(" "),
                attributes.map(|a| {
                    let audience = a.service_account_token_audience.as_str();
                    (audience, a.cache_type.as_str(), a.require_service_account)
                }),
            )
        });
        let name = "generic-credential-provider";
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                (
                    name,
                    "zot.test".to_owned(),
                    Some(("zot", "Token", Some(true)))
                ),
                (
                    "generic-credential-provider-2",
                    "q.test".to_owned(),
                    Some(("q", "ServiceAccount", Some(false)))
                ),
                ("generic-credential-provider-3", "h.test".to_owned(), None),
            ]
        );
        for entry in &config.providers {
            let specs = crate::multicall::providers_of(&entry.name).expect("one of our names");
            assert_eq!(specs[0].name, "generic");
        }
        let error = entries(&generic, &Env::default(), true).expect_err("no file");
        assert!(error.to_string().contains("serves no registry"), "{error}");
    }

    #[test]
    fn providers_are_chosen_by_name_once_and_in_order() {
        let names = |list: &[&str]| {
            let list: Vec<_> = list.iter().map(|&n| n.to_owned()).collect();
            choose(&list).map(|specs| specs.iter().map(|s| s.name).collect::<Vec<_>>())
        };
        assert_eq!(
            names(&["gcr", "ecr", "gcr"]).expect("known"),
            ["gcr", "ecr"]
        );
        assert!(names(&[]).expect("all").len() >= 2);
        let error = names(&["other"]).expect_err("unknown").to_string();
        assert!(
            error.starts_with("\"other\" is not a provider; expected one of ecr, gcr"),
            "{error}"
        );
    }
}
