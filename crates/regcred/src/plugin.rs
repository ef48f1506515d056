//! `regcred plugin NAME`: runs as any program that a symlink to this file can name, for places where
//! symlinks are flattened or argv[0] is rewritten.

use std::process::ExitCode;

use clap::CommandFactory as _;
use regcred_plugin::run_as;
use regcred_run::{conclude, exit_code, output};

use crate::cli::{Cli, PluginArgs};
use crate::multicall::{known, plugin_name, providers_of};

pub(crate) fn run(PluginArgs { name, args }: PluginArgs) -> ExitCode {
    // The flags after the name are the plugin's own.
    if ["-h", "--help"].contains(&&*name) {
        return conclude(output::write(&help())).into();
    }
    let program = program(&name);
    match providers_of(&program) {
        Some(specs) => run_as(&specs, &program, args),
        None => {
            output::note(&unknown(&name));
            ExitCode::from(exit_code::USAGE)
        }
    }
}

fn help() -> String {
    let mut command = Cli::command();
    command.build();
    let plugin = command.find_subcommand_mut("plugin");
    plugin.map_or_else(String::new, |plugin| plugin.render_long_help().to_string())
}

/// The program of a cloud's short name, or the one of this name.
fn program(name: &str) -> String {
    let spec = regcred_providers::by_name(name);
    spec.map_or_else(|| name.to_owned(), plugin_name)
}

fn unknown(name: &str) -> String {
    let clouds: Vec<_> = regcred_providers::all().iter().map(|s| s.name).collect();
    format!(
        "{name:?} is not a plugin; expected one of {}, or {}",
        clouds.join(", "),
        known()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_is_named_by_its_cloud_or_its_file() {
        for (name, cloud, file) in [
            ("ecr", "ecr", "ecr-credential-provider"),
            ("gcr-credential-provider", "gcr", "gcr-credential-provider"),
            ("auth-provider-gcp", "gcr", "auth-provider-gcp"),
            (
                "docker-credential-ecr-login",
                "ecr",
                "docker-credential-ecr-login",
            ),
        ] {
            let found = program(name);
            let specs = providers_of(&found).expect(name);
            assert_eq!((specs[0].name, found.as_str()), (cloud, file));
        }
        assert!(providers_of(&program("other")).is_none());
        assert!(unknown("other").contains("ecr, gcr"));
    }

    #[test]
    fn the_commands_own_help_names_its_arguments() {
        let text = help();
        for part in [
            "Usage: regcred plugin <NAME> [ARGS]...",
            "Short name of a cloud",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }
}
