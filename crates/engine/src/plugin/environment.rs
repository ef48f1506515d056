//! The environment that plugins inherit: a kubelet's plugins have the kubelet's, which differs from
//! that of a person's shell.

use std::fmt;

use regcred_core::Env;
use regcred_exec::ProcessEnvironment;
use serde::Serialize;

/// Whose environment plugins have, and its variables that decide which identity answers. Names
/// only: values may be secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PluginEnvironment {
    /// The process whose environment it is; `None` for this program's own.
    pub process: Option<u32>,
    /// The variables that plugins read to choose an identity, a server or a proxy.
    pub variables: Vec<String>,
}

impl PluginEnvironment {
    pub(crate) fn of(env: &Env, process: Option<&ProcessEnvironment>) -> Self {
        let given = process.map(env_of);
        let names = given.as_ref().unwrap_or(env).names();
        Self {
            process: process.map(ProcessEnvironment::pid),
            variables: names.filter(|n| matters(n)).map(str::to_owned).collect(),
        }
    }
}

/// The variables of a process that are UTF-8.
pub(crate) fn env_of(process: &ProcessEnvironment) -> Env {
    let vars = process.vars();
    Env::map(vars.filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?))))
}

fn matters(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    NAMES.contains(&&*upper)
        || upper.ends_with("_PROXY")
        || CLOUDS.iter().any(|start| upper.starts_with(start))
}

impl fmt::Display for PluginEnvironment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.process {
            Some(pid) => write!(f, "environment of process {pid}: ")?,
            None => f.write_str("environment of this command, not of a kubelet: ")?,
        }
        if self.variables.is_empty() {
            return f.write_str("no variable that plugins read");
        }
        f.write_str(&self.variables.join(", "))
    }
}

const NAMES: &[&str] = &["HOME", "XDG_CONFIG_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR"];
const CLOUDS: &[&str] = &[
    "AWS_",
    "GOOGLE_",
    "GCE_",
    "CLOUDSDK_",
    "AZURE_",
    "MSI_",
    "IDENTITY_",
    "IMDS_",
    "OCI_",
    "OCIR_",
    "IBMCLOUD_",
    "BLUEMIX_",
    "DOCKER_",
    "KUBERNETES_",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variables_that_choose_an_identity_are_named_without_values() {
        let env = Env::map([
            ("HOME", "/root"),
            ("AWS_PROFILE", "canary"),
            ("AWS_REGION", ""),
            ("https_proxy", "http://u:canary@proxy"),
            ("LS_COLORS", "x"),
        ]);
        let shown = PluginEnvironment::of(&env, None).to_string();
        assert_eq!(
            shown,
            "environment of this command, not of a kubelet: AWS_PROFILE, HOME, https_proxy"
        );
        let bare = PluginEnvironment::of(&Env::default(), None).to_string();
        assert!(bare.ends_with("no variable that plugins read"), "{bare}");
    }
}
