//! One server asked for one repository: authorization, its renewal after a 401, redirects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regcred_http::{Client, Request, Response, Retry, StatusCode, Url};
use tokio::time::sleep;

use super::address::{host_and_port, is_private};
use super::auth::{Auth, AuthContext, Grant, Renewal, Scopes};
use super::capability::Capability;
use super::error::{Reason, RegistryError};
use super::failed_response::FailedResponse;
use super::hosts::HostConfig;
use super::redirect;
use super::request::{RegistryRequest, Target};
use super::warnings::Warnings;

/// A server and what is known of it.
pub(crate) struct Endpoint {
    pub(super) config: HostConfig,
    pub(super) client: Client,
    pub(super) auth: Auth,
    /// The repository's path.
    pub(super) path: String,
    /// `repository:<path>:pull`
    pub(super) pull_scope: String,
    pub(super) retry: Retry,
    /// Whether it could not be reached or turned out to be the wrong one: it is left out from then
    /// on, so that not every blob waits for it.
    pub(super) passed_over: AtomicBool,
    /// Whether a failure of this server was logged that did not fail the request.
    pub(super) reported: AtomicBool,
    pub(super) warnings: Arc<Warnings>,
    /// Whether its base address answers a request without a login, so that no login is asked for
    /// where it has not something.
    pub(super) is_open: AtomicBool,
}

impl Endpoint {
    /// Whether this server may be asked.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        self.config.has(capability) && !self.passed_over.load(Ordering::Relaxed)
    }

    /// Whether it is asked only when the one before turned out to speak TLS.
    pub(crate) fn is_only_for_tls(&self) -> bool {
        self.config.only_for_tls
    }

    pub(crate) fn pass_over(&self) {
        self.passed_over.store(true, Ordering::Relaxed);
    }

    /// Logs the first failure that did not fail the request, because another server had it.
    pub(crate) fn report_failure(&self, repository: &str, error: &RegistryError) {
        if !self.reported.swap(true, Ordering::Relaxed) {
            let (name, why) = (self.name(), regcred_core::report(error));
            let message = format!("{name} was passed over for {repository}: {why}");
            self.warnings.once(&message);
        }
    }

    /// The server among those of its registry, for messages.
    pub(crate) fn name(&self) -> String {
        if self.config.is_registry {
            self.host()
        } else {
            format!("mirror {}", self.host())
        }
    }

    /// Whether it is the registry and not a mirror.
    pub(crate) fn is_registry(&self) -> bool {
        self.config.is_registry
    }

    /// `host[:port]`, for messages.
    pub(crate) fn host(&self) -> String {
        host_and_port(&self.config.url)
    }

    /// Sends a request with whatever authorization the server wants. An answer whose status is not
    /// a success is an error.
    pub(crate) async fn send(
        &self,
        request: &RegistryRequest<'_>,
    ) -> Result<Response, RegistryError> {
        let response = self.authorized(request).await;
        response.map_err(|error| error.after_login(self.auth.login_sent()))
    }

    async fn authorized(&self, request: &RegistryRequest<'_>) -> Result<Response, RegistryError> {
        let object = request.object;
        let context = self.context(request);
        let mut grant = self.auth.ready(&context).await?;
        let mut renewed = false;
        loop {
            let response = self.fetch(request, grant.as_ref()).await?;
            let status = response.status();
            let is_own = response.url().origin() == self.config.url.origin();
            if is_own {
                self.warnings.log(&self.host(), response.headers());
            }
            if status.is_success() {
                return Ok(response);
            }
            let is_unauthorized = status == StatusCode::UNAUTHORIZED;
            let is_hidden = grant.is_none()
                && !self.auth.is_anonymous()
                && hides(status, object.is_pushed())
                && !self.is_open.load(Ordering::Relaxed);
            if (is_unauthorized || is_hidden) && is_own && !renewed {
                match self.renew(grant.as_ref(), &response, &context).await? {
                    Renewal::Granted(new) => {
                        (grant, renewed) = (Some(new), true);
                        continue;
                    }
                    Renewal::Unusable(offered) if is_unauthorized && !offered.is_empty() => {
                        let reason = Reason::NoScheme {
                            host: self.host(),
                            offered,
                            anonymous: self.auth.is_anonymous(),
                        };
                        return Err(RegistryError::new(object, reason));
                    }
                    Renewal::Final | Renewal::Unusable(_) => {}
                }
            }
            return Err(failed(request, response).await);
        }
    }

    fn context<'a>(&'a self, request: &RegistryRequest<'a>) -> AuthContext<'a> {
        let mut scopes = Scopes::default();
        if request.object.is_pushed() {
            scopes.merge(format!("{},push", self.pull_scope).as_str().into());
        }
        if let Some(source) = request.source {
            scopes.merge(format!("repository:{source}:pull").as_str().into());
        }
        AuthContext {
            client: &self.client,
            url: &self.config.url,
            cleartext: self.config.cleartext,
            retry: self.retry,
            object: request.object,
            default_scope: &self.pull_scope,
            scopes,
        }
    }

    /// What to do about a refusal. Some registries refuse a request without a challenge: then the one
    /// of the base address counts.
    async fn renew(
        &self,
        used: Option<&Grant>,
        response: &Response,
        context: &AuthContext<'_>,
    ) -> Result<Renewal, RegistryError> {
        let renewal = self.auth.renew(used, response.headers(), context).await?;
        if !matches!(&renewal, Renewal::Unusable(offered) if offered.is_empty()) {
            return Ok(renewal);
        }
        let base = format!("{}/", self.config.url.as_str().trim_end_matches('/'));
        let ping = self.equip(Request::get(&base), None);
        match self.client.send(ping).await {
            Ok(ping) if ping.status() == StatusCode::UNAUTHORIZED => {
                self.auth.renew(used, ping.headers(), context).await
            }
            // The refusal is the answer.
            ping => {
                let is_open = ping.is_ok_and(|ping| ping.status().is_success());
                self.is_open.store(is_open, Ordering::Relaxed);
                Ok(renewal)
            }
        }
    }

    /// Sends one request and follows its redirects. The address in a redirect is short-lived: when
    /// it fails, the registry is asked for a new one.
    async fn fetch(
        &self,
        request: &RegistryRequest<'_>,
        grant: Option<&Grant>,
    ) -> Result<Response, RegistryError> {
        let mut attempt = 1;
        loop {
            let mut redirected = false;
            let result = self.follow(request, grant, &mut redirected).await;
            let is_stale = match &result {
                Ok(response) => matches!(response.status().as_u16(), 403 | 408 | 429 | 500..),
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
        grant: Option<&Grant>,
        redirected: &mut bool,
    ) -> Result<Response, RegistryError> {
        let object = request.object;
        let Some(mut url) = self.address(&request.target) else {
            return Err(RegistryError::protocol(
                object,
                "its name is not an address",
            ));
        };
        for _ in 0..=MOST_REDIRECTS {
            let mut next = prepare(request, &url);
            // Secrets are sent only to the registry's own host, port and scheme.
            if url.origin() == self.config.url.origin() {
                next = self.equip(next, grant);
            }
            // A mirror that fails is passed over at once; the registry is worth some patience.
            if !*redirected && self.config.is_registry && request.may_repeat() {
                next = next.retry(self.retry);
            }
            let response = self.client.send(next).await;
            let response = response.map_err(|error| RegistryError::unreached(object, error))?;
            match redirect::target(&response, request.is_write()) {
                None => return Ok(response),
                Some(Ok(next)) => url = next,
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

    /// Adds what only this server may see.
    fn equip(&self, mut request: Request, grant: Option<&Grant>) -> Request {
        for (name, value) in &self.config.headers {
            request = request.secret_header(name, value);
        }
        if let Some(grant) = grant {
            request = grant.apply(request);
        }
        if self.config.cleartext {
            request = request.allow_cleartext();
        }
        request
    }

    fn address(&self, target: &Target) -> Option<Url> {
        let path = match target {
            Target::Path(path) => path,
            Target::Location(url) => return Some(url.clone()),
        };
        let base = self.config.url.as_str().trim_end_matches('/');
        let mut url = Url::parse(&format!("{base}/{}/{path}", self.path)).ok()?;
        if let Some(namespace) = &self.config.namespace {
            url.query_pairs_mut().append_pair("ns", namespace);
        }
        Some(url)
    }
}

/// Asks an address that a descriptor names, not the registry, without any secret: a foreign layer's.
pub(crate) async fn send_foreign(
    client: &Client,
    retry: Retry,
    url: &str,
    request: &RegistryRequest<'_>,
) -> Result<Response, RegistryError> {
    let object = request.object;
    let refuse = |why: &str| {
        let what = format!("refusing a foreign layer's address: {why}");
        RegistryError::protocol(object, what)
    };
    let url = Url::parse(url).map_err(|_| refuse("it is not a URL"))?;
    if url.scheme() != "https" {
        return Err(refuse("it is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds user information"));
    }
    if is_private(&url) {
        return Err(refuse("it is a private address"));
    }
    let response = client.send(prepare(request, &url).retry(retry)).await;
    let response = response.map_err(|error| RegistryError::unreached(object, error))?;
    if response.status().is_success() {
        Ok(response)
    } else {
        Err(failed(request, response).await)
    }
}

/// The request for one address, without anything secret.
fn prepare(request: &RegistryRequest<'_>, url: &Url) -> Request {
    let mut next = Request::new(request.method.clone(), url.as_str());
    for (name, value) in &request.headers {
        next = next.header(name, value);
    }
    if request.is_write() && request.body.length() == 0 {
        next = next.header("content-length", "0");
    }
    next = next.body(request.body.clone());
    if request.is_small {
        next.timeout(SMALL_ANSWER)
    } else {
        next.without_timeout()
    }
}

/// Whether an answer to a request without authorization may hide what a login may see. What is about to
/// be pushed is usually missing.
fn hides(status: StatusCode, is_pushed: bool) -> bool {
    status == StatusCode::FORBIDDEN || (status == StatusCode::NOT_FOUND && !is_pushed)
}

async fn failed(request: &RegistryRequest<'_>, response: Response) -> RegistryError {
    let response = FailedResponse::read(response).await;
    RegistryError::new(request.object, Reason::Status(response))
}

const SMALL_ANSWER: Duration = Duration::from_secs(60);
const MOST_REDIRECTS: usize = 5;
/// How often the registry is asked for another address when the one it named fails.
const FRESH_REDIRECTS: u32 = 3;

#[cfg(test)]
mod tests;
