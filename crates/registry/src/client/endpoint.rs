//! One server asked for one repository: what is known of it, and what became of its requests.

mod sending;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use regcred_core::ImageRef;
use regcred_http::{Client, HeaderMap, HttpError, Network, Response, Retry};
use tokio::sync::OnceCell;

use super::address::host_and_port;
use super::auth::Auth;
use super::capability::Capability;
use super::error::RegistryError;
use super::hosts::{HostConfig, Schemes};
use super::logins::Logins;
use super::redirected::RedirectedHosts;
use super::request::RegistryRequest;
use super::server_report::{ServerExchange, ServerReport};
use super::warnings::Warnings;

/// A server and what is known of it.
pub(crate) struct Endpoint {
    config: HostConfig,
    client: Client,
    auth: Arc<Auth>,
    redirected: RedirectedHosts,
    /// The repository's path.
    path: String,
    /// `repository:<path>:pull`
    pull_scope: String,
    retry: Retry,
    /// Whether it could not be reached: it is left out from then on, so that not every blob waits for it.
    passed_over: AtomicBool,
    /// Whether it answered by its scheme: then plain http is never tried in place of https.
    is_met: AtomicBool,
    /// Whether it answered at an address that is not of the public internet.
    is_inside: AtomicBool,
    /// Whether it does not speak TLS, and plain http is asked instead from then on.
    fell_back: AtomicBool,
    /// Whether a failure of this server was logged that did not fail the request.
    reported: AtomicBool,
    warnings: Arc<Warnings>,
    /// The headers of a 401 of its base address; `None` if that answers otherwise. It is asked once at most.
    base_challenge: OnceCell<Option<HeaderMap>>,
    /// The last request to it.
    asked: Mutex<Option<ServerExchange>>,
}

impl Endpoint {
    /// The server for an image, with the login that it gets.
    pub(crate) fn new(
        (config, client): (HostConfig, Client),
        image: &ImageRef,
        logins: &Logins,
        retry: Retry,
        warnings: Arc<Warnings>,
    ) -> Self {
        let login = logins.of_server(&config, image);
        Self {
            auth: Arc::new(Auth::new(login.clone())),
            redirected: RedirectedHosts::new(logins.clone(), config.url.clone(), login),
            config,
            client,
            path: image.path().to_owned(),
            pull_scope: format!("repository:{}:pull", image.path()),
            retry,
            passed_over: AtomicBool::new(false),
            is_met: AtomicBool::new(false),
            is_inside: AtomicBool::new(false),
            fell_back: AtomicBool::new(false),
            reported: AtomicBool::new(false),
            warnings,
            base_challenge: OnceCell::new(),
            asked: Mutex::default(),
        }
    }

    /// Whether this server may be asked.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        let is_passed_over = self.passed_over.load(Ordering::Relaxed);
        self.config.has(capability) && !is_passed_over && !self.has_fallen_back()
    }

    /// Whether it is asked only when the one before, the same over https, does not speak TLS.
    pub(crate) fn is_plain_after_https(&self) -> bool {
        self.config.schemes == Schemes::PlainAfterHttps
    }

    /// Whether a failure of it shows that plain http may be spoken instead.
    pub(crate) fn wants_plain(&self, error: &RegistryError) -> bool {
        match self.config.schemes {
            Schemes::HttpsFirst { has_port } => !self.is_met() && error.wants_plain(has_port),
            _ => false,
        }
    }

    /// Notes that it does not speak TLS.
    pub(crate) fn fall_back(&self) {
        self.fell_back.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_fallen_back(&self) -> bool {
        self.fell_back.load(Ordering::Relaxed)
    }

    /// Whether it is not known yet whether it speaks TLS or plain http.
    fn is_undecided(&self) -> bool {
        let is_first = matches!(self.config.schemes, Schemes::HttpsFirst { .. });
        is_first && !self.is_met()
    }

    /// Whether it answered a request, or showed a certificate.
    pub(crate) fn is_met(&self) -> bool {
        self.is_met.load(Ordering::Relaxed)
    }

    /// Whether it answered at an address that is not of the public internet.
    pub(crate) fn is_inside(&self) -> bool {
        self.is_inside.load(Ordering::Relaxed)
    }

    fn note_met(&self, result: &Result<Response, HttpError>) {
        let is_inside = |response: &Response| response.network() != Network::Public;
        let is_inside = result.as_ref().is_ok_and(is_inside);
        self.is_inside.fetch_or(is_inside, Ordering::Relaxed);
        let is_met = result
            .as_ref()
            .map_or_else(HttpError::is_untrusted, |_| true);
        self.is_met.fetch_or(is_met, Ordering::Relaxed);
    }

    /// Notes that it could not be reached.
    pub(crate) fn pass_over(&self) {
        self.passed_over.store(true, Ordering::Relaxed);
    }

    /// Logs the first failure that did not fail the request, because another server answered it.
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

    /// The name, with the reason if the image's login is kept from the server.
    pub(crate) fn name_in_failure(&self) -> String {
        if self.is_withheld() {
            let name = self.name();
            format!("{name} (withhold-from-mirrors keeps the image's credential from it)")
        } else {
            self.name()
        }
    }

    /// Whether the image has a login that is kept from the server.
    pub(crate) fn is_withheld(&self) -> bool {
        self.auth.is_withheld()
    }

    /// `host[:port]`, for messages.
    pub(crate) fn host(&self) -> String {
        host_and_port(&self.config.url)
    }

    /// Whether the image's login went over the wire to this server; `None` without one.
    pub(crate) fn login_sent(&self) -> Option<bool> {
        let redirected = self.redirected.all().into_iter();
        let sent = redirected.map(|(_, auth)| auth.login_sent());
        sent.chain([self.auth.login_sent()]).max().flatten()
    }

    /// The logins of hosts' own that went over the wire, each with its host.
    pub(crate) fn host_logins(&self) -> Vec<String> {
        let own = self.auth.own_login_sent();
        let own = own.map(|label| format!("{label}, to {}", self.name()));
        let redirected = self.redirected.all().into_iter();
        let redirected = redirected.filter_map(|(url, auth)| {
            let label = auth.own_login_sent()?;
            Some(format!("{label}, to {}", host_and_port(&url)))
        });
        own.into_iter().chain(redirected).collect()
    }

    /// Sends a request with the authorization for which the server, or a host to which it redirects, asks.
    /// An answer whose status is not a success is an error.
    pub(crate) async fn send(
        &self,
        request: &RegistryRequest<'_>,
    ) -> Result<Response, RegistryError> {
        let response = self.authorized(request).await;
        let response = response.map_err(|error| {
            let error = error.after_login(self.login_sent());
            error.after_host_logins(self.host_logins())
        });
        if response.is_ok() || !request.is_extra {
            let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
            *asked = Some(self.exchange(request, &response));
        }
        response
    }

    fn exchange(
        &self,
        request: &RegistryRequest<'_>,
        response: &Result<Response, RegistryError>,
    ) -> ServerExchange {
        ServerExchange {
            request: request.to_string(),
            image_login_sent: self.login_sent() == Some(true),
            host_logins: self.host_logins(),
            status: response.as_ref().ok().map(|r| r.status().as_u16()),
            error: response
                .as_ref()
                .err()
                .map(|error| regcred_core::report(error)),
        }
    }

    /// The server and the last request to it.
    pub(crate) fn report(&self) -> ServerReport {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let capabilities = self.config.capabilities.iter();
        ServerReport {
            url: self.config.url.to_string(),
            is_mirror: !self.config.is_registry,
            only_for_plain: self.is_plain_after_https(),
            capabilities: capabilities.map(|capability| capability.name()).collect(),
            login: self.auth.offered().clone(),
            asked: asked.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
