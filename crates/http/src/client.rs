//! The client: sends a request, repeats it by the request's rules, never follows a redirect.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header;
use regcred_core::Clock;
use reqwest::ResponseBuilderExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use url::{Host, Position, Url};

use crate::cause::{Cause, Failure, Route};
use crate::connections::Connections;
use crate::error::{HttpError, Reason};
use crate::file_body::{Exchanged, FileContent};
use crate::kept_sockets::KeptSockets;
use crate::names::Names;
use crate::pause::Pauses;
use crate::proxy::ProxyRules;
use crate::resolve::resolve;
use crate::response::{Limits, Peer};
use crate::retry::{LONGEST_RETRY_AFTER, is_passing_status, jitter, retry_after};
use crate::target::Target;
use crate::{ClientOptions, Proxy, Request, Response, host_and_port};

/// An HTTP client. Cheap to make and to clone; clones share connections.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    connections: Connections,
    proxy: ProxyRules,
    names: Names,
    pauses: Pauses,
    kept: KeptSockets,
    user_agent: String,
    connect_timeout: Duration,
    idle_timeout: Duration,
    clock: Clock,
}

impl Client {
    /// Makes a client. No file is read: roots are loaded by the first TLS handshake.
    ///
    /// # Errors
    /// When the client identity cannot be used.
    pub fn new(options: ClientOptions) -> Result<Self, HttpError> {
        let names = Names::of_machine(&options.resolve);
        Self::with_names(options, names)
    }

    fn with_names(options: ClientOptions, names: Names) -> Result<Self, HttpError> {
        let proxy = match options.proxy {
            Proxy::Env => ProxyRules::from_env(&options.env),
            Proxy::None => ProxyRules::default(),
        };
        let connections = Connections::new(&options, &proxy, &names)?;
        Ok(Self(Arc::new(Shared {
            connections,
            proxy,
            names,
            pauses: Pauses::default(),
            kept: KeptSockets::default(),
            user_agent: options.user_agent,
            connect_timeout: options.connect_timeout,
            idle_timeout: options.idle_timeout,
            clock: options.clock,
        })))
    }

    /// Sends the request and returns the head of the response, whatever its status. With a
    /// [`Retry`](crate::Retry) it is sent again after a failed connection, a time-out or a status
    /// that says so (408, 425, 429, 500, 502, 503, 504), within the request's time. A host that
    /// asks for a pause gets it from all requests of this client that may be repeated.
    ///
    /// # Errors
    /// When the server does not respond, or when the request must not be sent: a secret over plain http, an
    /// invalid header, a proxy variable whose value is not a proxy.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        let url = request.check()?;
        let mut target = Target::new(&request.method, url);
        match self.0.proxy.proxy_for(url) {
            Ok(proxy) => target.proxy = proxy.cloned(),
            Err(name) => return Err(HttpError::new(&target, Reason::Proxy(name))),
        }
        let route = match &target.proxy {
            None => Route::Direct,
            Some(_) if url.scheme() == "http" => Route::Forwarded,
            Some(_) => Route::Tunnelled,
        };
        if route == Route::Tunnelled && matches!(url.host(), Some(Host::Ipv6(_))) {
            return Err(HttpError::new(&target, Reason::TunnelToIpv6));
        }
        // While the body is sent, nothing is received.
        let sending = Duration::from_secs(request.body.length() / SLOWEST_UPLOAD);
        // A proxy resolves the name itself; ours is then that of the proxy, which no server named.
        let named_by = request.named_by.filter(|_| route == Route::Direct);
        let connections = self.0.connections.to(named_by);
        let connections = connections.map_err(|reason| HttpError::new(&target, reason))?;
        let limits = Limits {
            named_by: request.named_by,
            idle: self.0.idle_timeout + sending,
            deadline: request.timeout.map(|time| (Instant::now() + time, time)),
            route,
        };
        let mut attempt = 1;
        loop {
            let may_repeat = attempt < request.retry.attempts;
            if request.retry.attempts > 1 {
                self.wait_for_host(url, &limits).await;
            }
            let by_kernel = match request.body.as_file() {
                Some(file) => Box::pin(self.send_file(file, &request, url, &limits)).await,
                None => None,
            };
            let result = match by_kernel {
                Some(result) => result,
                None => {
                    let assembled = assemble(&request, url);
                    limits.wait(connections.execute(assembled)).await
                }
            };
            let result = self.refined(result, route, url, &target);
            let pause = match &result {
                _ if !may_repeat => None,
                Ok(response) if is_passing_status(response.status()) => {
                    self.pause_after(response, request.retry.pause(attempt))
                }
                Ok(_) => None,
                Err(Reason::Failed(cause)) if !cause.is_passing() => None,
                Err(Reason::Deadline(_)) => None,
                Err(_) => Some(request.retry.pause(attempt)),
            };
            let again = pause
                .and_then(|pause| Instant::now().checked_add(pause))
                .filter(|at| limits.deadline.is_none_or(|(end, _)| *at < end));
            let Some(again) = again else {
                return match result {
                    Ok(inner) => {
                        let asked = retry_after(inner.headers(), self.0.clock.now());
                        Ok(Response::new(inner, target, limits, asked))
                    }
                    Err(reason) => Err(HttpError::new(&target, reason)),
                };
            };
            tracing::debug!(
                host = target.host(),
                attempt,
                "request failed and is sent again"
            );
            drop(result);
            sleep_until(again).await;
            attempt += 1;
        }
    }

    /// The response to a request whose body is a part of a file, maybe an empty one, if it goes straight to
    /// a server of plain http: the kernel then sends the file by itself. `None` for others, and if no
    /// connection is made: the usual way reports why.
    async fn send_file(
        &self,
        file: &dyn FileContent,
        request: &Request,
        url: &Url,
        limits: &Limits,
    ) -> Option<Result<reqwest::Response, Reason>> {
        let is_usual = limits.route != Route::Direct || url.scheme() != "http";
        if is_usual || self.0.names.has_own() || request.named_by.is_some() {
            return None;
        }
        let server = host_and_port(url);
        let kept = self.0.kept.take(&server);
        let is_kept = kept.is_some();
        let socket = match kept {
            Some(socket) => socket,
            None => timeout(self.0.connect_timeout, connect(url)).await.ok()??,
        };
        socket.set_nodelay(true).ok()?;
        let peer = Peer(socket.peer_addr().ok()?.ip());
        let mut head = http::Request::new(());
        *head.method_mut() = request.method.clone();
        *head.uri_mut() = url[Position::BeforePath..Position::AfterQuery]
            .parse()
            .ok()?;
        let mut headers = request.headers.clone();
        for (name, value) in [
            (header::HOST, server.clone()),
            (header::USER_AGENT, self.0.user_agent.clone()),
            (header::ACCEPT, "*/*".to_owned()),
            (header::CONTENT_LENGTH, file.length().to_string()),
        ] {
            headers.entry(name).or_insert(value.parse().ok()?);
        }
        *head.headers_mut() = headers;
        let empty = http::Response::builder().url(url.clone()).body(()).ok()?;
        let response = limits.within(file.exchange(socket, head)).await;
        Some(match response {
            Err(reason) => Err(reason),
            // The server has closed the connection in this moment, and nothing of the file was on it.
            Ok(Err(_)) if is_kept && file.length() == 0 => return None,
            Ok(Err(cause)) => Err(Reason::Failed(cause)),
            Ok(Ok(Exchanged { response, socket })) => {
                if let Some(socket) = socket {
                    self.0.kept.keep(server, socket);
                }
                let (head, body) = response.into_parts();
                let mut response = empty.map(|()| body);
                *response.status_mut() = head.status;
                *response.headers_mut() = head.headers;
                response.extensions_mut().insert(peer);
                Ok(response.into())
            }
        })
    }

    /// A result with what reqwest does not report: whether a name was still being resolved when the time
    /// ended, and whether the answer is a proxy's own.
    fn refined(
        &self,
        result: Result<reqwest::Response, Reason>,
        route: Route,
        url: &Url,
        target: &Target,
    ) -> Result<reqwest::Response, Reason> {
        let reason = match result {
            Ok(answer) if route == Route::Forwarded && answer.status().as_u16() == 407 => {
                return Err(Reason::Failed(Cause::proxy_login()));
            }
            Ok(answer) => return Ok(answer),
            Err(reason) => reason,
        };
        let dialled = target.proxy.as_ref().map_or(url, |proxy| &proxy.url);
        let is_open = |name| self.0.names.is_open(name);
        if !dialled.host_str().is_some_and(is_open) {
            return Err(reason);
        }
        let text = match &reason {
            Reason::Idle(time) | Reason::Deadline(time) => format!("not done within {time:?}"),
            Reason::Failed(cause) if cause.what == Failure::ConnectTimeout => cause.to_string(),
            _ => return Err(reason),
        };
        let is_at_proxy = target.proxy.is_some();
        Err(Reason::Failed(Cause::unresolved(is_at_proxy, text)))
    }

    /// The pause before the next attempt, `None` when the server asks for more than is waited.
    /// All requests to a host that throttles share the pause.
    fn pause_after(&self, response: &reqwest::Response, own: Duration) -> Option<Duration> {
        let asked = retry_after(response.headers(), self.0.clock.now());
        if asked.is_some_and(|pause| pause > LONGEST_RETRY_AFTER) {
            return None;
        }
        // A little more than asked for, so that waiting requests do not come back as one.
        let pause = asked.map_or(own, |pause| pause + jitter(Duration::from_millis(250)));
        if asked.is_some() || response.status().as_u16() == 429 {
            self.0.pauses.extend(response.url().origin(), pause);
        }
        Some(pause)
    }

    /// Waits out the host's pause, unless it ends after the request's time: the server's own response
    /// is more precise than a time-out.
    async fn wait_for_host(&self, url: &Url, limits: &Limits) {
        let host = url.origin();
        while let Some(until) = self.0.pauses.until(&host) {
            if limits.deadline.is_some_and(|(end, _)| end <= until) {
                return;
            }
            sleep_until(until).await;
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// A connection to the server of an address; its name is resolved as everywhere, without a module of the
/// machine in a static program. `None` if no address accepts it.
async fn connect(url: &Url) -> Option<TcpStream> {
    let host = url.host_str()?.trim_matches(['[', ']']);
    let port = url.port_or_known_default()?;
    let addresses = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => resolve(host).await.ok()?,
    };
    let sockets: Vec<SocketAddr> = addresses.into_iter().map(|ip| (ip, port).into()).collect();
    TcpStream::connect(&*sockets).await.ok()
}

fn assemble(request: &Request, url: &Url) -> reqwest::Request {
    let mut assembled = reqwest::Request::new(request.method.clone(), url.clone());
    *assembled.headers_mut() = request.headers.clone();
    if request.body.length() > 0 {
        *assembled.body_mut() = Some(request.body.open());
    }
    assembled
}

/// The slowest body of a request, in bytes a second.
const SLOWEST_UPLOAD: u64 = 64 * 1024;

#[cfg(test)]
mod tests;
