//! Resource principals: functions, container instances, build runs. Version 2.2 finds its token
//! and key ready; 1.1 and 2.1 trade for them, as the instance or by a key of their own.

use std::path::Path;

use regcred_cloud::SecretPlace;
use regcred_core::{Env, ProviderError, fingerprint};
use regcred_files::{MIB, read_text};
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;

use super::instance::{auth_service, of};
use super::resource_tokens::{ResourceTokens, address, session_call, session_token};
use crate::imds::Imds;
use crate::key::PrivateKey;
use crate::session::Session;
use crate::session_key::session_key;
use crate::settings::Cloud;
use crate::signer::Signer;
use crate::{ERRORS, vars};

/// A resource, by the version of its variables.
#[derive(Debug)]
pub(crate) enum Resource {
    /// 2.2: a session token and its key.
    Ready { token: SecretPlace, key: Key },
    /// 1.1: the instance vouches for the resource.
    OfInstance {
        token_endpoint: String,
        /// The auth service of the instance's region if none is named.
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

/// A private key and its passphrase: both values, or both files.
#[derive(Debug)]
pub(crate) struct Key {
    pem: SecretPlace,
    passphrase: Option<SecretPlace>,
}

impl Resource {
    /// Reads the variables whose names end in `suffix` (of a leaf resource, or nothing).
    pub(crate) fn read(env: &Env, suffix: &str) -> Result<Self, ProviderError> {
        let get = |name: &str| env.get(&format!("{name}{suffix}"));
        let need = |name: &str| {
            get(name).ok_or_else(|| {
                let version = get(vars::RESOURCE_VERSION).unwrap_or_default();
                ERRORS.misconfigured(format!(
                    "resource principal {version} needs {name}{suffix}; for OKE workload identity \
                     set {}=oke_workload_identity",
                    vars::AUTH_METHOD
                ))
            })
        };
        let key = || {
            let (pem, passphrase) = (need(vars::RESOURCE_KEY)?, get(vars::RESOURCE_PASSPHRASE));
            if passphrase.is_some_and(|text| is_path(text) != is_path(pem)) {
                return Err(ERRORS.misconfigured(format!(
                    "{}{suffix} and {}{suffix} must both be paths or both be values",
                    vars::RESOURCE_KEY,
                    vars::RESOURCE_PASSPHRASE
                )));
            }
            Ok(Key {
                pem: place(pem),
                passphrase: passphrase.map(without_line_end).map(place),
            })
        };
        let version = need(vars::RESOURCE_VERSION)?;
        match version {
            "2.2" => Ok(Self::Ready {
                token: place(need(vars::RESOURCE_RPST)?),
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
            _ => Err(ERRORS.misconfigured(format!(
                "{}{suffix} must be 1.1, 2.1, 2.1.1, 2.1.2 or 2.2{}",
                vars::RESOURCE_VERSION,
                if suffix.is_empty() { ", or 3.0" } else { "" }
            ))),
        }
    }

    /// A session of the resource.
    pub(crate) async fn session(&self, cloud: &Cloud) -> Result<Session, ProviderError> {
        match self {
            Self::Ready { token, key } => {
                let what = "the resource principal session token";
                let token = token.read(ERRORS, what)?;
                Session::found(&token, key.read()?, what, cloud.now())
            }
            Self::OfInstance {
                token_endpoint,
                session_endpoint,
                path,
                id,
            } => {
                let imds = Imds::find(cloud).await?;
                let (instance, key) = tokio::try_join!(of(cloud, &imds), session_key())?;
                let id = match id {
                    Some(id) => id.clone(),
                    None => imds.instance_id().await?,
                };
                let template = path.as_deref().unwrap_or(PATH_V1);
                let url = address(token_endpoint, &template.replace("{id}", &id))?;
                let request = instance.signer.get(&url, cloud.now());
                let (tokens, _) = ResourceTokens::ask(cloud, request, &url).await?;
                let session_endpoint = match session_endpoint {
                    Some(endpoint) => endpoint.clone(),
                    None => auth_service(cloud, &imds.region(cloud).await?),
                };
                let public = key.public_base64();
                let token =
                    session_token(cloud, &instance.signer, &session_endpoint, &tokens, &public)
                        .await?;
                Session::issued(&token, key, &session_call(&session_endpoint), cloud.now())
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
                let mut request = signer.get(&url, cloud.now());
                if let Some(context) = security_context {
                    request = request.secret_header("security-context", context);
                }
                let (tokens, _) = ResourceTokens::ask(cloud, request, &url).await?;
                let public = signer.key().public_base64();
                let token =
                    session_token(cloud, &signer, session_endpoint, &tokens, &public).await?;
                let asked = session_call(session_endpoint);
                Session::issued(&token, signer.into_key(), &asked, cloud.now())
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
}

impl Key {
    fn read(&self) -> Result<PrivateKey, ProviderError> {
        let passphrase = match &self.passphrase {
            None => None,
            Some(SecretPlace::Given(text)) => Some(text.clone()),
            Some(SecretPlace::File(path)) => {
                let what = "the passphrase of the resource principal's key";
                let text = read_text(path, MIB).map(Zeroizing::new);
                let text = text.map_err(|e| ERRORS.unreadable(what, path, e))?;
                Some(without_line_end(&text).into())
            }
        };
        let what = "the resource principal's key";
        PrivateKey::read(&self.pem, what, passphrase.as_ref())
    }
}

/// A value, or the file that holds it.
fn place(text: &str) -> SecretPlace {
    if is_path(text) {
        SecretPlace::File(text.into())
    } else {
        SecretPlace::Given(text.into())
    }
}

fn is_path(text: &str) -> bool {
    Path::new(text).is_absolute()
}

/// A line end after a passphrase belongs to the file; blanks are the passphrase's own.
fn without_line_end(passphrase: &str) -> &str {
    passphrase.trim_end_matches(['\r', '\n'])
}

/// A configured path takes the resource in place of a final `{}`, else at its end.
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
