//! OKE workload identity: a pod's service account token, traded at the cluster's own token service
//! ("proxymux", port 12250 of the API server) for a resource principal session token. Clusters of
//! type "enhanced" have it.

use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_cloud::{Claims, SecretPlace, TokenResponse};
use regcred_core::{CredentialRequest, Env, ErrorKind, ProviderError};
use regcred_files::{MIB, read_text};
use regcred_http::{CaBundle, Client, Proxy, Request, StatusCode, secure_url};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use serde_json::json;

use crate::home_path::expand;
use crate::session::Session;
use crate::session_key::session_key;
use crate::settings::Cloud;
use crate::signed_call::{self, LIMIT};
use crate::{ERRORS, vars};

/// A service account and the cluster that vouches for it.
#[derive(Debug)]
pub(crate) struct Workload {
    token: SecretPlace,
    host: String,
    ca: PathBuf,
}

impl Workload {
    /// The service account of the request, else the one that the process runs as.
    pub(crate) fn choose(env: &Env, request: &CredentialRequest) -> Result<Self, ProviderError> {
        let given = request.service_account_token.clone();
        let given = given.or_else(|| env.get(vars::SA_TOKEN).map(SecretString::from));
        let file = env.get(vars::SA_TOKEN_FILE).unwrap_or(TOKEN_FILE);
        let Some(host) = env.get(vars::KUBERNETES_HOST) else {
            return Err(ERRORS.misconfigured(format!(
                "OKE workload identity needs {}: the address of the cluster's API server",
                vars::KUBERNETES_HOST
            )));
        };
        let ca = env.get(vars::SA_CERT_FILE).unwrap_or(CA_FILE);
        Ok(Self {
            token: match given {
                Some(token) => SecretPlace::Given(token),
                None => SecretPlace::File(expand(env, file)),
            },
            host: host.trim().to_owned(),
            ca: expand(env, ca),
        })
    }

    /// A fresh session of the service account.
    pub(crate) async fn session(&self, cloud: &Cloud) -> Result<Session, ProviderError> {
        let token = self.read(cloud)?;
        let client = self.client(cloud)?;
        let key = session_key().await?;
        let host = match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        };
        let port = cloud.settings.proxymux_port;
        let place = format!("https://{host}:{port}");
        let url = secure_url(&format!("{place}{PATH}")).ok_or_else(|| {
            ERRORS.misconfigured(format!("{} is not a host name", vars::KUBERNETES_HOST))
        })?;
        let request = Request::post(url.as_str())
            .bearer(&token)
            .json(&json!({"podKey": key.public_base64()}));
        let asked = ERRORS
            .token_call(self.label(), format!("the cluster's token service {place}"))
            .if_refused("the token must be of this cluster and of an audience that it knows");
        let advice = |status| {
            let enhanced = "the cluster must be an enhanced one".to_owned();
            (status == StatusCode::FORBIDDEN).then_some(enhanced)
        };
        let response = signed_call::send(cloud, &client, request, &asked, advice).await;
        let response = response.map_err(|error| match error.kind() {
            ErrorKind::Unreachable => error.with_next_step(format!("nodes need TCP {port}")),
            _ => error,
        })?;
        let text = response.text(LIMIT).await.map(Zeroizing::new);
        let text = text.map_err(|error| asked.failed(error))?;
        let response = decode(&text).ok_or_else(|| {
            let answer = "its response is not base64 of a token";
            asked.answered(ErrorKind::Malformed, answer)
        })?;
        let token = response.secret(&asked)?;
        Session::issued(&token, key, &asked, cloud.now())
    }

    pub(crate) fn stable_name(&self) -> String {
        format!("workload {} {}", self.host, self.token.stable_name())
    }

    /// The service account as the token names it.
    pub(crate) fn label(&self) -> String {
        let named = match &self.token {
            SecretPlace::Given(token) => Claims::of(token).and_then(|claims| claims.sub),
            SecretPlace::File(_) => None,
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'.');
        match named.filter(|name| name.len() <= 200 && name.bytes().all(plain)) {
            Some(name) => name,
            None => "the service account".to_owned(),
        }
    }

    /// The token, which has not expired. The kubelet replaces a file from time to time.
    fn read(&self, cloud: &Cloud) -> Result<SecretString, ProviderError> {
        let what = "the service account token";
        let token = self.token.read(ERRORS, what)?;
        let what = self.token.describe(what);
        let Some(claims) = Claims::of(&token) else {
            return Err(ERRORS.misconfigured(format!("{what} is not a JSON web token")));
        };
        match claims.expires_at() {
            Some(expiry) if expiry <= cloud.now() => {
                Err(ERRORS.no_identity(format!("{what} expired at {expiry}")))
            }
            _ => Ok(token),
        }
    }

    /// A client for the cluster's own services, which trusts the cluster's CA and no other: the
    /// environment's roots are kept from it.
    fn client(&self, cloud: &Cloud) -> Result<Client, ProviderError> {
        // Read now, so that a wrong path is reported as what it is.
        read_text(&self.ca, MIB)
            .map_err(|e| ERRORS.unreadable("the cluster's CA certificate", &self.ca, e))?;
        cloud.client(|options| {
            options.proxy = Proxy::None;
            options.connect_timeout = CONNECT;
            options.ca_bundle = Some(CaBundle {
                path: self.ca.clone(),
                named_by: "the cluster",
            });
            options.env = Env::default();
        })
    }
}

/// The response: base64 of JSON, as a JSON string or bare.
fn decode(text: &str) -> Option<TokenResponse> {
    let text = text.trim().trim_matches('"');
    let json = Zeroizing::new(STANDARD.decode(text).ok()?);
    serde_json::from_slice(&json).ok()
}

const PATH: &str = "/resourcePrincipalSessionTokens";
const TOKEN_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const CA_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";
const CONNECT: Duration = Duration::from_secs(4);

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn the_response_comes_with_and_without_quotes() {
        let inner = STANDARD.encode(r#"{"token":"ST$a.b.c"}"#);
        let asked = ERRORS.token_call("the service account", "the cluster");
        for text in [format!("\"{inner}\"\n"), inner] {
            let token = decode(&text).expect("token").secret(&asked);
            assert_eq!(token.expect("token").expose_secret(), "ST$a.b.c");
        }
        for text in ["", "%%", "\"aGVsbG8=\""] {
            assert!(decode(text).is_none(), "{text}");
        }
        let empty = decode("e30=").expect("an object");
        assert!(empty.secret(&asked).is_err());
    }
}
