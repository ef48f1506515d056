//! An application of Entra ID: whom a secret, a certificate or a federated token stands for.

use regcred_core::ProviderError;

use crate::ERRORS;

/// An application in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Application {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
}

impl Application {
    /// An application whose names can be part of a URL.
    ///
    /// # Errors
    /// When one of them is empty or has other characters.
    pub(crate) fn new(tenant: &str, client_id: &str) -> Result<Self, ProviderError> {
        let (tenant, client_id) = (tenant.trim(), client_id.trim());
        for (what, id) in [("tenant", tenant), ("client", client_id)] {
            let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
            if id.is_empty() || !id.bytes().all(is_part) {
                return Err(ERRORS.misconfigured(format!("the {what} id is not an identifier")));
            }
        }
        Ok(Self {
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
        })
    }

    /// Tenant and client, for cache keys.
    pub(crate) fn stable_name(&self) -> String {
        format!("{}/{}", self.tenant, self.client_id)
    }

    /// Its token endpoint at this base URL of Entra ID.
    pub(crate) fn token_url(&self, authority: &str) -> String {
        format!("{authority}/{}/oauth2/v2.0/token", self.tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_checked_before_they_are_part_of_a_url() {
        let sound = Application::new(" contoso.onmicrosoft.com ", "c-1").expect("sound");
        assert_eq!(sound.tenant, "contoso.onmicrosoft.com");
        for (tenant, client) in [
            ("", "c"),
            ("t", ""),
            ("t/../u", "c"),
            ("t", "c?x"),
            ("é", "c"),
        ] {
            assert!(
                Application::new(tenant, client).is_err(),
                "{tenant} {client}"
            );
        }
    }
}
