//! `regcred plugin NAME`: runs as any program that a symlink to this file can name, for places where
//! symlinks are flattened or argv[0] is rewritten.

use std::process::ExitCode;

use regcred_core::ProviderSpec;
use regcred_plugin::{run_as, run_helper};
use regcred_run::{exit_code, output};

use crate::cli::PluginArgs;
use crate::multicall::{HELPER, Program, plugin_name};

pub(crate) fn run(PluginArgs { name, args }: PluginArgs) -> ExitCode {
    if name == HELPER {
        return run_helper(&regcred_providers::all(), HELPER, args);
    }
    match named(&name) {
        Some((spec, program)) => run_as(spec, &program, args),
        None => {
            output::note(&unknown(&name));
            ExitCode::from(exit_code::USAGE)
        }
    }
}

/// The cloud, and the program name that selects plugin or helper.
fn named(name: &str) -> Option<(&'static ProviderSpec, String)> {
    match regcred_providers::by_name(name) {
        Some(spec) => Some((spec, plugin_name(spec))),
        None => Program::plugin(name).map(|spec| (spec, name.to_owned())),
    }
}

fn unknown(name: &str) -> String {
    let known: Vec<_> = regcred_providers::all().iter().map(|s| s.name).collect();
    format!(
        "there is no plugin {name:?}; expected one of {}, or {HELPER}",
        known.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_named_by_its_cloud_or_its_file() {
        for (name, cloud, program) in [
            ("ecr", "ecr", "ecr-credential-provider"),
            ("gcr-credential-provider", "gcr", "gcr-credential-provider"),
            ("auth-provider-gcp", "gcr", "auth-provider-gcp"),
            (
                "docker-credential-ecr-login",
                "ecr",
                "docker-credential-ecr-login",
            ),
        ] {
            let (spec, found) = named(name).expect(name);
            assert_eq!((spec.name, found.as_str()), (cloud, program));
        }
        assert!(named("nobody").is_none());
        assert!(unknown("nobody").contains("ecr, gcr"));
    }
}
