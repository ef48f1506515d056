//! AKS identity bindings: the API server, under a name of its own, trades a pod's token for an
//! Entra token (cloud-provider-azure `pkg/credentialprovider/identity_bindings_credentials.go`).
//!
//! The call is our own: azure_identity cannot ask another endpoint than Entra ID's.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use regcred_core::{CredentialRequest, Env, ErrorKind, ProviderError};
use regcred_http::{CaBundle, ClientOptions, Proxy, Request, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::lookup_host;

use crate::failure::{NoToken, Refusal, call_failed, failure, misconfigured};
use crate::identity::CLIENT_ID_ANNOTATION;
use crate::reach::{self, Reach};
use crate::token::TokenAnswer;
use crate::vars;

/// Where the bindings are and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bindings {
    /// TLS name of the endpoint.
    pub(crate) sni: String,
    /// `host:port` of the API server.
    address: String,
    default_client: Option<String>,
    ca_file: PathBuf,
}

impl Bindings {
    /// The bindings that the environment switches on.
    ///
    /// # Errors
    /// When a part is missing or has another form, as upstream has it.
    pub(crate) fn read(env: &Env) -> Result<Option<Self>, ProviderError> {
        let get = |name| env.get(name).map(|v: &str| v.trim().to_owned());
        let Some(sni) = get(vars::IB_SNI_NAME) else {
            let parts = [
                vars::IB_CLIENT_ID,
                vars::IB_TENANT_ID,
                vars::IB_APISERVER_IP,
            ];
            return match parts.into_iter().find(|name| env.get(name).is_some()) {
                None => Ok(None),
                Some(name) => Err(misconfigured(format!("{name} needs {}", vars::IB_SNI_NAME))),
            };
        };
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        if !is_name(&sni) {
            return Err(misconfigured(format!(
                "{} is no host name; it has no https:// in front",
                vars::IB_SNI_NAME
            )));
        }
        let address = get(vars::IB_APISERVER_IP).ok_or_else(|| {
            misconfigured(format!(
                "{} needs {}",
                vars::IB_SNI_NAME,
                vars::IB_APISERVER_IP
            ))
        })?;
        Ok(Some(Self {
            sni,
            address: with_port(&address),
            default_client: get(vars::IB_CLIENT_ID),
            ca_file: env.path(vars::IB_CA_FILE).unwrap_or_else(|| CA_FILE.into()),
        }))
    }

    /// The client that the pod acts as: its annotation's, else the node's default.
    pub(crate) fn client_id(&self, request: &CredentialRequest) -> Result<String, ProviderError> {
        let annotated = request
            .service_account_annotations
            .get(CLIENT_ID_ANNOTATION);
        annotated
            .cloned()
            .or_else(|| self.default_client.clone())
            .map(|id| id.trim().to_owned())
            .filter(|id| !id.is_empty())
            .ok_or_else(|| {
                failure(
                    ErrorKind::IdentityUnavailable,
                    format!(
                        "the pod's service account names no client: annotate it with \
                         {CLIENT_ID_ANNOTATION}, or set {}",
                        vars::IB_CLIENT_ID
                    ),
                )
            })
    }

    /// An Entra token of the client, for the pod's token.
    pub(crate) async fn token(
        &self,
        reach: &Reach,
        client_id: &str,
        token: &SecretString,
        audience: &str,
    ) -> Result<SecretString, NoToken> {
        let client = reach::client(ClientOptions {
            // The environment's roots and proxies are not for the cluster's own server.
            env: Env::default(),
            proxy: Proxy::None,
            ca_bundle: Some(CaBundle {
                path: self.ca_file.clone(),
                named_by: "the cluster",
            }),
            resolve: vec![(self.sni.to_ascii_lowercase(), self.addresses().await?)],
            ..reach.options()
        })?;
        let scope = format!("{audience}/.default");
        let request = Request::post(&format!("https://{}", self.sni))
            .form(&[
                ("grant_type", "client_credentials"),
                ("client_assertion_type", ASSERTION_TYPE),
                ("scope", &scope),
                ("client_assertion", token.expose_secret()),
                ("client_id", client_id),
            ])
            .secret_body()
            .timeout(TIMEOUT)
            .retry(reach.retry);
        let label = format!("the pod's service account as client {client_id}");
        let what = || {
            format!(
                "the identity bindings at {} gave no token for {label}",
                self.sni
            )
        };
        let response = client
            .send(request)
            .await
            .map_err(|e| call_failed(what(), e))?;
        if response.status() != StatusCode::OK {
            return Err(NoToken::refused(what(), Refusal::read(response).await));
        }
        let answer: TokenAnswer = response
            .json(LIMIT)
            .await
            .map_err(|e| call_failed(what(), e))?;
        Ok(answer.accept("the identity bindings' endpoint")?)
    }

    /// Where the API server is. Its own name, and not the endpoint's, leads there.
    async fn addresses(&self) -> Result<Vec<SocketAddr>, ProviderError> {
        match lookup_host(&self.address).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(error) => Err(failure(
                ErrorKind::Unreachable,
                format!("cannot resolve the API server {}", self.address),
            )
            .with_source(error)),
        }
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

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const CA_FILE: &str = "/etc/kubernetes/certs/ca.crt";
const TIMEOUT: Duration = Duration::from_secs(20);
const LIMIT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    const SNI: (&str, &str) = (vars::IB_SNI_NAME, "ib.example.com");

    #[test]
    fn the_parts_hang_together_as_upstream_has_them() {
        assert_eq!(Bindings::read(&Env::default()).expect("off"), None);
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
            assert!(
                Bindings::read(&Env::map(vars.iter().copied())).is_err(),
                "{vars:?}"
            );
        }
        for (ip, address) in [
            ("10.0.0.1", "10.0.0.1:443"),
            ("10.0.0.1:8443", "10.0.0.1:8443"),
            ("fd00::1", "[fd00::1]:443"),
            ("api.corp", "api.corp:443"),
        ] {
            let env = Env::map([SNI, (vars::IB_APISERVER_IP, ip)]);
            let read = Bindings::read(&env).expect("sound").expect("on");
            assert_eq!(read.address, address);
        }
    }

    #[test]
    fn the_annotation_wins_over_the_default_client() {
        let env = Env::map([SNI, (vars::IB_APISERVER_IP, "10.0.0.1")]);
        let mut request = CredentialRequest::new("contoso.azurecr.io/app").expect("request");
        let bindings = Bindings::read(&env).expect("sound").expect("on");
        let error = bindings.client_id(&request).expect_err("nobody");
        assert!(error.to_string().contains(CLIENT_ID_ANNOTATION), "{error}");
        let env = env.with([(vars::IB_CLIENT_ID, "default")]);
        let bindings = Bindings::read(&env).expect("sound").expect("on");
        assert_eq!(bindings.client_id(&request).expect("default"), "default");
        request
            .service_account_annotations
            .insert(CLIENT_ID_ANNOTATION.to_owned(), "pods".to_owned());
        assert_eq!(bindings.client_id(&request).expect("annotated"), "pods");
    }
}
