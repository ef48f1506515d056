//! Where logins come from: a cloud's provider under one identity, a docker configuration file, or a
//! static login.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::period::Period;

/// One source of logins. One token serves all of its hosts and all targets.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Registry {
    /// The name used by targets, logs, metrics and the status page.
    pub(crate) name: String,
    /// `ecr`, `gcr`, ..., `file` for logins copied from a docker configuration, or `static` for a
    /// login that does not expire.
    pub(crate) provider: String,
    /// The keys in the Secret: hosts, or hosts with the path of the images that get the login. All must
    /// belong to the provider's cloud.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// ECR: the account, instead of a host.
    pub(crate) account: Option<String>,
    /// ECR: the account's region.
    pub(crate) region: Option<String>,
    /// The provider's own variables; they override those of the process. Secret ones are rejected.
    #[serde(default)]
    pub(crate) env: BTreeMap<String, String>,
    /// The provider's variables whose values are read from files: secrets mounted into the pod.
    #[serde(default)]
    pub(crate) env_files: BTreeMap<String, PathBuf>,
    /// `file`: the docker configuration.
    pub(crate) path: Option<PathBuf>,
    /// `static`: the login.
    pub(crate) login: Option<StaticLogin>,
    /// Renew at this age even if half of the lifetime is longer.
    pub(crate) max_age: Option<Period>,
    /// Request a token for each namespace, under the namespace's own identity.
    pub(crate) namespace_identity: Option<NamespaceIdentity>,
}

/// A login that does not expire, such as a robot account. Its password is in a file or a variable.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StaticLogin {
    pub(crate) username: String,
    /// File that holds the password, such as a mounted Secret.
    pub(crate) password_file: Option<PathBuf>,
    /// Variable that holds the password.
    pub(crate) password_variable: Option<String>,
}

/// Identities of namespaces: each namespace names its cloud role, and a token of one of its service
/// accounts proves its identity.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NamespaceIdentity {
    /// The annotation with the role, on the service account or else on the namespace; passed to the
    /// provider under the same name.
    pub(crate) annotation: String,
    /// Further annotations that the provider needs, from the same objects.
    #[serde(default)]
    pub(crate) also_pass: Vec<String>,
    /// The service account whose token is requested.
    #[serde(default = "default_account")]
    pub(crate) service_account: String,
    /// Audience of the token: `sts.amazonaws.com`, `api://AzureADTokenExchange`, `iam`.
    pub(crate) audience: String,
    /// Whether a namespace without the annotation is skipped (the default); otherwise the refresher's
    /// own identity is used for it.
    #[serde(default = "yes")]
    pub(crate) required: bool,
}

fn default_account() -> String {
    "default".to_owned()
}

fn yes() -> bool {
    true
}

/// The providers that are not clouds.
pub(crate) const FILE: &str = "file";
pub(crate) const STATIC: &str = "static";

/// The private registry of an AWS account.
pub(crate) fn ecr_host(account: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("{account}.dkr.ecr.{region}.amazonaws.com{suffix}")
}

/// The key under which a kubelet looks up a login: `host`, or `host/path` for the images below a path.
/// A scheme, a final slash and the API's version, as in `https://host/v1/`, are not part of it.
pub(crate) fn registry_key(text: &str) -> String {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (first, below) = path.split_once('/').unwrap_or((path, ""));
    let path = match first {
        "v1" | "v2" => below,
        _ => path,
    };
    format!("{host}/{path}").trim_end_matches('/').to_owned()
}
