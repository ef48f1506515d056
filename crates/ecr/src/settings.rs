//! The operator's options, read once from the environment.

use regcred_cloud::Options;
use regcred_core::{AlsoServe, Env, ProviderError};

use crate::roles::Roles;
use crate::{ERRORS, vars};

/// The settings with the clients that use them.
pub(crate) type Cloud = regcred_cloud::Cloud<Settings>;

/// The options that hold for every request.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Hosts that lead to ECR under other names.
    pub(crate) also_serve: AlsoServe,
    /// A role or profile per registry.
    pub(crate) roles: Roles,
    /// The profile that goes before everything else.
    pub(crate) profile: Option<String>,
    /// The role for a service account token whose annotations name none.
    pub(crate) pod_role: Option<String>,
    /// Whether a pod's role may come from the annotation of IAM roles for service accounts.
    pub(crate) irsa_annotation: bool,
    /// Whether only a pod's own identity may answer.
    pub(crate) require_pod_identity: bool,
    /// Whether FIPS and dual-stack endpoints are not derived from the registry's host name.
    pub(crate) plain_endpoint: bool,
}

impl Settings {
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let options = Options::new(ERRORS, env);
        Ok(Self {
            also_serve: options.hosts(vars::ALSO_SERVE)?,
            roles: Roles::parse(options.list(vars::ROLES))
                .map_err(|what| options.wrong(vars::ROLES, &what))?,
            profile: options.text(vars::PROFILE).map(str::to_owned),
            pod_role: options.text(vars::POD_ROLE).map(str::to_owned),
            irsa_annotation: options.is_true(vars::IRSA_ANNOTATION),
            require_pod_identity: options.is_true(vars::REQUIRE_POD_IDENTITY)
                || options.is_true(vars::REQUIRE_POD_ROLE),
            plain_endpoint: options.is_true(vars::PLAIN_ENDPOINT),
        })
    }
}

#[cfg(test)]
mod tests {
    use regcred_core::ErrorKind;

    use super::*;

    #[test]
    fn a_wrong_option_names_its_variable() {
        for (name, value) in [(vars::ALSO_SERVE, "*.corp"), (vars::ROLES, "x")] {
            let error = Settings::read(&Env::map([(name, value)])).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::NotConfigured);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
