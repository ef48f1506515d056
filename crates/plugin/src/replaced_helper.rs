//! The commands and settings of a docker credential helper that this program replaces: those besides
//! docker's actions, for a program of the helper's name.

use std::borrow::Cow;

use regcred_core::{Env, ProviderError, ProviderSpec, ReplacedHelper};
use regcred_run::ProgramError;

use crate::program_name::program_name;

/// The helper that the program is by its name.
pub(crate) fn of(specs: &[&ProviderSpec], program: &str) -> Option<ReplacedHelper> {
    let program = program_name(program);
    let mut helpers = specs.iter().filter_map(|spec| spec.replaced_helper);
    helpers.find(|helper| helper.name == program)
}

/// Runs the helper's command, if the first argument is one; returns the text for standard output.
pub(crate) fn run(
    specs: &[&ProviderSpec],
    program: &str,
    args: &[String],
    env: &Env,
) -> Option<Result<String, ProgramError>> {
    let (command, args) = args.split_first()?;
    let helper = of(specs, program)?;
    let mut commands = helper.commands.iter();
    commands.find(|(name, _)| name == command)?;
    Some((helper.run)(env, command, args).map_err(ProgramError::from))
}

/// The environment with what the helper's own configuration file sets.
pub(crate) fn configured<'a>(
    specs: &[&ProviderSpec],
    program: &str,
    env: &'a Env,
) -> Result<Cow<'a, Env>, ProviderError> {
    match of(specs, program) {
        Some(helper) => Ok(Cow::Owned(env.with((helper.settings)(env)?))),
        None => Ok(Cow::Borrowed(env)),
    }
}

#[cfg(test)]
mod tests {
    use crate::fake::CANARY;
    use crate::run::testing::Started;

    #[test]
    fn the_helpers_own_commands_are_those_of_its_name_alone() {
        let done = Started::new("docker-credential-fake-login-linux-amd64", "config").run();
        assert_eq!((done.code, &*done.stdout), (0, "config is done\n"));
        let refused = Started::new("docker-credential-fake-login", "config --authFlow x").run();
        assert_eq!(refused.stderr, "fake: too many words\n");
        assert_eq!((refused.code, &*refused.stdout), (4, ""));
        let other = Started::new("docker-credential-silent-login", "config").run();
        assert!(
            other.stdout.contains("unknown action: config"),
            "{}",
            other.stdout
        );
    }

    #[test]
    fn the_helpers_own_settings_are_those_of_its_name_alone() {
        let ask = |program, action| {
            let run = Started::new(program, action).env(&[("FAKE_HELPER_MODE", "denied")]);
            run.stdin("fake.io").run()
        };
        let helper = ask("docker-credential-fake-login", "get");
        assert!(
            helper.stdout.contains("the role may not"),
            "{}",
            helper.stdout
        );
        for (program, action) in [
            ("docker-credential-silent-login", "get"),
            ("fake-credential-provider", "docker get"),
        ] {
            let done = ask(program, action);
            assert!(done.stdout.contains(CANARY), "{program}: {}", done.stdout);
        }
    }

    #[test]
    fn the_helpers_own_commands_are_in_its_help_alone() {
        let line = "\n  config                            Configure it.\n\nFlags:\n";
        let helper = Started::new("docker-credential-fake-login", "--help").run();
        assert!(helper.stdout.contains(line), "{}", helper.stdout);
        let plugin = Started::new("fake-credential-provider", "--help").run();
        assert!(
            !plugin.stdout.contains("Configure it."),
            "{}",
            plugin.stdout
        );
    }
}
