//! Where a token comes from: a cloud's provider under one identity, a docker configuration file, or a
//! login that is written down.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Period;

/// One source of logins. One token serves all its hosts and all targets.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Registry {
    /// How targets, logs, metrics and the status page name it.
    pub name: String,
    /// `ecr`, `gcr`, ..., `file` for logins copied from a docker configuration, or `static` for one
    /// that does not change.
    pub provider: String,
    /// The hosts that get the login: keys of the Secret. All must belong to the provider's cloud.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// ECR: the account, instead of a host.
    #[serde(default)]
    pub account: Option<String>,
    /// ECR: the account's region.
    #[serde(default)]
    pub region: Option<String>,
    /// The provider's own variables, over those of the process. Secret ones are refused here.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// The provider's variables whose values are in files: secrets mounted into the pod.
    #[serde(default)]
    pub env_files: BTreeMap<String, PathBuf>,
    /// `file`: the docker configuration.
    #[serde(default)]
    pub path: Option<PathBuf>,
    /// `static`: the login.
    #[serde(default)]
    pub login: Option<StaticLogin>,
    /// Renew at this age even where half of the life is longer.
    #[serde(default)]
    pub max_age: Option<Period>,
    /// A token for each namespace, under the namespace's own identity.
    #[serde(default)]
    pub namespace_identity: Option<NamespaceIdentity>,
}

/// A login that does not end: a robot, a service principal. Its password is in a file or a variable.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StaticLogin {
    /// User name.
    pub username: String,
    /// The file that holds the password: a mounted Secret.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    /// The variable that holds it.
    #[serde(default)]
    pub password_variable: Option<String>,
}

/// The multi-tenant case: each namespace names its cloud role, and a token of one of its service
/// accounts proves it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamespaceIdentity {
    /// The annotation with the role, on the service account or else on the namespace; the provider
    /// is given it under the same name.
    pub annotation: String,
    /// Further annotations that the provider needs beside it, from the same places.
    #[serde(default)]
    pub also_pass: Vec<String>,
    /// The service account whose token is requested.
    #[serde(default = "default_account")]
    pub service_account: String,
    /// For whom the token is meant: `sts.amazonaws.com`, `api://AzureADTokenExchange`, `iam`.
    pub audience: String,
    /// What becomes of a namespace without the annotation: skipped, or, when this is false, served
    /// under the refresher's own identity.
    #[serde(default = "yes")]
    pub required: bool,
}

fn default_account() -> String {
    "default".to_owned()
}

fn yes() -> bool {
    true
}
