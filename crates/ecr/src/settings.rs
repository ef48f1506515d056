//! The provider's own options, read from the environment value once.

use regcred_core::{AlsoServe, Env, ErrorKind, ProviderError};

use crate::roles::Roles;
use crate::{NAME, vars};

/// What an operator chose.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Hosts that lead to ECR under other names.
    pub(crate) also_serve: AlsoServe,
    /// A role or profile per registry.
    pub(crate) roles: Roles,
    /// The profile that goes before everything else.
    pub(crate) profile: Option<String>,
    /// Whether a pod's role may come from the annotation of IAM roles for service accounts.
    pub(crate) irsa_annotation: bool,
    /// Whether a service account token without a role is refused.
    pub(crate) require_pod_role: bool,
    /// Whether FIPS and dual-stack endpoints are not derived from the registry's host name.
    pub(crate) plain_endpoint: bool,
}

impl Settings {
    /// Reads the options.
    ///
    /// # Errors
    /// [`ErrorKind::NotConfigured`], naming the variable.
    pub(crate) fn from_env(env: &Env) -> Result<Self, ProviderError> {
        let list = |name| env.get(name).unwrap_or_default();
        let wrong = |name, reason| {
            let text = format!("cannot read {name}: {reason}");
            ProviderError::new(NAME, ErrorKind::NotConfigured, text)
        };
        Ok(Self {
            also_serve: AlsoServe::parse(list(vars::ALSO_SERVE))
                .map_err(|reason| wrong(vars::ALSO_SERVE, reason))?,
            roles: Roles::parse(list(vars::ROLES)).map_err(|reason| wrong(vars::ROLES, reason))?,
            profile: env.get(vars::PROFILE).map(str::to_owned),
            irsa_annotation: env.is_true(vars::IRSA_ANNOTATION),
            require_pod_role: env.is_true(vars::REQUIRE_POD_ROLE),
            plain_endpoint: env.is_true(vars::PLAIN_ENDPOINT),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_option_names_its_variable() {
        for (name, value) in [(vars::ALSO_SERVE, "*.corp"), (vars::ROLES, "x")] {
            let error = Settings::from_env(&Env::map([(name, value)])).expect_err(name);
            assert_eq!(error.kind(), ErrorKind::NotConfigured);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
