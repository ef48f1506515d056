//! `--help` and `--version`.

use crate::context::Context;
use crate::program_name::is_helper;
use crate::replaced_helper;

/// The help page of a plugin.
pub(crate) fn help(context: &Context<'_>) -> String {
    let (program, titles) = (context.program, context.titles());
    let mut text =
        format!("Credentials for {titles}: for the kubelet, for docker and for people.\n\n");
    let (without, docker) = if is_helper(program) {
        (HELPER_WITHOUT, HELPER_DOCKER)
    } else {
        (WITHOUT, DOCKER)
    };
    text.push_str(&format!(
        "Usage: {program} [FLAGS] [COMMAND]\n\n{without}{KUBELET}{docker}{COMMANDS}"
    ));
    let replaced = replaced_helper::of(context.specs, program);
    for (name, doc) in replaced.iter().flat_map(|helper| helper.commands) {
        text.push_str(&format!("  {name:COLUMN$}  {doc}\n"));
    }
    text.push_str("\nFlags:\n");
    let flags: Vec<_> = context.specs.iter().flat_map(|spec| spec.flags()).collect();
    // A flag of several clouds is not accepted; each has its variable.
    let is_of_one = |name| flags.iter().filter(|flag| flag.name == name).count() == 1;
    for flag in flags.iter().filter(|flag| is_of_one(flag.name)) {
        let short = flag.short.map(|letter| format!("-{letter}, "));
        let value = flag.value.map(|value| format!(" {value}"));
        let (short, value) = (short.unwrap_or_default(), value.unwrap_or_default());
        let mut name = format!("{short}--{}{value}", flag.name);
        if name.len() > COLUMN {
            name.push_str(&format!("\n  {:COLUMN$}", ""));
        }
        text.push_str(&format!("  {name:COLUMN$}  {} [{}]\n", flag.doc, flag.var));
    }
    text + FLAGS
}

/// One line with the version.
pub(crate) fn version(context: &Context<'_>) -> String {
    format!("{} {}\n", context.program, env!("CARGO_PKG_VERSION"))
}

/// Where a description begins.
const COLUMN: usize = 32;

const WITHOUT: &str = "\
Without a command, and if standard input is not a terminal, it answers the kubelet.
";
const HELPER_WITHOUT: &str = "\
By its name it is a docker credential helper: it answers the kubelet only with the command.
";
const KUBELET: &str = "
Commands:
  kubelet, get-credentials          Answer a CredentialProviderRequest on standard input.
";
const DOCKER: &str = "  \
  docker get|store|erase|list|version
                                    Act as a docker credential helper. The server's URL is read from
                                    standard input.
";
const HELPER_DOCKER: &str = "  \
  get, store, erase, list, version  Docker's actions. The server's URL is read from standard input.
";

const COMMANDS: &str = "  \
  token [IMAGE|HOST]                Print a credential, see --output.
  match-images                      Print the patterns of the images served, one per line.
  cache show|clear                  Show or clear the shared cache.
  configure-docker                  Set this helper in docker's config.json, see --registries, or
                                    remove it. Docker passes no flags to it: set their variables.
";

const FLAGS: &str = "  \
  -o, --output FORM                 token: text, json, docker-config or kubernetes-secret.
  --name NAME                       token: name of the Secret.
  -n, --namespace NAME              token: namespace of the Secret.
  --registries HOST,...             configure-docker: the registries, if the provider cannot name them.
  --remove                          configure-docker: remove this helper from all registries, or from those named.
  --dry-run                         configure-docker: print what would change, and write nothing.
  -v, --v N                         Log more, as klog does: 1 info, 3 debug, 6 trace. klog's other flags
                                    are accepted and ignored.
  -h, --help                        Print this help.
  --version                         Print the version.

Variables, besides those in brackets:
  REGCRED_CACHE                     Directory of the shared cache, or off.
  REGCRED_LOG                       Log level, or a list of target=level; warn by default.
";

#[cfg(test)]
mod tests {
    use crate::run::testing::Started;

    #[test]
    fn help_names_every_flag_and_its_variable() {
        let answer = Started::new("fake-credential-provider", "--help").run();
        assert_eq!(answer.code, 0);
        for text in [
            "Fake Registry",
            "-a, --authFlow FLOW",
            "[FAKE_MODE]",
            "-b, --broken ",
            "match-images",
        ] {
            assert!(answer.stdout.contains(text), "{text}: {}", answer.stdout);
        }
        assert!(answer.stdout.lines().all(|line| line.len() <= 120));
    }

    #[test]
    fn a_helpers_help_describes_what_the_helper_does() {
        let plugin = Started::new("fake-credential-provider", "--help").run();
        let helper = Started::new("docker-credential-fake-login", "--help").run();
        let without = "Without a command, and if standard input is not a terminal";
        assert!(plugin.stdout.contains(without), "{}", plugin.stdout);
        assert!(!helper.stdout.contains(without), "{}", helper.stdout);
        for text in ["\n  get, store, erase,", "only with the command.\n"] {
            assert!(helper.stdout.contains(text), "{}", helper.stdout);
        }
        for help in [plugin.stdout, helper.stdout] {
            assert!(help.contains("server's URL is read from"), "{help}");
            assert!(help.lines().all(|line| line.len() <= 120));
        }
    }

    #[test]
    fn a_person_at_the_terminal_gets_help() {
        let answer = Started::new("fake-credential-provider", "")
            .terminal()
            .run();
        assert_eq!(answer.code, 0);
        assert!(answer.stdout.contains("Usage: fake-credential-provider"));
    }

    #[test]
    fn the_version_is_one_line() {
        let answer = Started::new("/opt/fake-credential-provider", "--version").run();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            answer.stdout,
            format!("fake-credential-provider {version}\n")
        );
    }
}
