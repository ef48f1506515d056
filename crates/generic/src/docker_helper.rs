//! A login from a docker credential helper (docker-credential-helpers, `credentials`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use regcred_api::docker_helper::{HelperCredentials, NOT_FOUND};
use regcred_core::{Credentials, ErrorKind, ProviderError, RegistryHost, SecretText as _, plain};
use regcred_exec::Exec;

use crate::ERRORS;
use crate::document::Helper;

/// A helper, checked.
#[derive(Clone, Debug)]
pub(crate) struct DockerHelper {
    program: PathBuf,
    server: Option<String>,
    env: BTreeMap<String, String>,
}

impl DockerHelper {
    /// # Errors
    /// For a program without an absolute path: which one runs must not depend on `PATH`.
    pub(crate) fn new(helper: Helper) -> Result<Self, ProviderError> {
        if !helper.program.is_absolute() {
            return Err(ERRORS.misconfigured("helper.program is not an absolute path"));
        }
        Ok(Self {
            program: helper.program,
            server: helper.server,
            env: helper.env,
        })
    }

    /// The login that the helper has; `None` if it has none.
    pub(crate) async fn login(
        &self,
        registry: &RegistryHost,
    ) -> Result<Option<Credentials>, ProviderError> {
        let program = self.program.display();
        let server = self.server(registry);
        let mut exec = Exec::new(&self.program)
            .args(["get"])
            .stdin(server.as_bytes().to_vec())
            .deadline(DEADLINE)
            .keep_failed();
        for (name, value) in &self.env {
            exec = exec.env(name, value);
        }
        let output = exec.run().await.map_err(|error| {
            let what = format!("the docker credential helper for {server} failed");
            ERRORS.no_identity(what).with_source(error)
        })?;
        if let Some(status) = &output.failed {
            let text = String::from_utf8_lossy(&output.stdout);
            if text.trim() == NOT_FOUND {
                return Ok(None);
            }
            let said = [&*text, &output.stderr].map(|text| plain(text, SHOWN));
            let said = said.iter().find(|text| !text.is_empty());
            let said = said.map(|text| format!(": {text}")).unwrap_or_default();
            return Err(ERRORS.no_identity(format!(
                "{program} has no login for {server}: {status}{said}"
            )));
        }
        let found = HelperCredentials::from_slice(&output.stdout).map_err(|error| {
            let what = format!("{program} did not print a login as JSON");
            ERRORS.malformed(what).with_source(error)
        })?;
        if found.username == IDENTITY_TOKEN {
            return Err(ERRORS.of_kind(
                ErrorKind::Malformed,
                format!(
                    "{program} returned an identity token for {server}, which a kubelet cannot use: \
                     log in with a user name and a password or access token"
                ),
            ));
        }
        if found.username.is_empty() || found.secret.is_blank() {
            return Err(ERRORS.malformed(format!("{program} returned an empty login for {server}")));
        }
        Ok(Some(Credentials::new(found.username, found.secret)))
    }

    /// The registry, as docker names it.
    fn server(&self, registry: &RegistryHost) -> String {
        match (&self.server, registry.as_written()) {
            (Some(server), _) => server.clone(),
            (None, "docker.io" | "index.docker.io") => DOCKER_HUB.to_owned(),
            (None, host) => host.to_owned(),
        }
    }
}

/// The user name that marks a refresh token of docker's.
const IDENTITY_TOKEN: &str = "<token>";
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
const DEADLINE: Duration = Duration::from_secs(30);
/// Characters of a helper's error.
const SHOWN: usize = 300;
