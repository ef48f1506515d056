//! One file, many names: which program a symlink to `regcred` runs.

use std::path::Path;

use regcred_core::ProviderSpec;

/// The program that a file name selects.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Program {
    /// The command itself.
    Command,
    /// A cloud's plugin, or its credential helper.
    Plugin(&'static ProviderSpec),
    /// The credential helper for all clouds.
    Helper,
}

impl Program {
    /// The program of this file name, which may be a path.
    pub(crate) fn of(argv0: &str) -> Self {
        match file_name(argv0) {
            HELPER => Self::Helper,
            name => Self::plugin(name).map_or(Self::Command, Self::Plugin),
        }
    }

    /// The cloud with a plugin or helper of this name, under our own names or upstream's, or with
    /// this short name.
    pub(crate) fn plugin(name: &str) -> Option<&'static ProviderSpec> {
        regcred_providers::all()
            .into_iter()
            .find(|spec| names(spec).any(|known| known == name))
    }
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

pub(crate) const HELPER: &str = "docker-credential-regcred";

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(argv0: &str) -> String {
        match Program::of(argv0) {
            Program::Command => "command".to_owned(),
            Program::Helper => "helper".to_owned(),
            Program::Plugin(spec) => spec.name.to_owned(),
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
