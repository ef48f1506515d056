//! One file, many names: which program a symlink to `regcred` runs.

use std::path::Path;

use regcred_core::ProviderSpec;

/// The providers of the program with this file name, which may be a path: one for a cloud's plugin or
/// helper, under our names or upstream's; all for [`HELPER`]; `None` for the command itself.
pub(crate) fn providers_of(argv0: &str) -> Option<Vec<&'static ProviderSpec>> {
    let name = file_name(argv0);
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

fn file_name(argv0: &str) -> &str {
    let name = Path::new(argv0).file_name().and_then(|name| name.to_str());
    let name = name.unwrap_or_default();
    name.strip_suffix(".exe").unwrap_or(name)
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
            ("docker-credential-regcred", "helper"),
        ] {
            assert_eq!(selected(argv0), program, "{argv0}");
        }
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
