//! The variables of the tools that this one replaces (k8s-ecr-login-renew, registry-creds,
//! imagepullsecret-patcher), so that an installation changes its image and nothing else.

use regcred_core::{Env, EnvVar};

use super::StaticLogin;
use super::simple::{Simple, plain_host};

impl Simple {
    /// What was not said by flags is taken from the variables of the tools that came before.
    #[must_use]
    pub fn or_from(mut self, env: &Env) -> Self {
        let list = |name: &str| {
            let text = env.get(name).unwrap_or_default();
            split(text).into_iter().filter(|entry| entry != "changeme")
        };
        let fill = |own: &mut Vec<String>, names: &[&str]| {
            if own.is_empty() {
                *own = names.iter().flat_map(|name| list(name)).collect();
            }
        };
        let text = |names: &[&str]| {
            let found = names.iter().find_map(|name| env.get(name));
            // Where nothing is set, minikube's addon sets this.
            found.filter(|text| *text != "changeme").map(str::to_owned)
        };
        self.secret = self.secret.or(text(&[SECRET, TITAN_SECRET]));
        if self.secret.is_none() {
            return self;
        }
        // Who names registries by flags means these alone.
        let named = !self.hosts.is_empty() || !self.accounts.is_empty();
        let named = named || self.source_file.is_some();
        fill(&mut self.hosts, &[REGISTRIES, GCR_URL]);
        fill(&mut self.accounts, &[AWS_ACCOUNT]);
        self.region = self.region.or(text(&[AWS_REGION, "AWS_REGION"]));
        self.role = self.role.or(text(&[ASSUME_ROLE]));
        if self.source_file.is_none() {
            self.source_file = env.path(TITAN_FILE);
        }
        // The renewer served one namespace by default, the others all.
        let renewer = env.get(SECRET).is_some();
        fill(&mut self.namespaces, &[NAMESPACES]);
        if self.namespaces.is_empty() && renewer {
            self.namespaces = vec!["default".to_owned()];
        }
        if let Some(host) = text(&[ACR_URL]).filter(|_| !named) {
            match text(&[ACR_CLIENT]) {
                Some(client) => {
                    let login = login(client, ACR_PASSWORD);
                    self.logins.push(("azure".to_owned(), host, login));
                }
                None => self.hosts.push(plain_host(&host)),
            }
        }
        if let (Some(host), Some(user), false) =
            (text(&[PRIVATE_SERVER]), text(&[PRIVATE_USER]), named)
        {
            let login = login(user, PRIVATE_PASSWORD);
            self.logins.push(("private".to_owned(), host, login));
        }
        fill(&mut self.exclude, &[EXCLUDED, TITAN_EXCLUDED]);
        fill(&mut self.service_accounts, &[TITAN_ACCOUNTS]);
        self.all_service_accounts |= env.is_true(TITAN_ALL_ACCOUNTS);
        self.force |= env.is_true(TITAN_FORCE);
        self
    }
}

fn login(username: String, variable: &str) -> StaticLogin {
    StaticLogin {
        username,
        password_file: None,
        password_variable: Some(variable.to_owned()),
    }
}

/// Commas, semicolons and line breaks part entries; blanks count for nothing.
fn split(list: &str) -> Vec<String> {
    list.split([',', ';', '\n'])
        .map(|entry| entry.split_whitespace().collect::<String>())
        .filter(|entry| !entry.is_empty())
        .collect()
}

const SECRET: &str = "DOCKER_SECRET_NAME";
const NAMESPACES: &str = "TARGET_NAMESPACE";
const EXCLUDED: &str = "EXCLUDE_NAMESPACE";
pub(super) const REGISTRIES: &str = "DOCKER_REGISTRIES";
const AWS_ACCOUNT: &str = "awsaccount";
const AWS_REGION: &str = "awsregion";
const ASSUME_ROLE: &str = "aws_assume_role";
const GCR_URL: &str = "gcrurl";
const ACR_URL: &str = "ACR_URL";
const ACR_CLIENT: &str = "ACR_CLIENT_ID";
const ACR_PASSWORD: &str = "ACR_PASSWORD";
const PRIVATE_SERVER: &str = "DOCKER_PRIVATE_REGISTRY_SERVER";
const PRIVATE_USER: &str = "DOCKER_PRIVATE_REGISTRY_USER";
const PRIVATE_PASSWORD: &str = "DOCKER_PRIVATE_REGISTRY_PASSWORD";
const TITAN_SECRET: &str = "CONFIG_SECRETNAME";
const TITAN_FILE: &str = "CONFIG_DOCKERCONFIGJSONPATH";
const TITAN_EXCLUDED: &str = "CONFIG_EXCLUDED_NAMESPACES";
const TITAN_ACCOUNTS: &str = "CONFIG_SERVICEACCOUNTS";
const TITAN_ALL_ACCOUNTS: &str = "CONFIG_ALLSERVICEACCOUNT";
const TITAN_FORCE: &str = "CONFIG_FORCE";

/// The variables of the refresher: those of the simple case, and those that name a cluster.
pub const VARS: &[EnvVar] = &[
    EnvVar::new(
        ACR_CLIENT,
        "User of `ACR_URL`, such as a service principal's id.",
        "the pod's own identity, by a token",
    ),
    EnvVar::new(ACR_PASSWORD, "Password of `ACR_CLIENT_ID`.", "").secret(),
    EnvVar::new(ACR_URL, "Azure registry host or URL.", ""),
    EnvVar::new(
        "CONFIG_ALLSERVICEACCOUNT",
        "True adds the Secret to every service account.",
        "false",
    ),
    EnvVar::new(
        "CONFIG_DOCKERCONFIGJSONPATH",
        "Docker configuration whose logins are copied.",
        "",
    ),
    EnvVar::new(
        "CONFIG_EXCLUDED_NAMESPACES",
        "Namespaces that are left out, comma-separated.",
        "",
    ),
    EnvVar::new(
        "CONFIG_FORCE",
        "True takes over Secrets that others made.",
        "false",
    ),
    EnvVar::new(
        "CONFIG_SECRETNAME",
        "Name of the Secret, in all namespaces.",
        "",
    ),
    EnvVar::new(
        "CONFIG_SERVICEACCOUNTS",
        "Service accounts that get the Secret, comma-separated.",
        "none",
    ),
    EnvVar::new(
        PRIVATE_PASSWORD,
        "Password of `DOCKER_PRIVATE_REGISTRY_USER`.",
        "",
    )
    .secret(),
    EnvVar::new(
        PRIVATE_SERVER,
        "A registry of any kind, host or URL, with a login that does not end.",
        "",
    ),
    EnvVar::new(
        PRIVATE_USER,
        "User of `DOCKER_PRIVATE_REGISTRY_SERVER`.",
        "",
    ),
    EnvVar::new(
        "DOCKER_REGISTRIES",
        "Registry hosts or URLs, comma-separated.",
        "the account of `AWS_ROLE_ARN` in `AWS_REGION`",
    ),
    EnvVar::new("DOCKER_SECRET_NAME", "Name of the Secret.", ""),
    EnvVar::new(
        "EXCLUDE_NAMESPACE",
        "Names and patterns of namespaces that are left out, comma-separated.",
        "",
    ),
    EnvVar::new(
        "HOSTNAME",
        "Begins this replica's name in the Lease.",
        "`regcred-refresh`",
    ),
    EnvVar::new(
        "KUBECONFIG",
        "Which cluster: kubeconfig files, separated by `:`.",
        "the pod's own, else `~/.kube/config`",
    ),
    EnvVar::new(
        "KUBERNETES_SERVICE_HOST",
        "Set by Kubernetes: this is a pod, whose own cluster is meant.",
        "",
    ),
    EnvVar::new(
        "KUBERNETES_SERVICE_PORT",
        "Set by Kubernetes: where the API server listens.",
        "",
    )
    .foreign(),
    EnvVar::new(
        "TARGET_NAMESPACE",
        "Names and patterns of namespaces, comma-separated.",
        "`default` with `DOCKER_SECRET_NAME`, else `*`",
    ),
    EnvVar::new(
        "aws_assume_role",
        "Role that is assumed for every ECR registry.",
        "",
    ),
    EnvVar::new("awsaccount", "ECR accounts, comma-separated.", ""),
    EnvVar::new("awsregion", "Region of these accounts.", "`AWS_REGION`"),
    EnvVar::new("gcrurl", "Google registry host or URL.", ""),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, simple_from};
    use crate::plan::Plan;

    fn config(vars: &[(&str, &str)]) -> Config {
        let env = Env::map(vars.iter().copied());
        let config = simple_from(&env).into_config(&regcred_providers::all(), &env);
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
                "https://harbor.example.com/v2/",
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
        assert_eq!(private.hosts, ["harbor.example.com"]);
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
        let mut names: Vec<_> = VARS.iter().map(|var| var.name).collect();
        let count = names.len();
        names.dedup();
        assert!(names.is_sorted());
        assert_eq!(names.len(), count);
    }
}
