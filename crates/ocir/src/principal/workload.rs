//! OKE workload identity: a pod's service account token, traded at the cluster's own token service
//! ("proxymux", port 12250 of the API server) for a resource principal session token. Clusters of
//! type "enhanced" have it.

use std::net::Ipv6Addr;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_core::{CredentialRequest, Env, ErrorKind, ProviderError, fingerprint};
use regcred_http::{Request, StatusCode, secure_url};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::call::{self, TokenAnswer};
use crate::claims::Claims;
use crate::failure::{call_failed, failure, malformed, misconfigured};
use crate::key::session_key;
use crate::reach::{LIMIT, Reach};
use crate::secret_file;
use crate::session::Session;
use crate::vars;

/// A service account and the cluster that vouches for it.
#[derive(Debug)]
pub(crate) struct Workload {
    token: Token,
    host: String,
    ca: PathBuf,
}

#[derive(Debug)]
enum Token {
    /// From the kubelet's request, or from a variable.
    Given(SecretString),
    /// Replaced by the kubelet from time to time, so it is read at each use.
    File(PathBuf),
}

impl Workload {
    /// The service account of the request, else the one that the process runs as.
    pub(crate) fn choose(env: &Env, request: &CredentialRequest) -> Result<Self, ProviderError> {
        let given = request.service_account_token.clone();
        let token = given
            .or_else(|| env.get(vars::SA_TOKEN).map(SecretString::from))
            .map(Token::Given)
            .unwrap_or_else(|| {
                let path = env.get(vars::SA_TOKEN_FILE).unwrap_or(TOKEN_FILE);
                Token::File(secret_file::expand(env, path))
            });
        let Some(host) = env.get(vars::KUBERNETES_HOST) else {
            return Err(misconfigured(format!(
                "OKE workload identity needs {}: the address of the cluster's API server",
                vars::KUBERNETES_HOST
            )));
        };
        let ca = env.get(vars::SA_CERT_FILE).unwrap_or(CA_FILE);
        Ok(Self {
            token,
            host: host.trim().to_owned(),
            ca: secret_file::expand(env, ca),
        })
    }

    /// A fresh session of the service account.
    pub(crate) async fn session(&self, reach: &Reach) -> Result<Session, ProviderError> {
        let token = self.read(reach)?;
        // Read now, so that a wrong path is said in these words.
        secret_file::read("the cluster's CA certificate", &self.ca)?;
        let key = session_key().await?;
        let host = match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]"),
            Err(_) => self.host.clone(),
        };
        let port = reach.settings.proxymux_port;
        let place = format!("https://{host}:{port}");
        let url = secure_url(&format!("{place}{PATH}"))
            .ok_or_else(|| misconfigured(format!("{} is no host name", vars::KUBERNETES_HOST)))?;
        let request = Request::post(url.as_str())
            .bearer(&token)
            .json(&json!({"podKey": key.public_base64()}));
        let service = format!("the cluster's token service {place}; nodes need TCP {port}");
        let refusal = |status: StatusCode| {
            let advice = match status.as_u16() {
                403 => "; the cluster must be an enhanced one",
                401 => "; the token must be of this cluster and of an audience that it knows",
                _ => "",
            };
            let who = self.label();
            format!("{place} does not take the token of {who}{advice}")
        };
        let client = reach.cluster(self.ca.clone())?;
        let response = call::send(reach, &client, request, &service, refusal).await?;
        let text = response.text(LIMIT).await.map(Zeroizing::new);
        let text = text.map_err(|e| call_failed(format!("cannot read the token of {place}"), e))?;
        let token = decode(&text).ok_or_else(|| {
            malformed(format!("{place} answered with something that is no token"))
        })?;
        Session::issued(&token, key, "the cluster's token service", reach.now())
    }

    pub(crate) fn stable_name(&self) -> String {
        match &self.token {
            Token::Given(token) => format!("workload {} {}", self.host, fingerprint(token)),
            Token::File(path) => format!("workload {} {}", self.host, path.display()),
        }
    }

    /// The service account as the token names it.
    pub(crate) fn label(&self) -> String {
        let named = match &self.token {
            Token::Given(token) => Claims::of(token.expose_secret()).and_then(|c| c.sub),
            Token::File(_) => None,
        };
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'.');
        match named.filter(|name| name.len() <= 200 && name.bytes().all(plain)) {
            Some(name) => name,
            None => "the service account".to_owned(),
        }
    }

    /// The token, alive.
    fn read(&self, reach: &Reach) -> Result<SecretString, ProviderError> {
        let (token, place) = match &self.token {
            Token::Given(token) => (
                token.expose_secret().trim().into(),
                "the request".to_owned(),
            ),
            Token::File(path) => {
                let text = secret_file::read("the service account token", path)?;
                (text.trim().into(), path.display().to_string())
            }
        };
        let token: SecretString = token;
        let Some(claims) = Claims::of(token.expose_secret()) else {
            return Err(misconfigured(format!(
                "the service account token in {place} is no JSON web token"
            )));
        };
        match claims.expires_at() {
            Some(end) if end <= reach.now() => Err(failure(
                ErrorKind::IdentityUnavailable,
                format!("the service account token in {place} ended at {end}"),
            )),
            _ => Ok(token),
        }
    }
}

/// The answer: base64 of JSON, as a JSON string or bare.
fn decode(text: &str) -> Option<SecretString> {
    let text = text.trim().trim_matches('"');
    let json = Zeroizing::new(STANDARD.decode(text).ok()?);
    let answer: TokenAnswer = serde_json::from_slice(&json).ok()?;
    Some(answer.token)
}

const PATH: &str = "/resourcePrincipalSessionTokens";
const TOKEN_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
const CA_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_comes_with_and_without_quotes() {
        let inner = STANDARD.encode(r#"{"token":"ST$a.b.c"}"#);
        for text in [format!("\"{inner}\"\n"), inner] {
            let token = decode(&text).expect("token");
            assert_eq!(token.expose_secret(), "ST$a.b.c");
        }
        for text in ["", "%%", "e30=", "\"aGVsbG8=\""] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
