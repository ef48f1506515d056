//! One file, many names: which program a symlink to `regcred` runs.

use regcred_core::ProviderSpec;
use regcred_plugin::program_name;

/// The providers of the program with this file name, which may be a path: one for a cloud's plugin or
/// helper, under our names or upstream's; all for [`HELPER`]; `None` for any other name. What release
/// artefacts add to a name does not count.
pub(crate) fn providers_of(argv0: &str) -> Option<Vec<&'static ProviderSpec>> {
    let name = program_name(argv0);
    let mut specs = regcred_providers::all();
    if name != HELPER {
        specs.retain(|spec| names(spec).any(|known| known == name));
    }
    (!specs.is_empty()).then_some(specs)
}

/// Every file name of a cloud's plugin and helper.
fn names(spec: &ProviderSpec) -> impl Iterator<Item = String> {
    let aliases = spec.plugin_aliases.iter().chain(spec.helper_aliases);
    std::iter::once(plugin_name(spec)).chain(aliases.map(|&alias| alias.to_owned()))
}

/// The name that our own plugin for a cloud has: `ecr-credential-provider`.
pub(crate) fn plugin_name(spec: &ProviderSpec) -> String {
    format!("{}-credential-provider", spec.name)
}

/// The message for a file name like that of a plugin or a helper which is not known; `None` for any other
/// name, under which this is the command.
pub(crate) fn unknown(argv0: &str) -> Option<String> {
    let name = program_name(argv0);
    name.contains("credential").then(|| {
        format!(
            "{name:?} is not the name of a plugin or docker credential helper; expected one of {}",
            known()
        )
    })
}

/// Every file name of a plugin or a helper.
pub(crate) fn known() -> String {
    let specs = regcred_providers::all();
    let mut all: Vec<_> = specs.into_iter().flat_map(names).collect();
    all.push(HELPER.to_owned());
    all.join(", ")
}

/// The credential helper for all clouds.
pub(crate) const HELPER: &str = "docker-credential-regcred";

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(argv0: &str) -> String {
        match providers_of(argv0).as_deref() {
            None => "command".to_owned(),
            Some([spec]) => spec.name.to_owned(),
            Some(_) => "helper".to_owned(),
        }
    }

    #[test]
    fn links_are_known_by_our_names_and_upstreams() {
        for (argv0, program) in [
            ("regcred", "command"),
            ("/usr/bin/regcred", "command"),
            ("", "command"),
            ("ecr", "command"),
            ("/opt/bin/ecr-credential-provider", "ecr"),
            ("ecr-credential-provider.exe", "ecr"),
            ("docker-credential-ecr-login", "ecr"),
            ("./gcr-credential-provider", "gcr"),
            ("auth-provider-gcp", "gcr"),
            ("docker-credential-gcr", "gcr"),
            ("docker-credential-gcloud", "gcr"),
            ("gcp-credential-provider", "gcr"),
            ("azure-acr-credential-provider", "acr"),
            ("azure-acr-credential-provider-linux-amd64", "acr"),
            ("docker-credential-acr", "acr"),
            ("docker-credential-acr-linux", "acr"),
            ("ecr-credential-provider-linux-amd64", "ecr"),
            ("docker-credential-regcred", "helper"),
            ("docker-credential-regcred-darwin-arm64", "helper"),
            ("regcred-linux-amd64", "command"),
        ] {
            assert_eq!(selected(argv0), program, "{argv0}");
        }
    }

    #[test]
    fn an_unknown_name_with_credential_in_it_is_refused_with_the_known_names() {
        for argv0 in [
            "docker-credential-pass",
            "/opt/harbor-credential-provider-amd64",
            "credential-provider-gke",
        ] {
            assert!(providers_of(argv0).is_none(), "{argv0}");
            let text = unknown(argv0).expect(argv0);
            for name in [
                "ecr-credential-provider",
                "docker-credential-gcloud",
                HELPER,
            ] {
                assert!(text.contains(name), "{text}");
            }
        }
        assert_eq!(unknown("/opt/credentials/regcred"), None);
    }

    #[test]
    fn no_name_selects_two_clouds() {
        let mut all: Vec<_> = regcred_providers::all()
            .into_iter()
            .flat_map(names)
            .collect();
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
