//! AKS identity bindings: the API server, under a name of its own, trades a pod's token for an
//! Entra token (cloud-provider-azure `pkg/credentialprovider/identity_bindings_credentials.go`).

use std::path::PathBuf;

use regcred_cloud::Options;
use regcred_core::{CredentialRequest, ProviderError};

use crate::{ERRORS, vars};

/// Where the bindings are and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bindings {
    /// TLS name of the endpoint.
    pub(crate) sni: String,
    /// `host:port` of the API server.
    pub(crate) address: String,
    pub(crate) ca_file: PathBuf,
    default_client: Option<String>,
}

impl Bindings {
    /// The bindings that the options switch on.
    ///
    /// # Errors
    /// When a part is missing or has another form, as upstream requires.
    pub(crate) fn read(options: &Options<'_>) -> Result<Option<Self>, ProviderError> {
        let needs = |name, other| ERRORS.misconfigured(format!("{name} needs {other}"));
        let Some(sni) = options.text(vars::IB_SNI_NAME) else {
            let mut parts = [
                vars::IB_CLIENT_ID,
                vars::IB_TENANT_ID,
                vars::IB_APISERVER_IP,
            ]
            .into_iter();
            return match parts.find(|name| options.text(name).is_some()) {
                None => Ok(None),
                Some(name) => Err(needs(name, vars::IB_SNI_NAME)),
            };
        };
        let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if !sni.bytes().all(is_part) {
            return Err(options.wrong(vars::IB_SNI_NAME, "is not a host name without https://"));
        }
        let address = options
            .text(vars::IB_APISERVER_IP)
            .ok_or_else(|| needs(vars::IB_SNI_NAME, vars::IB_APISERVER_IP))?;
        Ok(Some(Self {
            sni: sni.to_owned(),
            address: with_port(address),
            ca_file: options
                .path(vars::IB_CA_FILE)
                .unwrap_or_else(|| CA_FILE.into()),
            default_client: options.text(vars::IB_CLIENT_ID).map(str::to_owned),
        }))
    }

    /// The client that the pod acts as: its annotation's, else the node's default.
    pub(crate) fn client_id(&self, request: &CredentialRequest) -> Result<String, ProviderError> {
        let annotations = &request.service_account_annotations;
        let client = annotations
            .get(CLIENT_ID_ANNOTATION)
            .or(self.default_client.as_ref())
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty());
        client.ok_or_else(|| {
            ERRORS.no_identity(format!(
                "the pod's service account names no client: annotate it with \
                 {CLIENT_ID_ANNOTATION}, or set {}",
                vars::IB_CLIENT_ID
            ))
        })
    }
}

fn with_port(address: &str) -> String {
    if address.parse::<std::net::Ipv6Addr>().is_ok() {
        return format!("[{address}]:443");
    }
    match address.rsplit_once(':') {
        Some((_, port)) if port.parse::<u16>().is_ok() => address.to_owned(),
        _ => format!("{address}:443"),
    }
}

/// The annotation of a service account that names its client, as upstream's plugin has it.
pub(crate) const CLIENT_ID_ANNOTATION: &str = "kubernetes.azure.com/acr-client-id";
const CA_FILE: &str = "/etc/kubernetes/certs/ca.crt";

#[cfg(test)]
mod tests {
    use regcred_core::Env;

    use super::*;

    fn read(env: &Env) -> Result<Option<Bindings>, ProviderError> {
        Bindings::read(&Options::new(ERRORS, env))
    }

    const SNI: (&str, &str) = (vars::IB_SNI_NAME, "ib.example.com");

    #[test]
    fn the_parts_belong_together_as_upstream_requires() {
        assert_eq!(read(&Env::default()).expect("off"), None);
        for vars in [
            &[SNI][..],
            &[(vars::IB_CLIENT_ID, "c")],
            &[(vars::IB_TENANT_ID, "t")],
            &[(vars::IB_APISERVER_IP, "10.0.0.1")],
            &[
                (vars::IB_SNI_NAME, "https://ib"),
                (vars::IB_APISERVER_IP, "10.0.0.1"),
            ],
        ] {
            assert!(read(&Env::map(vars.iter().copied())).is_err(), "{vars:?}");
        }
        for (ip, address) in [
            ("10.0.0.1", "10.0.0.1:443"),
            ("10.0.0.1:8443", "10.0.0.1:8443"),
            ("fd00::1", "[fd00::1]:443"),
            ("api.corp", "api.corp:443"),
        ] {
            let env = Env::map([SNI, (vars::IB_APISERVER_IP, ip)]);
            let read = read(&env).expect("sound").expect("on");
            assert_eq!(read.address, address);
        }
    }

    #[test]
    fn the_annotation_wins_over_the_default_client() {
        let env = Env::map([SNI, (vars::IB_APISERVER_IP, "10.0.0.1")]);
        let mut request = CredentialRequest::new("contoso.azurecr.io/app").expect("request");
        let bindings = read(&env).expect("sound").expect("on");
        let error = bindings.client_id(&request).expect_err("no client");
        assert!(error.to_string().contains(CLIENT_ID_ANNOTATION), "{error}");
        let env = env.with([(vars::IB_CLIENT_ID, "default")]);
        let bindings = read(&env).expect("sound").expect("on");
        assert_eq!(bindings.client_id(&request).expect("default"), "default");
        request
            .service_account_annotations
            .insert(CLIENT_ID_ANNOTATION.to_owned(), "pods".to_owned());
        assert_eq!(bindings.client_id(&request).expect("annotated"), "pods");
    }
}
