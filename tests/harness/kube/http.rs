//! Requests on their way in: who asks, may they, does the server feel like it.

use std::sync::Arc;

use futures_util::StreamExt as _;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;

use super::rbac::Asking;
use super::status::{Body, Refusal, plain};
use super::target::Target;
use super::verbs::Asked;
use super::{LIMITED_TOKEN, Shared, TOKEN, watching};
use crate::server::lock;

pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        if *lock(&shared.down) {
            lock(&shared.log).refused += 1;
            continue;
        }
        let _ = stream.set_nodelay(true);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            let io = TokioIo::new(stream);
            let _ = http1::Builder::new().serve_connection(io, service).await;
        });
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Body>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    if *lock(&shared.down) {
        lock(&shared.log).refused += 1;
        return Err(std::io::Error::other("the fake is down"));
    }
    let Some(target) = Target::parse(head.uri.path(), head.uri.query().unwrap_or_default()) else {
        return Ok(plain(404, "404 page not found"));
    };
    let verb = target.verb(&head.method);
    note(&shared, &target, verb, &head.method, head.uri.path());
    if let Some(response) = fault(&shared, &target, verb) {
        return Ok(response);
    }
    let limited = match header(&head.headers, "authorization").strip_prefix("Bearer ") {
        Some(TOKEN) => false,
        Some(LIMITED_TOKEN) => true,
        _ => return Ok(Refusal::new(401, "Unauthorized", "Unauthorized").response()),
    };
    if limited && !allowed(&shared, &target, verb) {
        return Ok(forbidden(&shared, &target, verb).response());
    }
    let metadata_only = header(&head.headers, "accept").contains("as=PartialObjectMetadata");
    if verb == "watch" {
        if let Some(selector) = target.unknown_selector() {
            return Ok(Refusal::bad(format!("not kept here: {selector}")).response());
        }
        let lines = watching::lines(shared, target, metadata_only).map(|l| l.map(Frame::data));
        let response = hyper::Response::builder().header("content-type", "application/json");
        let body = StreamBody::new(lines).boxed_unsync();
        return Ok(response.body(body).expect("sound headers"));
    }
    let asked = Asked {
        shared: &shared,
        target: &target,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        content: header(&head.headers, "content-type"),
        metadata_only,
        limited,
    };
    let response = asked.answer(verb);
    let version = lock(&shared.store).version();
    shared
        .changed
        .send_if_modified(|known| std::mem::replace(known, version) != version);
    Ok(response)
}

fn note(shared: &Shared, target: &Target, verb: &str, method: &Method, path: &str) {
    let mut log = lock(&shared.log);
    let resource = target.full_resource();
    *log.counts.entry(format!("{verb} {resource}")).or_default() += 1;
    if log.lines.len() < 20_000 {
        log.lines.push(format!("{method} {path}?{}", target.query));
    }
}

fn fault(shared: &Shared, target: &Target, verb: &str) -> Option<hyper::Response<Body>> {
    let mut faults = lock(&shared.faults);
    let fits = |fault: &&mut super::Fault| {
        fault.times > 0 && fault.verb == verb && fault.resource == target.full_resource()
    };
    let fault = faults.iter_mut().find(fits)?;
    fault.times -= 1;
    let told = fault.message.as_str();
    let mut response = match fault.status {
        // Throttling comes before the API: no Status.
        429 => plain(429, "Too many requests, please try again later."),
        404 => Refusal::not_found(&target.resource, &target.name).response(),
        403 => Refusal::new(403, "Forbidden", told).response(),
        409 => Refusal::conflict(&target.resource, &target.name, told).response(),
        410 => Refusal::new(410, "Expired", told).response(),
        503 => Refusal::new(503, "ServiceUnavailable", told).response(),
        code => Refusal::new(code, "InternalError", told).response(),
    };
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    Some(response)
}

/// Whether a rule allows the verb on what the request names.
pub(crate) fn allowed(shared: &Shared, target: &Target, verb: &str) -> bool {
    let rules = lock(&shared.rules);
    let asking = Asking {
        verb,
        group: target.group(),
        resource: &target.full_resource(),
        namespace: target.rbac_namespace(),
        name: &target.rbac_name(),
    };
    rules.iter().any(|rule| rule.allows(&asking))
}

/// The refusal, noted.
pub(crate) fn forbidden(shared: &Shared, target: &Target, verb: &str) -> Refusal {
    let asked = format!("{verb} {}", target.full_resource());
    lock(&shared.log).forbidden.push(asked);
    Refusal::forbidden(target, verb)
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}
