//! Who the refresher is for the API server, and why its credentials cannot be used, for messages.

use std::io;

use kube::client::AuthError;
use kube::config::Kubeconfig;

/// The user of a kubeconfig, or the pod's service account.
#[derive(Clone, Debug)]
pub(super) struct ApiUser {
    /// The user's name with the file that has it.
    pub(super) shown: String,
    /// The program that the kubeconfig names for the credentials.
    plugin: Option<String>,
}

impl ApiUser {
    /// The service account of the pod that the refresher runs in.
    pub(super) fn of_pod() -> Self {
        Self {
            shown: "the pod's service account".to_owned(),
            plugin: None,
        }
    }

    /// The user of a context, else of the current context; `files` names where it is from.
    pub(super) fn of(config: &Kubeconfig, context: Option<&str>, files: &str) -> Self {
        let context = context.or(config.current_context.as_deref());
        let mut contexts = config.contexts.iter();
        let context = contexts.find(|one| Some(one.name.as_str()) == context);
        let name = context.and_then(|one| one.context.as_ref()?.user.as_deref());
        let mut users = config.auth_infos.iter();
        let user = users.find(|one| Some(one.name.as_str()) == name);
        let exec = user.and_then(|one| one.auth_info.as_ref()?.exec.as_ref());
        let shown = match name {
            Some(name) => format!("the user {name:?} of the kubeconfig {files}"),
            None => format!("no user: the context of the kubeconfig {files} names none"),
        };
        Self {
            shown,
            plugin: exec.and_then(|exec| exec.command.clone()),
        }
    }

    /// Why it has no credentials, and what to do. Neither what the plugin wrote nor its command line is
    /// shown: both may hold secrets.
    pub(super) fn why_none(&self, error: &AuthError) -> (String, Option<&'static str>) {
        let plugin = self.plugin.as_deref().unwrap_or("of the kubeconfig");
        match error {
            AuthError::AuthExecStart(error) if error.kind() == io::ErrorKind::NotFound => (
                format!("the credential plugin {plugin} is not found"),
                Some("install it, or correct the kubeconfig"),
            ),
            AuthError::AuthExecStart(error) => (
                format!("the credential plugin {plugin} cannot be started: {error}"),
                Some("correct the kubeconfig"),
            ),
            AuthError::AuthExecRun { out, .. } => (
                format!("the credential plugin {plugin} failed with {}", out.status),
                Some("run it by hand to see why"),
            ),
            AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => (
                format!(
                    "the credential plugin {plugin} did not write an ExecCredential with a status"
                ),
                Some("run it by hand to see why"),
            ),
            AuthError::ReadTokenFile(error, path) => (
                format!("cannot read the token file {}: {error}", path.display()),
                Some("correct the kubeconfig, or mount the token"),
            ),
            // The library's texts of others quote what a command wrote.
            _ => (
                "the kubeconfig's auth-provider did not return a token".to_owned(),
                Some("use a credential plugin instead"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{ExitStatus, Output};

    use super::*;

    fn user(text: &str, context: Option<&str>) -> ApiUser {
        let config = Kubeconfig::from_yaml(text).expect("a kubeconfig");
        ApiUser::of(&config, context, "/k")
    }

    const TWO: &str = "current-context: a\ncontexts:\n\
        - {name: a, context: {cluster: c, user: ann}}\n- {name: b, context: {cluster: c, user: bob}}\n\
        users:\n- {name: ann, user: {token: t}}\n\
        - {name: bob, user: {exec: {command: aws, apiVersion: client.authentication.k8s.io/v1}}}\n";

    #[test]
    fn the_user_is_that_of_the_context() {
        let shown = |context| user(TWO, context).shown;
        assert_eq!(shown(None), "the user \"ann\" of the kubeconfig /k");
        assert_eq!(shown(Some("b")), "the user \"bob\" of the kubeconfig /k");
        let words = "no user: the context of the kubeconfig /k names none";
        assert_eq!(shown(Some("c")), words);
    }

    #[test]
    fn a_plugin_that_fails_is_named_without_its_command_line_and_output() {
        let bob = user(TWO, Some("b"));
        let missing = AuthError::AuthExecStart(io::ErrorKind::NotFound.into());
        let (why, next) = bob.why_none(&missing);
        assert_eq!(why, "the credential plugin aws is not found");
        assert_eq!(next, Some("install it, or correct the kubeconfig"));
        let failed = AuthError::AuthExecRun {
            cmd: "TOKEN=canary aws".to_owned(),
            out: Box::new(Output {
                status: ExitStatus::from_raw(3 << 8),
                stdout: b"canary".to_vec(),
                stderr: b"canary".to_vec(),
            }),
        };
        let (why, _) = bob.why_none(&failed);
        assert_eq!(why, "the credential plugin aws failed with exit status: 3");
    }
}
