//! One server asked for one repository: what is known of it, and what became of its requests.

mod sending;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use regcred_http::{Client, HttpError, Response, Retry};

use super::address::host_and_port;
use super::auth::Auth;
use super::capability::Capability;
use super::error::RegistryError;
use super::hosts::{HostConfig, Schemes};
use super::redirected::RedirectedHosts;
use super::request::RegistryRequest;
use super::server_report::{ServerExchange, ServerReport};
use super::warnings::Warnings;

/// A server and what is known of it.
pub(crate) struct Endpoint {
    pub(super) config: HostConfig,
    pub(super) client: Client,
    pub(super) auth: Arc<Auth>,
    pub(super) redirected: RedirectedHosts,
    /// The repository's path.
    pub(super) path: String,
    /// `repository:<path>:pull`
    pub(super) pull_scope: String,
    pub(super) retry: Retry,
    /// Whether it could not be reached or turned out to be the wrong one: it is left out from then
    /// on, so that not every blob waits for it.
    pub(super) passed_over: AtomicBool,
    /// Whether it spoke TLS: then plain http is never tried in its place.
    pub(super) met_tls: AtomicBool,
    /// Whether it did not, and plain http is asked instead from then on.
    pub(super) fell_back: AtomicBool,
    /// Whether a failure of this server was logged that did not fail the request.
    pub(super) reported: AtomicBool,
    pub(super) warnings: Arc<Warnings>,
    /// Whether its base address answers a request without a login, so that no login is asked for
    /// where it has not something.
    pub(super) is_open: AtomicBool,
    /// The last request to it.
    pub(super) asked: Mutex<Option<ServerExchange>>,
}

impl Endpoint {
    /// Whether this server may be asked.
    pub(crate) fn has(&self, capability: Capability) -> bool {
        let is_out = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        self.config.has(capability) && !is_out(&self.passed_over) && !is_out(&self.fell_back)
    }

    /// Whether it is asked only when the one before, the same over https, does not speak TLS.
    pub(crate) fn is_plain_after_https(&self) -> bool {
        self.config.schemes == Schemes::PlainAfterHttps
    }

    /// Whether a failure of it shows that plain http may be spoken instead.
    pub(crate) fn wants_plain(&self, error: &RegistryError) -> bool {
        match self.config.schemes {
            Schemes::HttpsFirst { has_port } => {
                !self.met_tls.load(Ordering::Relaxed) && error.wants_plain(has_port)
            }
            _ => false,
        }
    }

    pub(crate) fn fall_back(&self) {
        self.fell_back.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_fallen_back(&self) -> bool {
        self.fell_back.load(Ordering::Relaxed)
    }

    /// Whether it is not known yet whether it speaks TLS or plain http.
    fn is_undecided(&self) -> bool {
        let is_first = matches!(self.config.schemes, Schemes::HttpsFirst { .. });
        is_first && !self.met_tls.load(Ordering::Relaxed)
    }

    fn note_tls(&self, result: &Result<Response, HttpError>) {
        let met = result
            .as_ref()
            .map_or_else(HttpError::is_untrusted, |_| true);
        self.met_tls.fetch_or(met, Ordering::Relaxed);
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

    /// The name, with the reason if the image's login is kept from the server.
    pub(crate) fn name_in_failure(&self) -> String {
        if self.auth.is_withheld() {
            let name = self.name();
            format!("{name} (withhold-from-mirrors keeps the image's credential from it)")
        } else {
            self.name()
        }
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
        let redirected = self.redirected.all().into_iter();
        let redirected = redirected.map(|(url, auth)| (host_and_port(&url), auth));
        let all = [(self.name(), Arc::clone(&self.auth))].into_iter();
        let sent = all.chain(redirected).filter_map(|(host, auth)| {
            let label = auth.own_login_sent()?;
            Some(format!("{label}, to {host}"))
        });
        sent.collect()
    }

    /// Sends a request with whatever authorization the server, or a host to which it redirects, wants.
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
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = Some(self.exchange(request, &response));
        drop(asked);
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
