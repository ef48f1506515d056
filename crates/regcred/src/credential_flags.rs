//! The flags that say where credentials come from, the same for every subcommand that needs them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use regcred_api::GoDuration;
use regcred_core::Env;
use regcred_engine::Improvements;

use crate::vars;

/// Sources of credentials, named as the kubelet names them.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[command(next_help_heading = "Credentials (each also as REGCRED_... variable)")]
pub(crate) struct CredentialFlags {
    /// The kubelet's CredentialProviderConfig: a file, or a directory of them
    #[arg(long, value_name = "PATH")]
    pub(crate) image_credential_provider_config: Option<PathBuf>,

    /// Directory of the plugins that the CredentialProviderConfig names
    #[arg(long, value_name = "DIR")]
    pub(crate) image_credential_provider_bin_dir: Option<PathBuf>,

    /// The kubelet's root directory, the first place where a docker configuration is looked for
    #[arg(long, value_name = "DIR")]
    pub(crate) root_dir: Option<PathBuf>,

    /// Docker configuration file, read instead of those that the kubelet looks for; repeatable
    #[arg(long, value_name = "PATH")]
    pub(crate) docker_config: Vec<PathBuf>,

    /// Pull secret: a Secret manifest in YAML or JSON, or a config.json; repeatable
    #[arg(long, value_name = "FILE")]
    pub(crate) pull_secret: Vec<PathBuf>,

    /// Directory of hosts.toml files in containerd's certs.d layout
    #[arg(long, value_name = "DIR")]
    pub(crate) hosts_dir: Option<PathBuf>,

    /// File with the service account token for plugins that want one
    #[arg(long, value_name = "FILE")]
    pub(crate) service_account_token: Option<PathBuf>,

    /// Annotation of that service account; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = annotation, requires = "service_account_token")]
    pub(crate) service_account_annotation: Vec<(String, String)>,

    /// Depart from the kubelet: all, or some of anonymous-last, ask-again, docker-hub-only,
    /// literal-ipv6, one-run-per-registry, short-empty-answers, skip-bad-entries
    #[arg(long, value_name = "NAME[,NAME]...")]
    pub(crate) improve: Option<Improvements>,

    /// How long a plugin may run before it is killed, such as 10s [default: 1m, the kubelet's]
    #[arg(long, value_name = "DURATION", value_parser = deadline)]
    pub(crate) plugin_deadline: Option<Duration>,
}

impl CredentialFlags {
    /// Fills what was not given from the variables.
    ///
    /// # Errors
    /// A sentence that names the variable with an unreadable value.
    pub(crate) fn or_env(mut self, env: &Env) -> Result<Self, String> {
        let path = |flag: Option<PathBuf>, name| flag.or_else(|| env.path(name));
        let paths = |flags: Vec<PathBuf>, name| match flags.is_empty() {
            true => env.get(name).map(split_paths).unwrap_or_default(),
            false => flags,
        };
        if self.service_account_annotation.is_empty() {
            let list = env
                .get(vars::SERVICE_ACCOUNT_ANNOTATION)
                .unwrap_or_default();
            let entries = list.split(',').map(str::trim).filter(|e| !e.is_empty());
            self.service_account_annotation = entries
                .map(annotation)
                .collect::<Result<_, _>>()
                .map_err(|why| format!("{}: {why}", vars::SERVICE_ACCOUNT_ANNOTATION))?;
        }
        if self.improve.is_none() {
            let names = env.get(vars::IMPROVE).unwrap_or_default();
            let chosen = names.parse();
            self.improve = Some(chosen.map_err(|why| format!("{}: {why}", vars::IMPROVE))?);
        }
        if let (None, Some(text)) = (self.plugin_deadline, env.get(vars::PLUGIN_DEADLINE)) {
            let length = deadline(text);
            let length = length.map_err(|why| format!("{}: {why}", vars::PLUGIN_DEADLINE))?;
            self.plugin_deadline = Some(length);
        }
        Ok(Self {
            image_credential_provider_config: path(
                self.image_credential_provider_config,
                vars::PROVIDER_CONFIG,
            ),
            image_credential_provider_bin_dir: path(
                self.image_credential_provider_bin_dir,
                vars::PROVIDER_BIN_DIR,
            ),
            root_dir: path(self.root_dir, vars::ROOT_DIR),
            docker_config: paths(self.docker_config, vars::DOCKER_CONFIG),
            pull_secret: paths(self.pull_secret, vars::PULL_SECRET),
            hosts_dir: path(self.hosts_dir, vars::HOSTS_DIR),
            service_account_token: path(self.service_account_token, vars::SERVICE_ACCOUNT_TOKEN),
            service_account_annotation: self.service_account_annotation,
            improve: self.improve,
            plugin_deadline: self.plugin_deadline,
        })
    }

    /// The annotations as a map; of a repeated key the last holds.
    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        self.service_account_annotation.iter().cloned().collect()
    }
}

fn split_paths(list: &str) -> Vec<PathBuf> {
    let parts = list.split(':').filter(|part| !part.is_empty());
    parts.map(PathBuf::from).collect()
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("an annotation is KEY=VALUE".to_owned()),
    }
}

/// A length of time as Go writes one.
fn deadline(text: &str) -> Result<Duration, String> {
    let length: Option<GoDuration> = text.parse().ok();
    let nanos = length.and_then(|length| u64::try_from(length.0).ok());
    match nanos.filter(|nanos| *nanos > 0) {
        Some(nanos) => Ok(Duration::from_nanos(nanos)),
        None => Err(format!(
            "{text:?} is no length of time such as 10s or 1m30s"
        )),
    }
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

    #[test]
    fn flags_are_named_as_the_kubelet_names_them() {
        let flags = parse(&[
            "--image-credential-provider-config=/etc/c.yaml",
            "--image-credential-provider-bin-dir=/bin",
            "--root-dir=/root",
            "--docker-config=/a",
            "--docker-config=/b",
            "--pull-secret=/s",
            "--hosts-dir=/h",
            "--service-account-token=/t",
            "--service-account-annotation=k=v=w",
            "--improve=ask-again,anonymous-last",
            "--plugin-deadline=1m30s",
        ])
        .expect("sound");
        assert_eq!(flags.docker_config, [PathBuf::from("/a"), "/b".into()]);
        assert_eq!(flags.annotations()["k"], "v=w");
        let improve = flags.improve.expect("chosen");
        assert!(improve.ask_again && improve.anonymous_last && !improve.docker_hub_only);
        assert_eq!(flags.plugin_deadline, Some(Duration::from_secs(90)));
        for wrong in ["0s", "-1s", "10", "soon", ""] {
            let flag = format!("--plugin-deadline={wrong}");
            let error = parse(&[&flag]).expect_err("no length of time");
            assert!(error.contains("--plugin-deadline"), "{error}");
        }
        let error = parse(&["--improve=faster"]).expect_err("unknown");
        assert!(error.contains("no improvement is called"), "{error}");
        assert!(
            parse(&["--service-account-annotation=k=v"]).is_err(),
            "no token"
        );
        assert!(
            parse(&[
                "--service-account-token=/t",
                "--service-account-annotation=k"
            ])
            .is_err()
        );
    }

    #[test]
    fn every_flag_has_a_variable_and_wins_over_it() {
        let values = vars::VARS.iter().map(|var| match var.name {
            vars::IMPROVE => (var.name, "all"),
            vars::PLUGIN_DEADLINE => (var.name, "1500ms"),
            name => (name, "x=1:y"),
        });
        let from_env = CredentialFlags::default()
            .or_env(&Env::map(values))
            .expect("sound");
        let two: Vec<PathBuf> = vec!["x=1".into(), "y".into()];
        assert_eq!(from_env.docker_config, two);
        assert_eq!(from_env.pull_secret, two);
        assert_eq!(from_env.annotations()["x"], "1:y");
        assert_eq!(from_env.improve, Some(Improvements::all()));
        assert_eq!(from_env.plugin_deadline, Some(Duration::from_millis(1500)));
        let one: Option<PathBuf> = Some("x=1:y".into());
        let CredentialFlags {
            image_credential_provider_config,
            image_credential_provider_bin_dir,
            root_dir,
            hosts_dir,
            service_account_token,
            ..
        } = from_env;
        for path in [
            image_credential_provider_config,
            image_credential_provider_bin_dir,
            root_dir,
            hosts_dir,
            service_account_token,
        ] {
            assert_eq!(path, one);
        }

        let env = Env::map([(vars::ROOT_DIR, "/env"), (vars::DOCKER_CONFIG, "/env")]);
        let flags = parse(&["--root-dir=/flag", "--docker-config=/flag"]).expect("sound");
        let flags = flags.or_env(&env).expect("sound");
        assert_eq!(flags.root_dir, Some("/flag".into()));
        assert_eq!(flags.docker_config, [PathBuf::from("/flag")]);
    }

    #[test]
    fn the_flag_lists_every_improvement() {
        let command = <Line as clap::CommandFactory>::command();
        let mut arguments = command.get_arguments();
        let flag = arguments.find(|a| a.get_long() == Some("improve"));
        let help = flag
            .and_then(clap::Arg::get_help)
            .expect("help")
            .to_string();
        let doc = vars::VARS.iter().find(|var| var.name == vars::IMPROVE);
        let doc = doc.expect("listed").doc;
        for name in Improvements::names() {
            assert!(help.contains(name) && doc.contains(name), "{name}");
        }
    }

    #[test]
    fn a_broken_variable_is_named() {
        let env = Env::map([(vars::IMPROVE, "faster")]);
        let error = CredentialFlags::default()
            .or_env(&env)
            .expect_err("unknown");
        assert!(
            error.starts_with("REGCRED_IMPROVE: no improvement"),
            "{error}"
        );
        let env = Env::map([(vars::PLUGIN_DEADLINE, "10")]);
        let error = CredentialFlags::default()
            .or_env(&env)
            .expect_err("no unit");
        assert!(
            error.starts_with("REGCRED_PLUGIN_DEADLINE: \"10\""),
            "{error}"
        );
        let env = Env::map([(vars::SERVICE_ACCOUNT_ANNOTATION, "k")]);
        let error = CredentialFlags::default()
            .or_env(&env)
            .expect_err("no value");
        assert!(
            error.starts_with("REGCRED_SERVICE_ACCOUNT_ANNOTATION: "),
            "{error}"
        );
    }
}
