//! The options that say where credentials come from, the same for every subcommand that needs them:
//! each is a flag and a variable.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use regcred_core::{Env, EnvVar, options};
use regcred_engine::Improvements;
use regcred_go::GoDuration;

options! {
    /// Every variable of the command, each with its flag. A flag wins over its variable.
    pub VARS:
    PROVIDER_CONFIG = option(
        "REGCRED_IMAGE_CREDENTIAL_PROVIDER_CONFIG", "image-credential-provider-config", "PATH",
        "The kubelet's CredentialProviderConfig: a file, or a directory of them.",
        "no plugin is asked");
    PROVIDER_BIN_DIR = option(
        "REGCRED_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR", "image-credential-provider-bin-dir", "DIR",
        "Directory of the plugins that the CredentialProviderConfig names.", "");
    ROOT_DIR = option("REGCRED_ROOT_DIR", "root-dir", "DIR",
        "The kubelet's root directory, the first place where a docker configuration is looked for.",
        "`/var/lib/kubelet`");
    DOCKER_CONFIG = option("REGCRED_DOCKER_CONFIG", "docker-config", "FILE",
        "Docker configuration file, or `-`, read instead of those that the kubelet looks for.", "");
    PULL_SECRET = EnvVar::new("REGCRED_PULL_SECRET",
        "Pull secrets, separated by `:`: Secret manifests in YAML or JSON, or `config.json` files.",
        "")
        .flag("pull-secret", "FILE",
        "Pull secret, or -: a Secret manifest in YAML or JSON, or a `config.json`; repeatable");
    HOSTS_DIR = option("REGCRED_HOSTS_DIR", "hosts-dir", "DIR[:DIR]...",
        "Directories of `hosts.toml` files in containerd's `certs.d` layout, as in its `config_path`; \
         the first with an entry for the registry counts.", "");
    SERVICE_ACCOUNT_TOKEN = option(
        "REGCRED_SERVICE_ACCOUNT_TOKEN", "service-account-token", "FILE",
        "File with the service account token for plugins that require one, or `-`.", "");
    SERVICE_ACCOUNT_ANNOTATION = EnvVar::new("REGCRED_SERVICE_ACCOUNT_ANNOTATION",
        "The service account's annotations, `KEY=VALUE` separated by commas.", "")
        .flag("service-account-annotation", "KEY=VALUE",
        "Annotation of that service account; repeatable");
    IMPROVE = option("REGCRED_IMPROVE", "improve", "NAME[,NAME]...",
        "Where to depart from the kubelet: `all`, or some of `anonymous-last`, `ask-again`, \
         `docker-hub-only`, `literal-ipv6`, `one-run-per-registry`, `short-empty-answers`, \
         `skip-bad-entries`, `withhold-from-mirrors`, separated by commas.", "exactly the kubelet's answers");
    ENVIRONMENT_OF = option("REGCRED_ENVIRONMENT_OF", "environment-of", "PROCESS",
        "Run plugins with the environment of this process, by its number or name: `kubelet`.",
        "the command's own environment");
    PLUGIN_DEADLINE = option("REGCRED_PLUGIN_DEADLINE", "plugin-deadline", "DURATION",
        "How long a plugin may run before it is killed, such as `10s`.", "`1m`, the kubelet's");
}

/// A row whose variable and flag take the same value.
const fn option(
    name: &'static str,
    flag: &'static str,
    value: &'static str,
    doc: &'static str,
    default: &'static str,
) -> EnvVar {
    EnvVar::new(name, doc, default).flag(flag, value, doc)
}

/// What separates the values of a repeatable option in its variable.
fn separator(variable: &str) -> Option<char> {
    match variable {
        PULL_SECRET => Some(':'),
        SERVICE_ACCOUNT_ANNOTATION => Some(','),
        _ => None,
    }
}

/// The values of flags, by variable.
#[derive(Clone, Debug, Default)]
pub(crate) struct CredentialFlags(BTreeMap<&'static str, Vec<String>>);

impl Args for CredentialFlags {
    fn augment_args(command: Command) -> Command {
        let command = command.next_help_heading("Credentials (each also as REGCRED_... variable)");
        VARS.iter()
            .fold(command, |command, row| command.args(arguments(row)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl CredentialFlags {
    /// Sets a flag that was not given.
    pub(crate) fn set_default(&mut self, variable: &'static str, value: String) {
        self.0.entry(variable).or_insert_with(|| vec![value]);
    }
}

fn arguments(row: &'static EnvVar) -> impl Iterator<Item = Arg> {
    let needed = (row.name == SERVICE_ACCOUNT_ANNOTATION).then_some(SERVICE_ACCOUNT_TOKEN);
    let action = match separator(row.name) {
        Some(_) => ArgAction::Append,
        None => ArgAction::Set,
    };
    row.flags.iter().flatten().map(move |flag| {
        let mut help = flag.doc.trim_end_matches('.').to_owned();
        if !row.default.is_empty() {
            help.push_str(&format!(" [default: {}]", row.default));
        }
        let arg = Arg::new(row.name)
            .long(flag.name)
            .value_parser(NonEmptyStringValueParser::new())
            .value_name(flag.value.unwrap_or_default());
        let arg = arg.help(help.replace('`', ""));
        arg.action(action.clone()).requires_all(needed)
    })
}

impl FromArgMatches for CredentialFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let given = VARS.iter().filter_map(|row| {
            let values = matches.get_many::<String>(row.name)?;
            Some((row.name, values.cloned().collect()))
        });
        Ok(Self(given.collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.extend(Self::from_arg_matches(matches)?.0);
        Ok(())
    }
}

/// The values of flags, and the variables for flags that are absent.
pub(crate) struct CredentialOptions<'a> {
    pub(crate) flags: &'a CredentialFlags,
    pub(crate) env: &'a Env,
}

impl CredentialOptions<'_> {
    pub(crate) fn path(&self, variable: &str) -> Option<PathBuf> {
        self.paths(variable).next()
    }

    pub(crate) fn paths(&self, variable: &str) -> impl Iterator<Item = PathBuf> {
        self.values(variable).1.into_iter().map(PathBuf::from)
    }

    pub(crate) fn text(&self, variable: &str) -> Option<&str> {
        self.values(variable).1.first().copied()
    }

    /// The flag if it was given, else the variable: what a message names.
    pub(crate) fn origin(&self, variable: &str) -> String {
        self.values(variable).0
    }

    /// The annotations as a map; the last value of a repeated key counts.
    pub(crate) fn annotations(&self) -> Result<BTreeMap<String, String>, String> {
        let parsed = self.parsed(SERVICE_ACCOUNT_ANNOTATION, annotation)?;
        Ok(parsed.into_iter().collect())
    }

    pub(crate) fn improvements(&self) -> Result<Improvements, String> {
        let parsed = self.parsed(IMPROVE, improvements)?;
        Ok(parsed.first().copied().unwrap_or_default())
    }

    pub(crate) fn plugin_deadline(&self) -> Result<Option<Duration>, String> {
        Ok(self.parsed(PLUGIN_DEADLINE, positive_duration)?.pop())
    }

    /// The parsed values; the error names the flag or the variable.
    fn parsed<T>(
        &self,
        variable: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, String> {
        let (origin, values) = self.values(variable);
        let parsed = values.into_iter().map(parse).collect::<Result<_, _>>();
        parsed.map_err(|why| format!("{origin}: {why}"))
    }

    /// The values, and the name of the flag or the variable that they come from.
    fn values(&self, variable: &str) -> (String, Vec<&str>) {
        if let Some(values) = self.flags.0.get(variable) {
            let row = VARS.iter().find(|row| row.name == variable);
            let flag = row
                .and_then(|row| row.flags[0])
                .map_or("", |flag| flag.name);
            let values = values.iter().map(String::as_str);
            return (format!("--{flag}"), values.collect());
        }
        let text = self.env.get(variable).unwrap_or_default();
        let parts = text.split(|c| Some(c) == separator(variable));
        let values = parts.filter(|part| !part.trim().is_empty()).collect();
        (variable.to_owned(), values)
    }
}

fn improvements(text: &str) -> Result<Improvements, String> {
    match text.parse() {
        Ok(chosen) if chosen == Improvements::default() => Err("has no name".to_owned()),
        Ok(chosen) => Ok(chosen),
        Err(unknown) => Err(unknown.to_string()),
    }
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.trim().split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected an annotation as KEY=VALUE".to_owned()),
    }
}

/// A positive duration in Go's syntax.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration: Option<GoDuration> = text.parse().ok();
    let duration = duration.and_then(GoDuration::to_std);
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("{text:?} is not a positive duration such as 10s or 1m30s"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        flags: CredentialFlags,
    }

    fn parse(args: &[&str]) -> Result<CredentialFlags, String> {
        let args = std::iter::once(&"x").chain(args);
        let line = Line::try_parse_from(args).map_err(|e| e.to_string())?;
        Ok(line.flags)
    }

    fn paths(options: &CredentialOptions<'_>, variable: &str) -> Vec<String> {
        let paths = options.paths(variable);
        paths.map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn flags_are_named_as_the_kubelet_names_them() {
        let flags = &parse(&[
            "--image-credential-provider-config=/etc/c.yaml",
            "--image-credential-provider-bin-dir=/bin",
            "--root-dir=/root",
            "--docker-config=/a:b",
            "--pull-secret=/s",
            "--hosts-dir=/h",
            "--service-account-token=/t",
            "--service-account-annotation=k=v=w",
            "--improve=ask-again,anonymous-last",
            "--plugin-deadline=1m30s",
        ])
        .expect("sound");
        let env = &Env::default();
        let options = CredentialOptions { flags, env };
        for (variable, expected) in [
            (PROVIDER_CONFIG, &["/etc/c.yaml"][..]),
            (PROVIDER_BIN_DIR, &["/bin"]),
            (ROOT_DIR, &["/root"]),
            (DOCKER_CONFIG, &["/a:b"]),
            (PULL_SECRET, &["/s"]),
            (HOSTS_DIR, &["/h"]),
            (SERVICE_ACCOUNT_TOKEN, &["/t"]),
        ] {
            assert_eq!(paths(&options, variable), expected, "{variable}");
        }
        assert_eq!(options.annotations().expect("sound")["k"], "v=w");
        let improve = options.improvements().expect("sound");
        assert!(improve.ask_again && improve.anonymous_last && !improve.keyring.docker_hub_only);
        let deadline = options.plugin_deadline().expect("sound");
        assert_eq!(deadline, Some(Duration::from_secs(90)));
        assert!(
            parse(&["--service-account-annotation=k=v"]).is_err(),
            "no token"
        );
        assert!(
            parse(&["--docker-config=/a", "--docker-config=/b"]).is_err(),
            "a kubelet uses one"
        );
        for row in VARS {
            let flag = format!("--{}=", row.flags[0].expect("a flag").name);
            assert!(parse(&[&flag]).is_err(), "{flag}");
        }
    }

    #[test]
    fn every_flag_has_a_variable_and_wins_over_it() {
        let values = VARS.iter().map(|var| match var.name {
            IMPROVE => (var.name, "all"),
            PLUGIN_DEADLINE => (var.name, "1500ms"),
            name => (name, "x=1:y"),
        });
        let flags = &CredentialFlags::default();
        let env = &Env::map(values);
        let from_env = CredentialOptions { flags, env };
        assert_eq!(paths(&from_env, PULL_SECRET), ["x=1", "y"]);
        for path in [
            DOCKER_CONFIG,
            PROVIDER_CONFIG,
            PROVIDER_BIN_DIR,
            ROOT_DIR,
            HOSTS_DIR,
            SERVICE_ACCOUNT_TOKEN,
        ] {
            assert_eq!(from_env.path(path), Some("x=1:y".into()));
        }
        assert_eq!(from_env.annotations().expect("sound")["x"], "1:y");
        assert_eq!(from_env.improvements(), Ok(Improvements::all()));
        let deadline = from_env.plugin_deadline().expect("sound");
        assert_eq!(deadline, Some(Duration::from_millis(1500)));

        let flags = &parse(&["--root-dir=/flag", "--docker-config=/flag"]).expect("sound");
        let options = CredentialOptions { flags, env };
        assert_eq!(options.path(ROOT_DIR), Some("/flag".into()));
        assert_eq!(paths(&options, DOCKER_CONFIG), ["/flag"]);
        assert_eq!(paths(&options, PULL_SECRET), ["x=1", "y"]);
    }

    #[test]
    fn annotations_in_the_variable_may_have_blanks_around_them() {
        let flags = &CredentialFlags::default();
        let env = &Env::map([(SERVICE_ACCOUNT_ANNOTATION, "a=1, b=2 ,,")]);
        let annotations = CredentialOptions { flags, env }.annotations();
        let annotations = annotations.expect("sound").into_iter();
        let expected = [("a", "1"), ("b", "2")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(annotations.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_improvement_is_listed() {
        let row = VARS.iter().find(|row| row.name == IMPROVE);
        let row = row.expect("listed");
        for name in Improvements::names() {
            assert!(row.doc.contains(name), "{name}");
        }
    }

    #[test]
    fn the_origin_of_a_broken_value_is_named() {
        let error = |variable: &'static str, text: &str| {
            let row = VARS.iter().find(|row| row.name == variable).expect("a row");
            let flag = format!("--{}", row.flags[0].expect("a flag").name);
            let given = CredentialFlags([(variable, vec![text.to_owned()])].into());
            let (none, set) = (&Env::default(), &Env::map([(variable, text)]));
            let both = [(&given, none), (&CredentialFlags::default(), set)];
            let [by_flag, by_variable] = both.map(|(flags, env)| {
                let options = CredentialOptions { flags, env };
                let read = options.annotations().and(options.improvements());
                let read = read.and(options.plugin_deadline());
                read.expect_err(text)
            });
            let why = by_flag.strip_prefix(&format!("{flag}: ")).expect(&by_flag);
            assert_eq!(by_variable, format!("{variable}: {why}"));
            why.to_owned()
        };
        assert!(error(IMPROVE, "faster").starts_with("unknown improvement \"faster\""));
        assert_eq!(error(IMPROVE, " ,"), "has no name");
        assert!(error(SERVICE_ACCOUNT_ANNOTATION, "k").contains("KEY=VALUE"));
        for wrong in ["0s", "-1s", "10", "soon"] {
            assert!(error(PLUGIN_DEADLINE, wrong).starts_with(&format!("{wrong:?} is not")));
        }
    }
}
