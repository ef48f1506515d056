//! One server asked for one repository: authorization, its renewal after a 401, redirects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use regcred_http::{Client, Method, Request, Response, Retry, StatusCode, Url};
use tokio::time::sleep;

use super::address::{host_and_port, is_private};
use super::auth::{Auth, Grant, Place, Renewal, no_scheme};
use super::error::{Object, Reason, RegistryError};
use super::error_body::ServerErrors;
use super::hosts::HostConfig;
use super::rate_limits::Limits;
use super::redirect;
use super::warnings::Warnings;

/// A server and what is known of it.
pub(crate) struct Endpoint {
    config: HostConfig,
    client: Client,
    auth: Auth,
    /// `<base>/<path>`, or the base for the registry as a whole.
    base: Url,
    path: String,
    first_try: Retry,
    retry: Retry,
    /// Whether it could not be reached or turned out to be the wrong one: it is left out from then
    /// on, so that not every blob waits for it.
    passed_over: AtomicBool,
    warnings: Arc<Warnings>,
}

/// What is asked, the same for each server that may answer.
pub(crate) struct Ask<'a> {
    pub(crate) object: &'a Object,
    pub(crate) method: Method,
    /// Behind the repository's path: `manifests/latest`.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Whether a tag is resolved, which not every mirror may do.
    pub(crate) resolves: bool,
    /// Whether the whole answer is small and so has a deadline.
    pub(crate) is_small: bool,
}

/// An answer, or why there is none, and whether a redirect led to it.
struct Followed {
    result: Result<Response, RegistryError>,
    redirected: bool,
}

impl Endpoint {
    pub(crate) fn new(
        config: HostConfig,
        client: Client,
        auth: Auth,
        path: &str,
        retry: Retry,
        warnings: Arc<Warnings>,
    ) -> Self {
        Self {
            base: config.url.clone(),
            path: path.to_owned(),
            client,
            auth,
            // A mirror that fails is passed over at once; the registry is worth some patience.
            first_try: match config.is_registry {
                true => retry,
                false => Retry::none(),
            },
            config,
            retry,
            passed_over: AtomicBool::new(false),
            warnings,
        }
    }

    /// Whether this server may be asked.
    pub(crate) fn serves(&self, ask: &Ask<'_>) -> bool {
        let capable = match ask.resolves {
            true => self.config.resolve,
            false => self.config.pull,
        };
        capable && !self.passed_over.load(Ordering::Relaxed)
    }

    /// Whether it is asked only when the one before turned out to speak TLS.
    pub(crate) fn is_only_for_tls(&self) -> bool {
        self.config.only_for_tls
    }

    pub(crate) fn pass_over(&self) {
        self.passed_over.store(true, Ordering::Relaxed);
    }

    /// `host[:port]`, for messages.
    pub(crate) fn host(&self) -> String {
        host_and_port(&self.base)
    }

    /// Asks, with whatever authorization the server wants. An answer with a status that is no
    /// success is an error, but for 416, which a caller that asked for a range understands.
    pub(crate) async fn ask(&self, ask: &Ask<'_>) -> Result<Response, RegistryError> {
        let place = Place {
            client: &self.client,
            url: &self.base,
            cleartext: self.config.cleartext,
            retry: self.retry,
            object: ask.object,
        };
        let mut grant = self.auth.ready(&place).await?;
        let mut renewed = false;
        loop {
            let answer = self.fetch(ask, grant.as_ref()).await?;
            let status = answer.status();
            let ours = answer.url().origin() == self.base.origin();
            if ours {
                self.warnings.hear(&self.host(), answer.headers());
            }
            if status != StatusCode::UNAUTHORIZED || renewed || !ours {
                return match status.is_success() || status == StatusCode::RANGE_NOT_SATISFIABLE {
                    true => Ok(answer),
                    false => Err(failed(ask.object, answer).await),
                };
            }
            let renewal = self
                .auth
                .renew(grant.as_ref(), answer.headers(), &place)
                .await?;
            match self.or_ping(renewal, grant.as_ref(), &place).await? {
                Renewal::Granted(new) => grant = Some(new),
                Renewal::Final => return Err(failed(ask.object, answer).await),
                Renewal::Unusable(offered) if offered.is_empty() => {
                    return Err(failed(ask.object, answer).await);
                }
                Renewal::Unusable(offered) => {
                    let anonymous = self.auth.is_anonymous();
                    return Err(no_scheme(ask.object, self.host(), offered, anonymous));
                }
            }
            renewed = true;
        }
    }

    /// Some registries refuse a request without saying what they want: the base address says it.
    async fn or_ping(
        &self,
        renewal: Renewal,
        used: Option<&Grant>,
        place: &Place<'_>,
    ) -> Result<Renewal, RegistryError> {
        if !matches!(&renewal, Renewal::Unusable(offered) if offered.is_empty()) {
            return Ok(renewal);
        }
        let base = format!("{}/", self.base.as_str().trim_end_matches('/'));
        let ping = self.equip(Request::get(&base), None);
        let answer = self.client.send(ping).await;
        let answer = answer.map_err(|e| RegistryError::unreached(place.object, e))?;
        match answer.status() {
            StatusCode::UNAUTHORIZED => self.auth.renew(used, answer.headers(), place).await,
            _ => Ok(renewal),
        }
    }

    /// Sends one request and follows its redirects. The address behind a redirect is short-lived:
    /// when it fails, the registry is asked for a new one.
    async fn fetch(&self, ask: &Ask<'_>, grant: Option<&Grant>) -> Result<Response, RegistryError> {
        let mut attempt = 1;
        loop {
            let Followed { result, redirected } = self.follow(ask, grant).await;
            let stale = match &result {
                Ok(answer) => matches!(answer.status().as_u16(), 403 | 408 | 429 | 500..),
                Err(error) => error.is_passing(),
            };
            if !(redirected && stale && attempt < FRESH_REDIRECTS) {
                return result;
            }
            tracing::debug!(object = %ask.object, "the storage behind a redirect failed; asking for a new one");
            drop(result);
            sleep(self.retry.pause(attempt)).await;
            attempt += 1;
        }
    }

    async fn follow(&self, ask: &Ask<'_>, grant: Option<&Grant>) -> Followed {
        let mut redirected = false;
        let done = |result, redirected| Followed { result, redirected };
        let Some(mut url) = self.address(ask) else {
            let error = RegistryError::protocol(ask.object, "its name gives no address");
            return done(Err(error), false);
        };
        for _ in 0..=MOST_REDIRECTS {
            let mut request = Request::new(ask.method.clone(), url.as_str());
            for (name, value) in &ask.headers {
                request = request.header(name, value);
            }
            request = match ask.is_small {
                true => request.timeout(SMALL_ANSWER),
                false => request.without_timeout(),
            };
            // Whatever is secret goes to the registry's own host, port and scheme only.
            if url.origin() == self.base.origin() {
                request = self.equip(request, grant);
            }
            if !redirected {
                request = request.retry(self.first_try);
            }
            let answer = match self.client.send(request).await {
                Ok(answer) => answer,
                Err(error) => {
                    return done(Err(RegistryError::unreached(ask.object, error)), redirected);
                }
            };
            match redirect::target(&answer) {
                None => return done(Ok(answer), redirected),
                Some(Ok(next)) => url = next,
                Some(Err(why)) => {
                    let from = host_and_port(answer.url());
                    let error = RegistryError::protocol(
                        ask.object,
                        format!("refusing the redirect of {from}: {why}"),
                    );
                    return done(Err(error), false);
                }
            }
            redirected = true;
        }
        let error = RegistryError::protocol(
            ask.object,
            format!("{} redirects more than {MOST_REDIRECTS} times", self.host()),
        );
        done(Err(error), false)
    }

    /// Adds what only this server may see.
    fn equip(&self, mut request: Request, grant: Option<&Grant>) -> Request {
        for (name, value) in &self.config.headers {
            request = request.secret_header(name, value);
        }
        if let Some(grant) = grant {
            request = grant.apply(request);
        }
        match self.config.cleartext {
            true => request.allow_cleartext(),
            false => request,
        }
    }

    fn address(&self, ask: &Ask<'_>) -> Option<Url> {
        let base = self.base.as_str().trim_end_matches('/');
        let mut url = Url::parse(&format!("{base}/{}/{}", self.path, ask.path)).ok()?;
        if let Some(namespace) = &self.config.namespace {
            url.query_pairs_mut().append_pair("ns", namespace);
        }
        Some(url)
    }
}

/// Asks an address that no registry vouches for, without any secret: a foreign layer's.
pub(crate) async fn ask_foreign(
    client: &Client,
    retry: Retry,
    url: &str,
    ask: &Ask<'_>,
) -> Result<Response, RegistryError> {
    let refuse = |why: &str| {
        RegistryError::protocol(
            ask.object,
            format!("refusing a foreign layer's address: {why}"),
        )
    };
    let url = Url::parse(url).map_err(|_| refuse("it is no URL"))?;
    if url.scheme() != "https" {
        return Err(refuse("it is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds user information"));
    }
    if is_private(&url) {
        return Err(refuse("it is a private address"));
    }
    let mut request = Request::new(ask.method.clone(), url.as_str())
        .without_timeout()
        .retry(retry);
    for (name, value) in &ask.headers {
        request = request.header(name, value);
    }
    let answer = client.send(request).await;
    let answer = answer.map_err(|error| RegistryError::unreached(ask.object, error))?;
    match answer.status().is_success() {
        true => Ok(answer),
        false => Err(failed(ask.object, answer).await),
    }
}

/// The error for an answer that is none of those wanted.
async fn failed(object: &Object, answer: Response) -> RegistryError {
    let host = host_and_port(answer.url());
    let status = answer.status();
    let limits = Limits::of(&answer);
    let challenge = regcred_http::parse_challenges(answer.headers());
    let hint = challenge.iter().find_map(|c| c.param("error"));
    let body = answer.bytes(LARGEST_ERROR).await.unwrap_or_default();
    let mut errors = ServerErrors::parse(&body);
    if errors.is_empty()
        && let Some(hint) = hint
    {
        errors = ServerErrors::of_code(hint);
    }
    RegistryError::new(
        object,
        Reason::Status {
            host,
            status,
            errors,
            limits,
        },
    )
}

const SMALL_ANSWER: Duration = Duration::from_secs(60);
const LARGEST_ERROR: usize = 64 * 1024;
const MOST_REDIRECTS: usize = 5;
/// How often the registry is asked for another address when the one it named fails.
const FRESH_REDIRECTS: u32 = 3;

#[cfg(test)]
mod tests;
