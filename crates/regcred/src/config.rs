//! `regcred config generate`: a CredentialProviderConfig that the kubelet accepts as it is.

use regcred_api::{ApiVersion, ConfigVersion};
use regcred_core::{Clock, Env, ProviderError, ProviderSpec};
use regcred_run::{ProgramError, output};
use serde::Serialize;

use crate::cli::GenerateArgs;
use crate::multicall::plugin_name;

/// The kubelet's `CredentialProviderConfig`, fields in its own order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    api_version: &'static str,
    kind: &'static str,
    providers: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    match_images: Vec<String>,
    default_cache_duration: &'static str,
    api_version: &'static str,
}

pub(crate) fn run(args: &GenerateArgs, env: &Env) -> Result<(), ProgramError> {
    let specs = choose(&args.providers)?;
    let text = generate(&specs, env)?;
    output::line(&text)
}

fn choose(names: &[String]) -> Result<Vec<&'static ProviderSpec>, ProgramError> {
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

fn generate(specs: &[&ProviderSpec], env: &Env) -> Result<String, ProviderError> {
    let clock = Clock::system();
    let entry = |spec: &&ProviderSpec| -> Result<Entry, ProviderError> {
        Ok(Entry {
            name: plugin_name(spec),
            match_images: (spec.new)(env, &clock)?.match_images(),
            default_cache_duration: spec.default_cache_duration,
            api_version: ApiVersion::LATEST.as_str(),
        })
    };
    let config = Config {
        api_version: ConfigVersion::LATEST.as_str(),
        kind: "CredentialProviderConfig",
        providers: specs.iter().map(entry).collect::<Result<_, _>>()?,
    };
    // Strings and lists of strings always serialize.
    Ok(serde_json::to_string_pretty(&config).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use regcred_api::decode_config;

    use super::*;

    #[test]
    fn what_is_generated_is_what_the_kubelet_reads() {
        let text = generate(&regcred_providers::all(), &Env::default()).expect("no settings");
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
