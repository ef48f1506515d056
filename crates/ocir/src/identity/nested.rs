//! Resource principals of version 3.0: a leaf resource within parents. Each session asks for the
//! one of its parent, and the key stays the leaf's.

use regcred_core::{Env, ProviderError};
use regcred_http::{Url, is_loopback, secure_url};

use super::resource::Resource;
use super::resource_tokens::{ResourceTokens, address, session_call, session_token};
use crate::session::Session;
use crate::settings::Cloud;
use crate::{ERRORS, vars};

/// The leaf and its first parent.
#[derive(Debug)]
pub(crate) struct Nested {
    leaf: Resource,
    token_url: String,
    session_endpoint: String,
}

impl Nested {
    /// Reads the variables.
    pub(crate) fn read(env: &Env) -> Result<Self, ProviderError> {
        let need = |name: &str| {
            let value = env.get(name).map(str::to_owned);
            let missing = format!("resource principal 3.0 needs {name}");
            value.ok_or_else(|| ERRORS.misconfigured(missing))
        };
        Ok(Self {
            leaf: Resource::read(env, vars::LEAF)?,
            token_url: need(vars::PARENT_RPT_URL)?,
            session_endpoint: need(vars::PARENT_RPST_ENDPOINT)?,
        })
    }

    /// A session of the outermost parent.
    pub(crate) async fn session(&self, cloud: &Cloud) -> Result<Session, ProviderError> {
        let mut session = self.leaf.session(cloud).await?;
        let mut url = address(&self.token_url, "")?;
        let mut seen = Vec::new();
        loop {
            if seen.contains(&url) || seen.len() == DEEPEST {
                return Err(ERRORS.malformed(format!(
                    "the parents of the resource never end: {} of them, or a circle",
                    seen.len()
                )));
            }
            let request = session.signer.get(&url, cloud.now());
            let (tokens, parent) = ResourceTokens::ask(cloud, request, &url).await?;
            let public = session.signer.key().public_base64();
            let endpoint = &self.session_endpoint;
            let token = session_token(cloud, &session.signer, endpoint, &tokens, &public).await?;
            let key = session.signer.into_key();
            session = Session::issued(&token, key, &session_call(endpoint), cloud.now())?;
            let Some(parent) = parent else {
                return Ok(session);
            };
            let next = self.trusted(cloud, &parent)?;
            seen.push(std::mem::replace(&mut url, next));
        }
    }

    pub(crate) fn stable_name(&self) -> String {
        let (leaf, url) = (self.leaf.stable_name(), &self.token_url);
        format!("nested {leaf} in {url} {}", self.session_endpoint)
    }

    /// A parent's address comes from a service. It gets a signed request, so it must be Oracle's,
    /// or the host that the operator named.
    fn trusted(&self, cloud: &Cloud, parent: &str) -> Result<Url, ProviderError> {
        let url = secure_url(parent).ok_or_else(|| {
            ERRORS.malformed("the address of the parent resource is not an https:// URL")
        })?;
        let host = url.host_str().unwrap_or_default();
        let named = address(&self.token_url, "")?;
        let oracles = host.match_indices('.').any(|(at, _)| {
            let domain = &host[at + 1..];
            cloud.settings.regions.has_domain(domain)
        });
        let same = named.host_str() == Some(host) && (!is_loopback(&url) || is_loopback(&named));
        if oracles || same {
            Ok(url)
        } else {
            Err(ERRORS.malformed(format!(
                "the service names a parent resource at {host}, which is not Oracle's"
            )))
        }
    }
}

/// As deep as Oracle's SDKs go.
const DEEPEST: usize = 10;
