//! One request to a server: its authorization, the renewal of that after a 401, redirects.

use std::sync::Arc;

use regcred_http::{HeaderMap, Network, Request, Response, StatusCode, Url};
use tokio::time::sleep;

use super::Endpoint;
use crate::client::address::{NamedAddress, host_and_port};
use crate::client::auth::{Auth, AuthContext, Grant, Renewal, Scopes};
use crate::client::error::{Reason, RegistryError};
use crate::client::failed_response::FailedResponse;
use crate::client::redirect;
use crate::client::request::{RegistryRequest, Target};

/// The last answer on a chain of redirects.
struct Fetched {
    response: Response,
    /// What the request for it carried.
    grant: Option<Grant>,
    /// Whether another host redirected on the way to it.
    strayed: bool,
}

impl Endpoint {
    pub(super) async fn authorized(
        &self,
        request: &RegistryRequest<'_>,
    ) -> Result<Response, RegistryError> {
        let object = request.object;
        // Each host is asked once more with what it asked for.
        let mut renewed = Vec::new();
        loop {
            let fetched = self.fetch(request).await?;
            let (response, grant) = (fetched.response, fetched.grant);
            let (status, url) = (response.status(), response.url().clone());
            let is_own = self.is_own(&url) && !fetched.strayed;
            if is_own {
                self.warnings.log(|| self.host(), response.headers());
            }
            if status.is_success() {
                return Ok(response);
            }
            let is_unauthorized = status == StatusCode::UNAUTHORIZED;
            let is_hidden = is_own
                && grant.is_none()
                && !self.auth.is_anonymous()
                && hides(status, object.is_pushed());
            let may_renew = renewed.len() < MOST_RENEWALS && !renewed.contains(&url.origin());
            let auth = if is_own {
                Some(Arc::clone(&self.auth)).filter(|_| is_unauthorized || is_hidden)
            } else if is_unauthorized && !(fetched.strayed && self.is_server(&url)) {
                self.redirected.admit(&url, request.is_write())
            } else {
                None
            };
            if let Some(auth) = auth.filter(|_| may_renew) {
                match self
                    .renew(&auth, grant.as_ref(), &response, request)
                    .await?
                {
                    Renewal::Granted => {
                        renewed.push(url.origin());
                        continue;
                    }
                    Renewal::Unusable(offered)
                        if is_unauthorized && is_own && !offered.is_empty() =>
                    {
                        let reason = Reason::NoScheme {
                            host: self.host(),
                            offered,
                            anonymous: auth.is_anonymous(),
                        };
                        return Err(RegistryError::new(object, reason));
                    }
                    Renewal::Final | Renewal::Unusable(_) => {}
                }
            }
            let response = FailedResponse::read(response).await;
            return Err(RegistryError::answered(object, response));
        }
    }

    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.config.url.origin()
    }

    /// Whether it is this server, also over https instead of plain http.
    fn is_server(&self, url: &Url) -> bool {
        self.is_own(url) || self.redirected.is_upgrade(url)
    }

    /// The authorization at an address: the server's own, or that of a host to which it redirects and
    /// which asked for one before.
    fn auth_at(&self, url: &Url, is_write: bool) -> Option<Arc<Auth>> {
        if self.is_own(url) {
            Some(Arc::clone(&self.auth))
        } else {
            self.redirected.known(url, is_write)
        }
    }

    /// What the authorization at an address depends on. No operator wrote `http://` for the target of
    /// a redirect.
    fn context<'a>(&'a self, request: &RegistryRequest<'a>, url: &'a Url) -> AuthContext<'a> {
        let is_own = self.is_own(url);
        let mut scopes = Scopes::default();
        if request.object.is_pushed() {
            scopes.merge(format!("{},push", self.pull_scope).as_str().into());
        }
        if let Some(source) = request.source {
            scopes.merge(format!("repository:{source}:pull").as_str().into());
        }
        AuthContext {
            client: &self.client,
            url: if is_own { &self.config.url } else { url },
            cleartext: is_own && self.config.cleartext,
            network: Network::Public,
            named_by: None,
            retry: self.retry,
            object: request.object,
            // A login alone needs no right to a repository.
            default_scope: match request.target {
                Target::Base => "",
                Target::Path(_) | Target::Location(_) => &self.pull_scope,
            },
            scopes,
        }
    }

    /// What to do about a refusal. Some registries refuse a request without a challenge: then the one
    /// of the base address counts.
    async fn renew(
        &self,
        auth: &Auth,
        used: Option<&Grant>,
        response: &Response,
        request: &RegistryRequest<'_>,
    ) -> Result<Renewal, RegistryError> {
        let is_trusted = self.is_own(response.url()) && self.config.is_written;
        let context = &AuthContext {
            network: match response.network() {
                Network::Public if is_trusted => Network::Private,
                network => network,
            },
            named_by: response.named_by(),
            ..self.context(request, response.url())
        };
        let renewal = auth.renew(used, response.headers(), context).await?;
        let is_challenged = !matches!(&renewal, Renewal::Unusable(offered) if offered.is_empty());
        if is_challenged || !self.is_own(response.url()) {
            return Ok(renewal);
        }
        match self.base_challenge().await {
            Some(headers) => auth.renew(used, headers, context).await,
            // The refusal is the answer.
            None => Ok(renewal),
        }
    }

    /// The headers of a 401 of the base address to a request without a login.
    async fn base_challenge(&self) -> Option<&HeaderMap> {
        let ask = || async {
            let base = format!("{}/", self.config.url.as_str().trim_end_matches('/'));
            let ping = self.equip(Request::get(&base));
            let ping = self.client.send(ping).await.ok()?;
            (ping.status() == StatusCode::UNAUTHORIZED).then(|| ping.headers().clone())
        };
        self.base_challenge.get_or_init(ask).await.as_ref()
    }

    /// Sends one request and follows its redirects. The address in a redirect is short-lived: when
    /// it fails, the registry is asked for a new one.
    async fn fetch(&self, request: &RegistryRequest<'_>) -> Result<Fetched, RegistryError> {
        let mut attempt = 1;
        loop {
            let mut redirected = false;
            let result = self.follow(request, &mut redirected).await;
            let is_stale = match &result {
                Ok(fetched) => {
                    matches!(fetched.response.status().as_u16(), 403 | 408 | 429 | 500..)
                }
                Err(error) => error.is_passing(),
            };
            let again = redirected && is_stale && request.may_repeat();
            if !again || attempt >= FRESH_REDIRECTS {
                return result;
            }
            tracing::debug!(object = %request.object, "the target of a redirect failed; asking for a new one");
            drop(result);
            sleep(self.retry.pause(attempt)).await;
            attempt += 1;
        }
    }

    async fn follow(
        &self,
        request: &RegistryRequest<'_>,
        redirected: &mut bool,
    ) -> Result<Fetched, RegistryError> {
        let object = request.object;
        let Some(mut address) = self.address(&request.target) else {
            return Err(RegistryError::protocol(
                object,
                "its name is not an address",
            ));
        };
        let mut strayed = false;
        for _ in 0..=MOST_REDIRECTS {
            let mut next = request.to(&address);
            let url = &address.url;
            // What is for this server is sent only to its own host, port and scheme, and not to an address
            // there that another host chose, as in Go (CVE-2024-45336).
            let is_own = self.is_own(url) && !strayed;
            if is_own {
                next = self.equip(next);
            }
            let auth = self.auth_at(url, request.is_write());
            let grant = match auth.filter(|_| !(strayed && self.is_server(url))) {
                Some(auth) => auth.ready(&self.context(request, url)).await?,
                None => None,
            };
            if let Some(grant) = &grant {
                next = grant.apply(next);
            }
            // A mirror that fails is passed over at once; the registry is worth some patience.
            let is_worth = self.config.is_registry && !self.is_undecided();
            if !*redirected && is_worth && request.may_repeat() {
                next = next.retry(self.retry);
            }
            let response = self.client.send(next).await;
            if is_own {
                self.note_met(&response);
            }
            let response = response.map_err(|error| RegistryError::unreached(object, error))?;
            match redirect::target(&response, request.is_write()) {
                None => {
                    return Ok(Fetched {
                        response,
                        grant,
                        strayed,
                    });
                }
                Some(Ok(next)) => {
                    strayed |= !self.is_server(url);
                    address = next;
                }
                Some(Err(why)) => {
                    let from = host_and_port(response.url());
                    let what = format!("refusing the redirect of {from}: {why}");
                    return Err(RegistryError::protocol(object, what));
                }
            }
            *redirected = true;
        }
        let what = format!("{} redirects more than {MOST_REDIRECTS} times", self.host());
        Err(RegistryError::protocol(object, what))
    }

    /// Adds the headers that only this server may see.
    fn equip(&self, mut request: Request) -> Request {
        for (name, value) in &self.config.headers {
            request = request.secret_header(name, value);
        }
        if self.config.cleartext {
            request = request.allow_cleartext();
        }
        request
    }

    fn address(&self, target: &Target) -> Option<NamedAddress> {
        let base = self.config.url.as_str().trim_end_matches('/');
        let path = match target {
            Target::Base => format!("{base}/"),
            Target::Path(path) => format!("{base}/{}/{path}", self.path),
            Target::Location(session) => return Some(session.clone()),
        };
        let mut url = Url::parse(&path).ok()?;
        if let (Target::Path(_), Some(namespace)) = (target, &self.config.namespace) {
            url.query_pairs_mut().append_pair("ns", namespace);
        }
        Some(NamedAddress { url, by: None })
    }
}

/// Whether an answer to a request without authorization may be another one with a login: a refusal, a
/// limit, which counts for whoever asks, or a missing object. What is about to be pushed is usually missing.
fn hides(status: StatusCode, is_pushed: bool) -> bool {
    matches!(
        status,
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    ) || (status == StatusCode::NOT_FOUND && !is_pushed)
}

const MOST_REDIRECTS: usize = 5;
/// How many hosts of one request may ask for an authorization.
const MOST_RENEWALS: usize = 3;
/// How often the registry is asked for another address when the one it named fails.
const FRESH_REDIRECTS: u32 = 3;
