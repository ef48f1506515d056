//! The variables that the command itself reads: one for each credential flag.

use regcred_core::EnvVar;

/// Every variable that stands for a flag. A flag wins over its variable.
pub const VARS: &[EnvVar] = &[
    EnvVar::new(
        PROVIDER_CONFIG,
        "The kubelet's CredentialProviderConfig: a file, or a directory of them.",
        "none: no plugin is asked",
    ),
    EnvVar::new(
        PROVIDER_BIN_DIR,
        "Directory of the plugins that the CredentialProviderConfig names.",
        "",
    ),
    EnvVar::new(
        ROOT_DIR,
        "The kubelet's root directory, the first place where a docker configuration is looked for.",
        "`/var/lib/kubelet`",
    ),
    EnvVar::new(
        DOCKER_CONFIG,
        "Docker configuration files, separated by `:`, read instead of those that the kubelet \
         looks for.",
        "",
    ),
    EnvVar::new(
        PULL_SECRET,
        "Pull secrets, separated by `:`: Secret manifests in YAML or JSON, or `config.json` files.",
        "",
    ),
    EnvVar::new(
        HOSTS_DIR,
        "Directory of `hosts.toml` files in containerd's `certs.d` layout.",
        "",
    ),
    EnvVar::new(
        SERVICE_ACCOUNT_TOKEN,
        "File that holds the service account token for plugins that want one.",
        "",
    ),
    EnvVar::new(
        SERVICE_ACCOUNT_ANNOTATION,
        "The service account's annotations, `KEY=VALUE` separated by `,`.",
        "",
    ),
    EnvVar::new(
        IMPROVE,
        "Where to depart from the kubelet: `all`, or some of `anonymous-last`, `ask-again`, \
         `docker-hub-only`, `literal-ipv6`, `one-run-per-registry`, `short-empty-answers`, \
         `skip-bad-entries`, separated by `,`.",
        "none: exactly the kubelet's answers",
    ),
    EnvVar::new(
        PLUGIN_DEADLINE,
        "How long a plugin may run before it is killed, such as `10s`.",
        "`1m`, the kubelet's",
    ),
];

pub(crate) const PROVIDER_CONFIG: &str = "REGCRED_IMAGE_CREDENTIAL_PROVIDER_CONFIG";
pub(crate) const PROVIDER_BIN_DIR: &str = "REGCRED_IMAGE_CREDENTIAL_PROVIDER_BIN_DIR";
pub(crate) const ROOT_DIR: &str = "REGCRED_ROOT_DIR";
pub(crate) const DOCKER_CONFIG: &str = "REGCRED_DOCKER_CONFIG";
pub(crate) const PULL_SECRET: &str = "REGCRED_PULL_SECRET";
pub(crate) const HOSTS_DIR: &str = "REGCRED_HOSTS_DIR";
pub(crate) const SERVICE_ACCOUNT_TOKEN: &str = "REGCRED_SERVICE_ACCOUNT_TOKEN";
pub(crate) const SERVICE_ACCOUNT_ANNOTATION: &str = "REGCRED_SERVICE_ACCOUNT_ANNOTATION";
pub(crate) const IMPROVE: &str = "REGCRED_IMPROVE";
pub(crate) const PLUGIN_DEADLINE: &str = "REGCRED_PLUGIN_DEADLINE";
