//! A single target without a file: given by flags, or by the variables of the tools that regcred
//! replaces.

use std::path::PathBuf;

use regcred_api::docker_config::Format;
use regcred_core::{Clock, Env, ProviderSpec, RegistryHost};

use super::document::{Config, ConfigError};
use super::registry::{FILE, Registry, ecr_host, registry_key};
use super::target::{
    DockerConfigTarget, Namespaces, Ownership, SecretTarget, ServiceAccounts, Target,
};

/// One target, fed by the providers that serve the given hosts
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "A single target, without --config")]
pub(crate) struct SingleTarget {
    /// A registry host; repeatable
    #[arg(long = "host", value_name = "HOST")]
    pub(crate) hosts: Vec<String>,

    /// The provider [default: the one that serves the host]
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,

    /// An ECR account, with --region; repeatable
    #[arg(long = "account", value_name = "NUMBER")]
    pub(crate) accounts: Vec<String>,

    /// The account's region
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,

    /// The role to assume for ECR
    #[arg(long, value_name = "ARN")]
    pub(crate) role: Option<String>,

    /// Copy the logins of this docker configuration
    #[arg(long = "from-file", value_name = "FILE")]
    pub(crate) source_file: Option<PathBuf>,

    /// The Secret's name
    #[arg(long, value_name = "NAME")]
    pub(crate) secret: Option<String>,

    /// A namespace by name or pattern; repeatable [default: all]
    #[arg(short, long = "namespace", value_name = "NAME")]
    pub(crate) namespaces: Vec<String>,

    /// A namespace to leave out; repeatable
    #[arg(long = "exclude-namespace", value_name = "NAME")]
    pub(crate) exclude: Vec<String>,

    /// A service account that lists the Secret; repeatable
    #[arg(long = "service-account", value_name = "NAME")]
    pub(crate) service_accounts: Vec<String>,

    /// Every service account lists the Secret
    #[arg(long)]
    pub(crate) all_service_accounts: bool,

    /// A docker configuration file to keep fresh
    #[arg(long, value_name = "FILE")]
    pub(crate) docker_config: Option<PathBuf>,

    /// Registries with logins that do not expire.
    #[arg(skip)]
    pub(crate) logins: Vec<Registry>,

    /// Whether Secrets that others created are taken over.
    #[arg(skip)]
    pub(crate) force: bool,
}

impl SingleTarget {
    /// The equivalent configuration file, unless no registry was given or no provider serves one.
    pub(crate) fn into_config(
        self,
        specs: &[&'static ProviderSpec],
        env: &Env,
    ) -> Result<Config, ConfigError> {
        let registries = self.registries(specs, env)?;
        let mut targets = Vec::new();
        if let Some(path) = self.docker_config {
            targets.push(Target {
                name: "docker-config".to_owned(),
                docker_config: Some(DockerConfigTarget {
                    path,
                    owner: None,
                    mode: None,
                }),
                ..Target::default()
            });
        }
        if let Some(name) = self.secret {
            let mut namespaces = Namespaces {
                exclude: self.exclude,
                ..Namespaces::default()
            };
            if !self.namespaces.is_empty() {
                namespaces.include = self.namespaces;
            }
            targets.push(Target {
                name: name.clone(),
                secret: Some(SecretTarget {
                    name,
                    kind: Format::ConfigJson.secret_type().to_owned(),
                    labels: Default::default(),
                    annotations: Default::default(),
                    ownership: if self.force {
                        Ownership::Force
                    } else {
                        Ownership::Refuse
                    },
                }),
                namespaces,
                service_accounts: ServiceAccounts {
                    names: self.service_accounts,
                    all: self.all_service_accounts,
                    selector: None,
                },
                ..Target::default()
            });
        }
        Ok(Config {
            registries,
            targets,
            ..Config::default()
        })
    }

    fn registries(
        &self,
        specs: &[&'static ProviderSpec],
        env: &Env,
    ) -> Result<Vec<Registry>, ConfigError> {
        let mut registries: Vec<Registry> = Vec::new();
        if let Some(path) = &self.source_file {
            registries.push(Registry {
                name: "file".to_owned(),
                provider: FILE.to_owned(),
                path: Some(path.clone()),
                ..Registry::default()
            });
        }
        let mut hosts: Vec<String> = self.hosts.iter().map(|host| registry_key(host)).collect();
        for account in &self.accounts {
            let region = self.region.as_deref().ok_or_else(|| {
                ConfigError("--account needs a region; set --region or AWS_REGION".to_owned())
            })?;
            hosts.push(ecr_host(account, region));
        }
        registries.extend_from_slice(&self.logins);
        if hosts.is_empty() && registries.is_empty() {
            hosts.push(self.host_of_role(env)?);
        }
        let roles = self.role.as_ref().map(|role| format!("*={role}"));
        let roles = roles.map(|roles| ("REGCRED_ECR_ROLES".to_owned(), roles));
        let roles_of = |provider: &str| {
            roles
                .iter()
                .filter(|_| provider == "ecr")
                .cloned()
                .collect()
        };
        for host in hosts {
            let provider = self.provider_of(&host, specs, env)?;
            let known = registries.iter_mut().find(|r| r.provider == provider);
            match known {
                Some(registry) => registry.hosts.push(host),
                None => registries.push(Registry {
                    name: provider.clone(),
                    hosts: vec![host],
                    env: roles_of(&provider),
                    provider,
                    ..Registry::default()
                }),
            }
        }
        Ok(registries)
    }

    fn provider_of(
        &self,
        host: &str,
        specs: &[&'static ProviderSpec],
        env: &Env,
    ) -> Result<String, ConfigError> {
        if let Some(provider) = &self.provider {
            return Ok(provider.clone());
        }
        let parsed = RegistryHost::parse(host)
            .map_err(|error| ConfigError(format!("{host:?}: {}", error.reason())))?;
        let clock = Clock::system();
        let serves = |spec: &&&ProviderSpec| match (spec.new)(env, &clock) {
            Ok(provider) => provider.serves(&parsed),
            // What it lacks is reported when it is used.
            Err(_) => spec.would_serve(&parsed, env, &clock),
        };
        let found = specs.iter().find(serves).map(|spec| spec.name.to_owned());
        found.ok_or_else(|| {
            let text = format!("no provider serves {host}; choose one with --provider");
            ConfigError(text)
        })
    }

    /// k8s-ecr-login-renew asked ECR for the account's own registry; the role's ARN names it.
    fn host_of_role(&self, env: &Env) -> Result<String, ConfigError> {
        let account = [self.role.as_deref(), env.get("AWS_ROLE_ARN")]
            .into_iter()
            .flatten()
            .find_map(|arn| arn.split(':').nth(4).filter(|account| !account.is_empty()));
        match (account, &self.region) {
            (Some(account), Some(region)) => Ok(ecr_host(account, region)),
            _ => Err(ConfigError(NO_REGISTRY.to_owned())),
        }
    }
}

const NO_REGISTRY: &str =
    "no registry given: set --host, DOCKER_REGISTRIES, or an account and a region";

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let env = Env::map(vars.iter().copied());
        SingleTarget::default()
            .or_variables(&env)
            .into_config(&regcred_providers::all(), &env)
    }

    #[test]
    fn the_renewers_variables_mean_what_they_meant() {
        let config = config(&[
            ("DOCKER_SECRET_NAME", "regcred"),
            ("TARGET_NAMESPACE", "default; team-*,\n kube-public"),
            ("EXCLUDE_NAMESPACE", "team-x"),
            (
                "DOCKER_REGISTRIES",
                "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com,eu.gcr.io",
            ),
        ])
        .expect("sound");
        let target = &config.targets[0];
        assert_eq!(
            target.namespaces.include,
            ["default", "team-*", "kube-public"]
        );
        assert_eq!(target.namespaces.exclude, ["team-x"]);
        assert_eq!(target.secret.as_ref().expect("a Secret").name, "regcred");
        let registries: Vec<_> = config.registries.iter().map(|r| &*r.provider).collect();
        assert_eq!(registries, ["ecr", "gcr"]);
        let hosts = &config.registries[0].hosts;
        assert_eq!(hosts, &["123456789012.dkr.ecr.eu-west-1.amazonaws.com"]);
    }

    #[test]
    fn without_registries_the_role_names_the_account() {
        let vars = [
            ("DOCKER_SECRET_NAME", "regcred"),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pull"),
            ("AWS_REGION", "cn-north-1"),
        ];
        let found = config(&vars).expect("sound");
        let host = &found.registries[0].hosts[0];
        assert_eq!(host, "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn");
        assert_eq!(found.targets[0].namespaces.include, ["default"]);
        let error = config(&vars[..1]).expect_err("no account");
        assert!(error.to_string().contains("DOCKER_REGISTRIES"), "{error}");
    }

    #[test]
    fn accounts_roles_and_copied_files_are_understood() {
        let found = config(&[
            ("CONFIG_SECRETNAME", "image-pull-secret"),
            ("CONFIG_DOCKERCONFIGJSONPATH", "/etc/x.json"),
            ("CONFIG_ALLSERVICEACCOUNT", "true"),
            ("awsaccount", "111111111111,222222222222"),
            ("awsregion", "us-east-1"),
            ("aws_assume_role", "arn:aws:iam::333333333333:role/x"),
        ])
        .expect("sound");
        let [file, ecr] = &found.registries[..] else {
            panic!("{:?}", found.registries);
        };
        assert_eq!(file.provider, "file");
        assert_eq!(ecr.hosts.len(), 2);
        let roles = &ecr.env["REGCRED_ECR_ROLES"];
        assert_eq!(roles, "*=arn:aws:iam::333333333333:role/x");
        assert!(found.targets[0].service_accounts.all);
        assert_eq!(found.targets[0].namespaces.include, ["*"]);
    }
}
