//! The variables: those of the tools that regcred replaces (k8s-ecr-login-renew, registry-creds,
//! imagepullsecret-patcher), so that an installation changes its image and nothing else, and those
//! that name a cluster.

use std::path::PathBuf;

use regcred_core::{Env, EnvVar};

use super::registry::{Registry, STATIC, StaticLogin, registry_key};
use super::single_target::SingleTarget;

/// What a variable sets where no flag did.
enum Sets {
    /// A list, together with the other variables of the same list.
    List(fn(&mut SingleTarget) -> &mut Vec<String>),
    Text(fn(&mut SingleTarget) -> &mut Option<String>),
    File(fn(&mut SingleTarget) -> &mut Option<PathBuf>),
    Switch(fn(&mut SingleTarget) -> &mut bool),
}

impl SingleTarget {
    /// Sets from variables what no flag has set, provided that a Secret is named.
    pub(crate) fn or_variables(mut self, env: &Env) -> Self {
        let mut flags = self.clone();
        for (var, sets) in VARIABLES {
            match sets {
                Sets::List(field) if field(&mut flags).is_empty() => {
                    field(&mut self).extend(list(env, var.name));
                }
                Sets::Text(field) if field(&mut self).is_none() => {
                    *field(&mut self) = text(env, var.name);
                }
                Sets::File(field) if field(&mut self).is_none() => {
                    *field(&mut self) = env.path(var.name);
                }
                Sets::Switch(field) => *field(&mut self) |= env.is_true(var.name),
                _ => {}
            }
        }
        if self.secret.is_none() {
            return flags;
        }
        self.region = self.region.or_else(|| text(env, "AWS_REGION"));
        // k8s-ecr-login-renew served one namespace by default, the others all.
        if self.namespaces.is_empty() && env.get("DOCKER_SECRET_NAME").is_some() {
            self.namespaces = vec!["default".to_owned()];
        }
        // Registries given as flags are the only ones.
        if flags.hosts.is_empty() && flags.accounts.is_empty() && flags.source_file.is_none() {
            self.add_logins(env);
        }
        self
    }

    fn add_logins(&mut self, env: &Env) {
        let login = |name: &str, host: &str, username, variable: &str| Registry {
            name: name.to_owned(),
            provider: STATIC.to_owned(),
            hosts: vec![registry_key(host)],
            login: Some(StaticLogin {
                username,
                password_file: None,
                password_variable: Some(variable.to_owned()),
            }),
            ..Registry::default()
        };
        match (text(env, "ACR_URL"), text(env, "ACR_CLIENT_ID")) {
            (Some(host), Some(client)) => {
                let login = login("azure", &host, client, "ACR_PASSWORD");
                self.logins.push(login);
            }
            (Some(host), None) => self.hosts.push(registry_key(&host)),
            _ => {}
        }
        let server = text(env, "DOCKER_PRIVATE_REGISTRY_SERVER");
        if let (Some(host), Some(user)) = (server, text(env, "DOCKER_PRIVATE_REGISTRY_USER")) {
            let login = login("private", &host, user, "DOCKER_PRIVATE_REGISTRY_PASSWORD");
            self.logins.push(login);
        }
    }
}

/// The variables of the refresher, for the reference page.
#[must_use]
pub fn vars() -> Vec<EnvVar> {
    let all = VARIABLES.iter().map(|(var, _)| var).chain(OTHERS);
    all.copied().collect()
}

fn text(env: &Env, name: &str) -> Option<String> {
    let value = env.get(name)?;
    (value != PLACEHOLDER).then(|| value.to_owned())
}

/// Entries are separated by commas, semicolons and line breaks; blanks are ignored.
fn list(env: &Env, name: &str) -> impl Iterator<Item = String> {
    env.get(name)
        .unwrap_or_default()
        .split([',', ';', '\n'])
        .map(|entry| entry.split_whitespace().collect::<String>())
        .filter(|entry| !entry.is_empty() && entry != PLACEHOLDER)
}

/// What minikube's addon sets where its user set nothing.
const PLACEHOLDER: &str = "changeme";

/// In order of precedence.
#[rustfmt::skip]
const VARIABLES: &[(EnvVar, Sets)] = &[
    (EnvVar::new("DOCKER_SECRET_NAME", "Name of the Secret.", ""),
        Sets::Text(|to| &mut to.secret)),
    (EnvVar::new("CONFIG_SECRETNAME", "Name of the Secret, in all namespaces.", ""),
        Sets::Text(|to| &mut to.secret)),
    (EnvVar::new("DOCKER_REGISTRIES", "Registry hosts or URLs, comma-separated.", "the account of `AWS_ROLE_ARN` in `AWS_REGION`"),
        Sets::List(|to| &mut to.hosts)),
    (EnvVar::new("gcrurl", "Google registry host or URL.", ""),
        Sets::List(|to| &mut to.hosts)),
    (EnvVar::new("awsaccount", "ECR accounts, comma-separated.", ""),
        Sets::List(|to| &mut to.accounts)),
    (EnvVar::new("awsregion", "Region of these accounts.", "`AWS_REGION`"),
        Sets::Text(|to| &mut to.region)),
    (EnvVar::new("aws_assume_role", "Role to assume for every ECR registry.", ""),
        Sets::Text(|to| &mut to.role)),
    (EnvVar::new("CONFIG_DOCKERCONFIGJSONPATH", "Docker configuration whose logins are copied.", ""),
        Sets::File(|to| &mut to.source_file)),
    (EnvVar::new("TARGET_NAMESPACE", "Names and patterns of namespaces, comma-separated.", "`default` with `DOCKER_SECRET_NAME`, else `*`"),
        Sets::List(|to| &mut to.namespaces)),
    (EnvVar::new("EXCLUDE_NAMESPACE", "Names and patterns of namespaces to leave out, comma-separated.", ""),
        Sets::List(|to| &mut to.exclude)),
    (EnvVar::new("CONFIG_EXCLUDED_NAMESPACES", "Namespaces to leave out, comma-separated.", ""),
        Sets::List(|to| &mut to.exclude)),
    (EnvVar::new("CONFIG_SERVICEACCOUNTS", "Service accounts that list the Secret, comma-separated.", "none"),
        Sets::List(|to| &mut to.service_accounts)),
    (EnvVar::new("CONFIG_ALLSERVICEACCOUNT", "True adds the Secret to every service account.", "false"),
        Sets::Switch(|to| &mut to.all_service_accounts)),
    (EnvVar::new("CONFIG_FORCE", "True takes over Secrets that the refresher did not create.", "false"),
        Sets::Switch(|to| &mut to.force)),
];

/// Read elsewhere.
#[rustfmt::skip]
const OTHERS: &[EnvVar] = &[
    EnvVar::new("ACR_URL", "Azure registry host or URL.", ""),
    EnvVar::new("ACR_CLIENT_ID", "User of `ACR_URL`, such as a service principal's id.", "the pod's own identity, by a token"),
    EnvVar::new("ACR_PASSWORD", "Password of `ACR_CLIENT_ID`.", "").secret(),
    EnvVar::new("DOCKER_PRIVATE_REGISTRY_SERVER", "A registry of any kind, host or URL, with a login that does not expire.", ""),
    EnvVar::new("DOCKER_PRIVATE_REGISTRY_USER", "User of `DOCKER_PRIVATE_REGISTRY_SERVER`.", ""),
    EnvVar::new("DOCKER_PRIVATE_REGISTRY_PASSWORD", "Password of `DOCKER_PRIVATE_REGISTRY_USER`.", "").secret(),
    EnvVar::new("HOSTNAME", "First part of this replica's holder identity in the Lease.", "`regcred-refresh`"),
    EnvVar::new("KUBECONFIG", "Kubeconfig files that name the cluster, separated by `:`.", "the pod's own, else `~/.kube/config`"),
    EnvVar::new("KUBERNETES_SERVICE_HOST", "Set by Kubernetes in a pod, whose own cluster is used then.", ""),
    EnvVar::new("KUBERNETES_SERVICE_PORT", "Set by Kubernetes: where the API server listens.", "").foreign(),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::plan::Plan;

    fn config(vars: &[(&str, &str)]) -> Config {
        let env = Env::map(vars.iter().copied());
        let config = SingleTarget::default()
            .or_variables(&env)
            .into_config(&regcred_providers::all(), &env);
        let config = config.expect("sound");
        Plan::new(&config, &regcred_providers::all(), &env).expect("a plan");
        config
    }

    #[test]
    fn logins_that_do_not_end_are_taken_with_their_passwords_variable() {
        let found = config(&[
            ("DOCKER_SECRET_NAME", "regcred"),
            ("ACR_URL", "https://contoso.azurecr.io"),
            ("ACR_CLIENT_ID", "00000000-0000-0000-0000-000000000001"),
            ("ACR_PASSWORD", "canary"),
            (
                "DOCKER_PRIVATE_REGISTRY_SERVER",
                "https://harbor.example.com/v2/team/",
            ),
            ("DOCKER_PRIVATE_REGISTRY_USER", "robot$pull"),
            ("DOCKER_PRIVATE_REGISTRY_PASSWORD", "canary"),
            ("gcrurl", "https://gcr.io"),
        ]);
        let [azure, private, google] = &found.registries[..] else {
            panic!("{:?}", found.registries);
        };
        assert_eq!(
            (&*azure.provider, &*azure.hosts[0]),
            ("static", "contoso.azurecr.io")
        );
        assert_eq!(private.hosts, ["harbor.example.com/team"]);
        let login = private.login.as_ref().expect("a login");
        assert_eq!(login.username, "robot$pull");
        let variable = login.password_variable.as_deref();
        assert_eq!(variable, Some("DOCKER_PRIVATE_REGISTRY_PASSWORD"));
        assert_eq!(google.provider, "gcr");
        assert!(!format!("{found:?}").contains("canary"));
    }

    #[test]
    fn without_a_user_azure_is_asked_and_placeholders_count_for_nothing() {
        let found = config(&[
            ("DOCKER_SECRET_NAME", "regcred"),
            ("ACR_URL", "contoso.azurecr.io"),
            ("ACR_CLIENT_ID", "changeme"),
            ("awsaccount", "changeme"),
            ("aws_assume_role", "changeme"),
            ("DOCKER_PRIVATE_REGISTRY_SERVER", "changeme"),
            ("DOCKER_PRIVATE_REGISTRY_USER", "changeme"),
        ]);
        let providers: Vec<_> = found.registries.iter().map(|r| &*r.provider).collect();
        assert_eq!(providers, ["acr"]);
    }

    #[test]
    fn the_catalogue_lists_each_variable_once() {
        let mut names: Vec<_> = vars().iter().map(|var| var.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
