//! Resource principals: functions, container instances, build runs. Version 2.2 finds its token
//! and key ready; 1.1 and 2.1 trade for them, as the instance or by a key of their own.

use std::path::Path;

use regcred_core::{Env, ProviderError, fingerprint};
use regcred_http::Request;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::instance::{auth_service, of};
use super::resource_tokens::{ResourceTokens, address, session_token};
use crate::failure::misconfigured;
use crate::imds::Imds;
use crate::key::{PrivateKey, session_key};
use crate::reach::Reach;
use crate::secret_file;
use crate::session::Session;
use crate::signer::Signer;
use crate::vars;

/// What the variables of a version say.
#[derive(Debug)]
pub(crate) enum Resource {
    /// 2.2: a session token and its key.
    Ready { token: Value, key: Key },
    /// 1.1: the instance vouches for the resource.
    OfInstance {
        token_endpoint: String,
        /// The auth service of the instance's region if it is not said.
        session_endpoint: Option<String>,
        path: Option<String>,
        id: Option<String>,
    },
    /// 2.1, 2.1.1, 2.1.2: the resource has a key of its own.
    OfKey {
        key_id: String,
        token_endpoint: String,
        session_endpoint: String,
        path: String,
        security_context: Option<SecretString>,
        key: Key,
    },
}

/// A value, or the file that holds it: an absolute path.
#[derive(Debug)]
pub(crate) struct Value(SecretString);

/// A private key and its passphrase: both values, or both files.
#[derive(Debug)]
pub(crate) struct Key {
    pem: Value,
    passphrase: Option<Value>,
}

impl Resource {
    /// Reads the variables whose names end in `suffix` (of a leaf resource, or nothing).
    pub(crate) fn read(env: &Env, suffix: &str) -> Result<Self, ProviderError> {
        let get = |name: &str| env.get(&format!("{name}{suffix}"));
        let need = |name: &str| {
            get(name).ok_or_else(|| {
                let version = get(vars::RESOURCE_VERSION).unwrap_or_default();
                misconfigured(format!(
                    "resource principal {version} needs {name}{suffix}; for OKE workload identity \
                     set {}=oke_workload_identity",
                    vars::AUTH_METHOD
                ))
            })
        };
        let key = || {
            let key = Key {
                pem: Value::of(need(vars::RESOURCE_KEY)?),
                passphrase: get(vars::RESOURCE_PASSPHRASE).map(Value::of),
            };
            match &key.passphrase {
                Some(passphrase) if passphrase.is_path() != key.pem.is_path() => {
                    Err(misconfigured(format!(
                        "{}{suffix} and {}{suffix} must both be paths or both be values",
                        vars::RESOURCE_KEY,
                        vars::RESOURCE_PASSPHRASE
                    )))
                }
                _ => Ok(key),
            }
        };
        let version = need(vars::RESOURCE_VERSION)?;
        match version {
            "2.2" => Ok(Self::Ready {
                token: Value::of(need(vars::RESOURCE_RPST)?),
                key: key()?,
            }),
            "1.1" => Ok(Self::OfInstance {
                token_endpoint: need(vars::RESOURCE_RPT_ENDPOINT)?.to_owned(),
                session_endpoint: get(vars::RESOURCE_RPST_ENDPOINT).map(str::to_owned),
                path: get(vars::RESOURCE_RPT_PATH).map(str::to_owned),
                id: get(vars::RESOURCE_RPT_ID).map(str::to_owned),
            }),
            "2.1" | "2.1.1" | "2.1.2" => {
                let id = need(vars::RESOURCE_ID)?;
                let (key_id, path) = match version {
                    "2.1" => (format!("resource/v2.1/{id}"), format!("{PATH_V2}/{id}")),
                    version => {
                        let tenancy = need(vars::RESOURCE_TENANCY)?;
                        let path = match version {
                            "2.1.2" => path_v212(get(vars::RESOURCE_RPT_PATH), id),
                            _ => format!("{PATH_V2}/{id}"),
                        };
                        (format!("resource/v{version}/{tenancy}/{id}"), path)
                    }
                };
                let context = get(vars::RESOURCE_CONTEXT).filter(|_| version == "2.1.2");
                Ok(Self::OfKey {
                    key_id,
                    path,
                    token_endpoint: need(vars::RESOURCE_RPT_ENDPOINT)?.to_owned(),
                    session_endpoint: need(vars::RESOURCE_RPST_ENDPOINT)?.to_owned(),
                    security_context: context.map(SecretString::from),
                    key: key()?,
                })
            }
            _ => Err(misconfigured(format!(
                "{}{suffix} must be 1.1, 2.1, 2.1.1, 2.1.2 or 2.2{}",
                vars::RESOURCE_VERSION,
                if suffix.is_empty() { ", or 3.0" } else { "" }
            ))),
        }
    }

    /// A session of the resource.
    pub(crate) async fn session(&self, reach: &Reach) -> Result<Session, ProviderError> {
        match self {
            Self::Ready { token, key } => {
                let key = key.read()?;
                let token = token
                    .read("the resource principal session token")?
                    .trim()
                    .into();
                let what = "the resource principal session token";
                Session::found(&token, key, what, reach.now())
            }
            Self::OfInstance {
                token_endpoint,
                session_endpoint,
                path,
                id,
            } => {
                let imds = Imds::find(reach).await?;
                let (instance, key) = tokio::try_join!(of(reach, &imds), session_key())?;
                let id = match id {
                    Some(id) => id.clone(),
                    None => imds.instance_id().await?,
                };
                let template = path.as_deref().unwrap_or(PATH_V1);
                let url = address(token_endpoint, &template.replace("{id}", &id))?;
                let request = instance.signer.get(&url, reach.now());
                let (tokens, _) = ResourceTokens::ask(reach, request, &url).await?;
                let session_endpoint = match session_endpoint {
                    Some(endpoint) => endpoint.clone(),
                    None => auth_service(reach, &imds.region(reach).await?),
                };
                let public = key.public_base64();
                let token =
                    session_token(reach, &instance.signer, &session_endpoint, &tokens, &public)
                        .await?;
                Session::issued(&token, key, &session_endpoint, reach.now())
            }
            Self::OfKey {
                key_id,
                token_endpoint,
                session_endpoint,
                path,
                security_context,
                key,
            } => {
                let signer = Signer::named(key_id.clone(), key.read()?);
                let url = address(token_endpoint, path)?;
                let mut request: Request = signer.get(&url, reach.now());
                if let Some(context) = security_context {
                    request = request.secret_header("security-context", context);
                }
                let (tokens, _) = ResourceTokens::ask(reach, request, &url).await?;
                let public = signer.key().public_base64();
                let token =
                    session_token(reach, &signer, session_endpoint, &tokens, &public).await?;
                Session::issued(&token, signer.into_key(), session_endpoint, reach.now())
            }
        }
    }

    pub(crate) fn stable_name(&self) -> String {
        match self {
            Self::Ready { token, .. } => format!("resource 2.2 {}", token.stable_name()),
            Self::OfInstance {
                token_endpoint,
                session_endpoint,
                path,
                id,
            } => {
                let text = |part: &Option<String>| part.clone().unwrap_or_default();
                let (session, path, id) = (text(session_endpoint), text(path), text(id));
                format!("resource 1.1 {token_endpoint} {session} {path} {id}")
            }
            Self::OfKey {
                key_id,
                token_endpoint,
                session_endpoint,
                path,
                security_context,
                ..
            } => {
                let context = security_context
                    .as_ref()
                    .map(fingerprint)
                    .unwrap_or_default();
                format!("{key_id} {token_endpoint} {session_endpoint} {path} {context}")
            }
        }
    }

    pub(crate) fn label(&self) -> String {
        "the resource principal".to_owned()
    }
}

impl Value {
    fn of(text: &str) -> Self {
        Self(text.into())
    }

    fn is_path(&self) -> bool {
        Path::new(self.0.expose_secret()).is_absolute()
    }

    fn read(&self, what: &str) -> Result<Zeroizing<String>, ProviderError> {
        let text = self.0.expose_secret();
        match self.is_path() {
            true => secret_file::read(what, Path::new(text)),
            false => Ok(Zeroizing::new(text.to_owned())),
        }
    }

    fn stable_name(&self) -> String {
        match self.is_path() {
            true => self.0.expose_secret().to_owned(),
            false => fingerprint(&self.0),
        }
    }
}

impl Key {
    fn read(&self) -> Result<PrivateKey, ProviderError> {
        let pem = self.pem.read("the resource principal's key")?;
        let passphrase = self.passphrase.as_ref().map(|p| p.read("its passphrase"));
        let passphrase = passphrase.transpose()?;
        // A line end behind a passphrase in a file belongs to the file.
        let passphrase = passphrase.map(|p| SecretString::from(p.trim_end_matches(['\r', '\n'])));
        PrivateKey::from_pem(&pem, passphrase.as_ref())
            .map_err(|e| misconfigured("the resource principal has no sound key").with_source(e))
    }
}

/// A path of one's own takes the resource where it says `{}`, else at its end.
fn path_v212(path: Option<&str>, id: &str) -> String {
    match path {
        None => format!("{PATH_V212}/{id}"),
        Some(path) if path.ends_with("{}") => path.replace("{}", id),
        Some(path) => format!("{}/{id}", path.trim_end_matches('/')),
    }
}

const PATH_V1: &str = "/20180711/resourcePrincipalToken/{id}";
const PATH_V2: &str = "/20180711/resourcePrincipalTokenV2";
const PATH_V212: &str = "/20180711/resourcePrincipalTokenV212";

#[cfg(test)]
mod tests;
