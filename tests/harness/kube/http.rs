//! Requests and answers.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{HeaderMap, Method};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

use super::apply::{self, Refused};
use super::store::{Place, Store, place_of, refuse_secret};
use super::{Shared, TOKEN, watching};
use crate::server::lock;

/// What a request is about.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    query: String,
}

pub(crate) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("a listening socket");
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

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

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
        return Ok(status(
            404,
            "NotFound",
            "the server could not find the requested resource",
        ));
    };
    let verb = target.verb(&head.method);
    note(&shared, &target, verb, &head.method, head.uri.path());
    if let Some(response) = fault(&shared, &target, verb) {
        return Ok(response);
    }
    if header(&head.headers, "authorization") != format!("Bearer {TOKEN}") {
        return Ok(status(401, "Unauthorized", "Unauthorized"));
    }
    if !allowed(&shared, &target, verb) {
        let asked = format!("{verb} {}", target.full_resource());
        lock(&shared.log).forbidden.push(asked);
        return Ok(target.forbidden(verb));
    }
    let metadata_only = header(&head.headers, "accept").contains("as=PartialObjectMetadata");
    if verb == "watch" {
        let lines = watching::lines(shared, target, metadata_only).map(|l| l.map(Frame::data));
        let response = hyper::Response::builder().header("content-type", "application/json");
        let body = StreamBody::new(lines).boxed_unsync();
        return Ok(response.body(body).expect("sound headers"));
    }
    let content = header(&head.headers, "content-type");
    let asked = Asked {
        shared: &shared,
        target: &target,
        body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        content,
        metadata_only,
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
    let reason = match fault.status {
        409 => "Conflict",
        429 => "TooManyRequests",
        410 => "Expired",
        403 => "Forbidden",
        _ => "InternalError",
    };
    let mut response = status(fault.status, reason, "the fake was told to fail");
    if let Some(seconds) = fault.retry_after {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    Some(response)
}

fn allowed(shared: &Shared, target: &Target, verb: &str) -> bool {
    let rules = lock(&shared.rules);
    let Some(rules) = rules.as_ref() else {
        return true;
    };
    let name = target.rbac_name();
    let may = |verb: &str| {
        let resource = target.full_resource();
        rules
            .iter()
            .any(|rule| rule.allows(verb, &resource, &target.namespace, &name))
    };
    // Apply of an absent object is a create too, under the name in the path.
    let creates = verb == "patch"
        && lock(&shared.store)
            .get(&target.resource, &target.namespace, &target.name)
            .is_none();
    may(verb) && (!creates || may("create"))
}

struct Asked<'a> {
    shared: &'a Shared,
    target: &'a Target,
    body: Value,
    content: String,
    metadata_only: bool,
}

impl Asked<'_> {
    fn answer(&self, verb: &str) -> hyper::Response<Body> {
        let mut store = lock(&self.shared.store);
        let (resource, namespace, name) = (
            &*self.target.resource,
            &*self.target.namespace,
            &*self.target.name,
        );
        match verb {
            "get" => match store.get(resource, namespace, name) {
                Some(object) => self.show(200, object),
                None => self.target.absent(),
            },
            "list" => self.list(&store),
            "create" if self.target.subresource == "token" => self.token(&store),
            "create" => self.create(&mut store),
            "update" => self.update(&mut store),
            "patch" => self.patch(&mut store),
            "delete" => self.delete(&mut store),
            _ => status(405, "MethodNotAllowed", "not this way"),
        }
    }

    fn list(&self, store: &Store) -> hyper::Response<Body> {
        let limit = self
            .target
            .param("limit")
            .and_then(|l| l.parse().ok())
            .unwrap_or(usize::MAX);
        let mut last: Option<Place> = None;
        if let Some(token) = self.target.param("continue") {
            let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
            let text = String::from_utf8(bytes).unwrap_or_default();
            let mut parts = text.split('\n').map(str::to_owned);
            let version: u64 = parts.next().and_then(|v| v.parse().ok()).unwrap_or(0);
            if version < store.oldest() {
                return status(410, "Expired", "the provided continue parameter is too old");
            }
            last = parts.next().zip(parts.next());
        }
        let mut items = Vec::new();
        let mut next = String::new();
        let mut last_taken = None;
        for (place, object) in store.after(&self.target.resource, last.as_ref()) {
            if !self.target.selects(object) {
                continue;
            }
            if items.len() == limit {
                let (namespace, name): &Place = last_taken.unwrap_or(place);
                next = URL_SAFE_NO_PAD.encode(format!("{}\n{namespace}\n{name}", store.version()));
                break;
            }
            last_taken = Some(place);
            items.push(match self.metadata_only {
                true => metadata_of(object),
                false => object.clone(),
            });
        }
        let mut metadata = json!({"resourceVersion": store.version().to_string()});
        if !next.is_empty() {
            metadata["continue"] = next.into();
        }
        let kind = format!("{}List", self.target.kind());
        reply(
            200,
            &json!({"kind": kind, "apiVersion": "v1", "metadata": metadata, "items": items}),
        )
    }

    fn token(&self, store: &Store) -> hyper::Response<Body> {
        let (namespace, name) = (&*self.target.namespace, &*self.target.name);
        if store.get("serviceaccounts", namespace, name).is_none() {
            return self.target.absent();
        }
        let audience = self.body["spec"]["audiences"][0]
            .as_str()
            .unwrap_or_default();
        let seconds = self.body["spec"]["expirationSeconds"]
            .as_i64()
            .unwrap_or(3600);
        let token = crate::icr::service_account_token(audience, seconds);
        reply(
            201,
            &json!({"kind": "TokenRequest", "status": {"token": token}}),
        )
    }

    fn create(&self, store: &mut Store) -> hyper::Response<Body> {
        let mut object = self.body.clone();
        object["metadata"]["namespace"] = self.target.namespace.clone().into();
        if let Some(prefix) = object["metadata"]["generateName"].as_str() {
            object["metadata"]["name"] = format!("{prefix}{:05x}", store.version()).into();
        }
        let place = place_of(&object);
        if let Some(refusal) = self.closed(store) {
            return refusal;
        }
        if store
            .get(&self.target.resource, &place.0, &place.1)
            .is_some()
        {
            return status(409, "AlreadyExists", "it exists already");
        }
        if self.target.resource == "secrets"
            && let Some(why) = refuse_secret(None, &object)
        {
            return status(422, "Invalid", &why);
        }
        self.write(store, object, 201, None)
    }

    fn update(&self, store: &mut Store) -> hyper::Response<Body> {
        let (namespace, name) = (&*self.target.namespace, &*self.target.name);
        let Some(old) = store.get(&self.target.resource, namespace, name).cloned() else {
            return self.target.absent();
        };
        let version = &self.body["metadata"]["resourceVersion"];
        if !version.is_null() && *version != old["metadata"]["resourceVersion"] {
            return status(409, "Conflict", "the object has been modified");
        }
        if self.target.resource == "secrets"
            && let Some(why) = refuse_secret(Some(&old), &self.body)
        {
            return status(422, "Invalid", &why);
        }
        self.write(store, self.body.clone(), 200, Some(&old))
    }

    fn patch(&self, store: &mut Store) -> hyper::Response<Body> {
        let (resource, namespace, name) = (
            &*self.target.resource,
            &*self.target.namespace,
            &*self.target.name,
        );
        let place: Place = (namespace.to_owned(), name.to_owned());
        let old = store.get(resource, namespace, name).cloned();
        match &*self.content {
            "application/apply-patch+yaml" => {
                let Some(manager) = self.target.param("fieldManager") else {
                    return status(
                        400,
                        "BadRequest",
                        "fieldManager is required for apply patch",
                    );
                };
                if old.is_none()
                    && let Some(refusal) = self.closed(store)
                {
                    return refusal;
                }
                let force = self.target.param("force").as_deref() == Some("true");
                let applied = apply::apply(store, resource, &place, &self.body, &manager, force);
                let (object, owners) = match applied {
                    Ok(applied) => applied,
                    Err(refused) => return refusal(refused),
                };
                if resource == "secrets"
                    && let Some(why) = refuse_secret(old.as_ref(), &object)
                {
                    return status(422, "Invalid", &why);
                }
                let key = (resource.to_owned(), place);
                let same =
                    old.as_ref() == Some(&object) && store.managers.get(&key) == Some(&owners);
                if same || self.dry() {
                    return self.show(if old.is_some() { 200 } else { 201 }, &object);
                }
                store.managers.insert(key, owners);
                store.put(resource, object);
                let code = if old.is_some() { 200 } else { 201 };
                self.show(
                    code,
                    store.get(resource, namespace, name).unwrap_or(&Value::Null),
                )
            }
            "application/json-patch+json" => {
                let Some(old) = old else {
                    return self.target.absent();
                };
                let mut object = old.clone();
                if let Err(refused) = apply::json_patch(&mut object, &self.body) {
                    return refusal(refused);
                }
                if object == old {
                    return self.show(200, &object);
                }
                self.write(store, object, 200, Some(&old))
            }
            _ => status(415, "UnsupportedMediaType", "another kind of patch"),
        }
    }

    fn delete(&self, store: &mut Store) -> hyper::Response<Body> {
        let (resource, namespace, name) = (
            &*self.target.resource,
            &*self.target.namespace,
            &*self.target.name,
        );
        let Some(old) = store.get(resource, namespace, name) else {
            return self.target.absent();
        };
        let uid = &self.body["preconditions"]["uid"];
        if !uid.is_null() && *uid != old["metadata"]["uid"] {
            return status(
                409,
                "Conflict",
                "the UID in the precondition does not match",
            );
        }
        if !self.dry() {
            store.remove(resource, namespace, name);
        }
        reply(200, &json!({"kind": "Status", "status": "Success"}))
    }

    fn write(
        &self,
        store: &mut Store,
        object: Value,
        code: u16,
        old: Option<&Value>,
    ) -> hyper::Response<Body> {
        if self.dry() {
            return self.show(code, &object);
        }
        let place = place_of(&object);
        let key = (self.target.resource.clone(), place.clone());
        let manager = self
            .target
            .param("fieldManager")
            .unwrap_or_else(|| "unknown".to_owned());
        if self.target.resource == "secrets" {
            let fields = apply::owned_by(&object, old);
            let owners = store.managers.entry(key).or_default();
            for taken in owners.values_mut() {
                taken.retain(|field| !fields.contains(field));
            }
            owners.entry(manager).or_default().extend(fields);
            owners.retain(|_, fields| !fields.is_empty());
        }
        store.put(&self.target.resource, object);
        let written = store.get(&self.target.resource, &place.0, &place.1);
        self.show(code, written.unwrap_or(&Value::Null))
    }

    /// Why nothing can be made in the namespace.
    fn closed(&self, store: &Store) -> Option<hyper::Response<Body>> {
        let namespace = &*self.target.namespace;
        let Some(found) = store.get("namespaces", "", namespace) else {
            return Some(status(404, "NotFound", "the namespace does not exist"));
        };
        if found["metadata"]["deletionTimestamp"].is_null() {
            return None;
        }
        Some(reply(
            403,
            &json!({
                "kind": "Status", "status": "Failure", "code": 403, "reason": "Forbidden",
                "message": format!("unable to create new content in namespace {namespace}"),
                "details": {"causes": [{"reason": "NamespaceTerminating"}]},
            }),
        ))
    }

    fn dry(&self) -> bool {
        self.target.param("dryRun").as_deref() == Some("All")
    }

    fn show(&self, code: u16, object: &Value) -> hyper::Response<Body> {
        match self.metadata_only {
            true => reply(code, &metadata_of(object)),
            false => reply(code, object),
        }
    }
}

impl Target {
    fn parse(path: &str, query: &str) -> Option<Self> {
        let rest = path
            .strip_prefix("/api/v1/")
            .or_else(|| path.strip_prefix("/apis/coordination.k8s.io/v1/"))?;
        let parts: Vec<&str> = rest.split('/').collect();
        let (namespace, resource, name, subresource) = match parts[..] {
            ["namespaces"] => ("", "namespaces", "", ""),
            ["namespaces", name] => ("", "namespaces", name, ""),
            ["namespaces", namespace, resource] => (namespace, resource, "", ""),
            ["namespaces", namespace, resource, name] => (namespace, resource, name, ""),
            ["namespaces", namespace, resource, name, sub] => (namespace, resource, name, sub),
            [resource] => ("", resource, "", ""),
            _ => return None,
        };
        KINDS
            .iter()
            .any(|(known, _)| *known == resource)
            .then(|| Self {
                resource: resource.to_owned(),
                subresource: subresource.to_owned(),
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                query: query.to_owned(),
            })
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    pub(crate) fn kind(&self) -> &'static str {
        let found = KINDS
            .iter()
            .find(|(resource, _)| *resource == self.resource);
        found.map_or("", |(_, kind)| kind)
    }

    /// Whether an object lies in the namespace and fits the field selector.
    pub(crate) fn selects(&self, object: &Value) -> bool {
        let (namespace, name) = place_of(object);
        let within = self.resource == "namespaces"
            || self.namespace.is_empty()
            || self.namespace == namespace;
        within && self.selected_name().is_none_or(|wanted| wanted == name)
    }

    fn selected_name(&self) -> Option<String> {
        let selector = self.param("fieldSelector")?;
        selector.strip_prefix("metadata.name=").map(str::to_owned)
    }

    /// The name that rules with resource names are held against.
    fn rbac_name(&self) -> String {
        match self.name.is_empty() {
            true => self.selected_name().unwrap_or_default(),
            false => self.name.clone(),
        }
    }

    fn full_resource(&self) -> String {
        match self.subresource.is_empty() {
            true => self.resource.clone(),
            false => format!("{}/{}", self.resource, self.subresource),
        }
    }

    fn verb(&self, method: &Method) -> &'static str {
        match (method.as_str(), self.name.is_empty()) {
            ("GET", _) if self.param("watch").as_deref() == Some("true") => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", _) => "delete",
            _ => "unknown",
        }
    }

    fn forbidden(&self, verb: &str) -> hyper::Response<Body> {
        let text = format!(
            "{} {:?} is forbidden: User \"fake\" cannot {verb} resource {:?} in the namespace {:?}",
            self.resource,
            self.name,
            self.full_resource(),
            self.namespace
        );
        status(403, "Forbidden", &text)
    }

    fn absent(&self) -> hyper::Response<Body> {
        status(
            404,
            "NotFound",
            &format!("{} {:?} not found", self.resource, self.name),
        )
    }
}

pub(crate) fn metadata_of(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

fn refusal(refused: Refused) -> hyper::Response<Body> {
    match refused {
        Refused::Invalid(why) => status(422, "Invalid", &why),
        Refused::Conflict(fields) => {
            let causes = fields.iter().map(|(manager, field)| {
                json!({
                    "reason": "FieldManagerConflict",
                    "message": format!("conflict with {manager:?} using v1"),
                    "field": field.replace('/', "."),
                })
            });
            reply(
                409,
                &json!({
                    "kind": "Status", "status": "Failure", "code": 409, "reason": "Conflict",
                    "message": "Apply failed", "details": {"causes": causes.collect::<Vec<_>>()},
                }),
            )
        }
    }
}

fn status(code: u16, reason: &str, message: &str) -> hyper::Response<Body> {
    reply(
        code,
        &json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": code, "reason": reason, "message": message,
        }),
    )
}

fn reply(code: u16, value: &Value) -> hyper::Response<Body> {
    let body =
        Full::new(Bytes::from(value.to_string())).map_err(|never: Infallible| match never {});
    hyper::Response::builder()
        .status(code)
        .header("content-type", "application/json")
        .body(body.boxed_unsync())
        .expect("sound headers")
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

const KINDS: &[(&str, &str)] = &[
    ("namespaces", "Namespace"),
    ("secrets", "Secret"),
    ("serviceaccounts", "ServiceAccount"),
    ("events", "Event"),
    ("leases", "Lease"),
];
