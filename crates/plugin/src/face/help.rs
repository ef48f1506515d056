//! `--help` and `--version`.

use crate::context::Context;

/// The help page of a plugin.
pub(crate) fn help(context: &Context<'_>) -> String {
    let program = context.program;
    let mut text = format!(
        "Credentials for {} to the kubelet, to docker and to people.\n\n\
         Usage: {program} [FLAGS] [COMMAND]\n\n\
         Without a command and with standard input not a terminal it answers the kubelet.\n\n\
         Commands:\n",
        context.titles()
    );
    for (command, doc) in COMMANDS {
        text.push_str(&row(command, doc));
    }
    text.push_str("\nFlags:\n");
    for spec in context.specs {
        for flag in spec.flags() {
            let short = flag.short.map(|letter| format!("-{letter}, "));
            let value = flag.value.map(|value| format!(" {value}"));
            let name = format!(
                "{}--{}{}",
                short.unwrap_or_default(),
                flag.name,
                value.unwrap_or_default()
            );
            text.push_str(&row(&name, &format!("{} [{}]", flag.doc, flag.var)));
        }
    }
    for (flag, doc) in FLAGS {
        text.push_str(&row(flag, doc));
    }
    text.push_str("\nVariables, beside those in brackets:\n");
    for (variable, doc) in VARIABLES {
        text.push_str(&row(variable, doc));
    }
    text
}

/// One line with the version.
pub(crate) fn version(context: &Context<'_>) -> String {
    format!("{} {}\n", context.program, env!("CARGO_PKG_VERSION"))
}

fn row(name: &str, doc: &str) -> String {
    if name.len() > COLUMN {
        return format!("  {name}\n  {:COLUMN$}  {doc}\n", "");
    }
    format!("  {name:COLUMN$}  {doc}\n")
}

const COLUMN: usize = 32;

const COMMANDS: &[(&str, &str)] = &[
    (
        "kubelet, get-credentials",
        "Answer a CredentialProviderRequest on standard input.",
    ),
    (
        "docker get|store|erase|list|version",
        "Act as a docker credential helper.",
    ),
    ("token [IMAGE|HOST]", "Print a credential, see --output."),
    (
        "match-images",
        "Print the images served, one pattern a line.",
    ),
    ("cache show|clear", "Look at or empty the shared cache."),
    (
        "configure-docker",
        "Name this helper in docker's config.json, see --registries.",
    ),
];

const FLAGS: &[(&str, &str)] = &[
    (
        "-o, --output FORM",
        "token: text, json, docker-config or kubernetes-secret.",
    ),
    ("--name NAME", "token: name of the Secret."),
    ("-n, --namespace NAME", "token: namespace of the Secret."),
    (
        "--registries HOST,...",
        "configure-docker: the registries, where the provider does not know them.",
    ),
    (
        "-v, --v N",
        "Log more, as klog does: 1 info, 3 debug, 6 trace. Its other flags are accepted.",
    ),
    ("-h, --help", "Print this."),
    ("--version", "Print the version."),
];

const VARIABLES: &[(&str, &str)] = &[
    ("REGCRED_CACHE", "Directory of the shared cache, or off."),
    (
        "REGCRED_LOG",
        "Log level, or a list of target=level; warn by default.",
    ),
];

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
