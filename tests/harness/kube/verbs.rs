//! What each verb does to the store, and what it answers.

mod rules;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use regcred_core::Clock;
use serde_json::{Value, json};

use super::Shared;
use super::apply::{self, Owner, UPDATE};
use super::http::{allowed, forbidden};
use super::status::{Body, Refusal, reply};
use super::store::{Place, Store, bare, place_of};
use super::target::Target;
use super::validate;
use crate::server::lock;

/// A request that may be answered.
pub(crate) struct Asked<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) target: &'a Target,
    pub(crate) body: Value,
    pub(crate) content: String,
    pub(crate) metadata_only: bool,
    /// Whether rules bind who asks.
    pub(crate) limited: bool,
}

type Answer = Result<(u16, Value), Refusal>;

impl Asked<'_> {
    pub(crate) fn answer(&self, verb: &str) -> hyper::Response<Body> {
        let mut store = lock(&self.shared.store);
        let answer = match verb {
            "get" => self.there(&store).map(|object| (200, object)),
            "list" => {
                return self
                    .list(&store)
                    .unwrap_or_else(|refusal| refusal.response());
            }
            "create" if self.target.subresource == "token" => self.token(&store),
            "create" => self.create(&mut store),
            "update" => self.update(&mut store),
            "patch" => self.patch(&mut store),
            "delete" => match self.delete(&mut store) {
                Ok(status) => return reply(200, &status),
                Err(refusal) => Err(refusal),
            },
            _ => Err(Refusal::new(405, "MethodNotAllowed", "not this way")),
        };
        match answer {
            Ok((code, object)) if self.metadata_only => reply(code, &metadata_of(&object)),
            Ok((code, object)) => reply(code, &object),
            Err(refusal) => refusal.response(),
        }
    }

    fn place(&self) -> Place {
        (self.target.namespace.clone(), self.target.name.clone())
    }

    fn find(&self, store: &Store) -> Option<Value> {
        let (namespace, name) = (&self.target.namespace, &self.target.name);
        store.get(&self.target.resource, namespace, name).cloned()
    }

    fn there(&self, store: &Store) -> Result<Value, Refusal> {
        let absent = || Refusal::not_found(&self.target.resource, &self.target.name);
        self.find(store).ok_or_else(absent)
    }

    fn list(&self, store: &Store) -> Result<hyper::Response<Body>, Refusal> {
        if let Some(selector) = self.target.unknown_selector() {
            return Err(Refusal::bad(format!("not kept here: {selector}")));
        }
        let limit = self.target.param("limit").and_then(|l| l.parse().ok());
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
        let mut last: Option<Place> = None;
        // Every page is of the version of the first.
        let mut version = store.version();
        if let Some(token) = self.target.param("continue") {
            let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
            let text = String::from_utf8(bytes).unwrap_or_default();
            let mut parts = text.split('\n').map(str::to_owned);
            let first = parts.next().and_then(|v| v.parse().ok());
            version = first.ok_or_else(|| Refusal::bad("continue key is not valid"))?;
            if version < store.oldest() {
                let text = "The provided continue parameter is too old to display a consistent \
                            list result.";
                return Err(Refusal::new(410, "Expired", text));
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
                next = URL_SAFE_NO_PAD.encode(format!("{version}\n{namespace}\n{name}"));
                break;
            }
            last_taken = Some(place);
            items.push(match self.metadata_only {
                true => metadata_of(object),
                false => within_list(object),
            });
        }
        let mut metadata = json!({"resourceVersion": version.to_string()});
        if !next.is_empty() {
            metadata["continue"] = next.into();
        }
        let (kind, api) = match self.metadata_only {
            true => (
                "PartialObjectMetadataList".to_owned(),
                "meta.k8s.io/v1".to_owned(),
            ),
            false => (
                format!("{}List", self.target.kind()),
                self.target.api_version(),
            ),
        };
        let items: Value = match (items.is_empty(), self.metadata_only) {
            // So it is, and clients have to live with it.
            (true, true) => Value::Null,
            _ => items.into(),
        };
        let list = json!({"kind": kind, "apiVersion": api, "metadata": metadata, "items": items});
        Ok(reply(200, &list))
    }

    fn token(&self, store: &Store) -> Answer {
        let account = self.there(store)?;
        let spec = &self.body["spec"];
        let seconds = spec["expirationSeconds"].as_i64().unwrap_or(3600);
        if seconds < 600 {
            let why = "Invalid value: may not specify a duration less than 10 minutes";
            return Err(Refusal::invalid(
                self.target,
                "",
                ("spec.expirationSeconds", why),
            ));
        }
        let audience = spec["audiences"][0].as_str().unwrap_or_default();
        let text = |field: &str| account["metadata"][field].as_str().unwrap_or_default();
        let owner = format!("{}:{}", text("namespace"), text("name"));
        let token = crate::icr::token_of(&owner, audience, seconds);
        let end = Clock::system().now() + chrono::TimeDelta::seconds(seconds);
        let end = end.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let metadata = json!({
            "name": account["metadata"]["name"], "namespace": account["metadata"]["namespace"],
        });
        Ok((
            201,
            json!({
                "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                "metadata": metadata, "spec": spec,
                "status": {"token": token, "expirationTimestamp": end},
            }),
        ))
    }

    fn create(&self, store: &mut Store) -> Answer {
        let mut object = self.decoded()?;
        let resource = &*self.target.resource;
        if !object["metadata"]["resourceVersion"].is_null() {
            return Err(Refusal::bad(
                "resourceVersion should not be set on objects to be created",
            ));
        }
        if self.target.resource != "namespaces" {
            self.same_namespace(&object)?;
            object["metadata"]["namespace"] = self.target.namespace.clone().into();
        }
        let named = object["metadata"]["name"]
            .as_str()
            .is_some_and(|name| !name.is_empty());
        if let (false, Some(prefix)) = (named, object["metadata"]["generateName"].as_str()) {
            object["metadata"]["name"] = format!("{prefix}{:05x}", store.version()).into();
        }
        let place = place_of(&object);
        self.open(store, &place.1)?;
        if store.get(resource, &place.0, &place.1).is_some() {
            return Err(Refusal::exists(resource, &place.1));
        }
        self.write(store, object, 201, None)
    }

    fn update(&self, store: &mut Store) -> Answer {
        let object = self.decoded()?;
        self.same_namespace(&object)?;
        self.same_name(&object)?;
        let old = self.there(store)?;
        self.same_object(&object, &old)?;
        if self.target.resource == "leases" && object["metadata"]["resourceVersion"].is_null() {
            let why = "Invalid value: 0: must be specified for an update";
            let name = &self.target.name;
            return Err(Refusal::invalid(
                self.target,
                name,
                ("metadata.resourceVersion", why),
            ));
        }
        self.write(store, object, 200, Some(&old))
    }

    fn patch(&self, store: &mut Store) -> Answer {
        match &*self.content {
            "application/apply-patch+yaml" => self.apply(store),
            "application/json-patch+json" => {
                let old = self.there(store)?;
                let mut object = old.clone();
                apply::json_patch(&mut object, &self.body)?;
                self.same_name(&object)?;
                self.same_object(&object, &old)?;
                self.write(store, object, 200, Some(&old))
            }
            "application/merge-patch+json" => {
                let old = self.there(store)?;
                let mut object = old.clone();
                apply::merge(&mut object, &self.body);
                self.same_name(&object)?;
                self.same_object(&object, &old)?;
                self.write(store, object, 200, Some(&old))
            }
            _ => Err(Refusal::new(
                415,
                "UnsupportedMediaType",
                "the body of the request was in an unknown format",
            )),
        }
    }

    fn apply(&self, store: &mut Store) -> Answer {
        let config = self.decoded()?;
        let manager = self.target.param("fieldManager").unwrap_or_default();
        if manager.is_empty() {
            let why = "Required value: is required for apply patch";
            return Err(Refusal::invalid(self.target, "", ("fieldManager", why)));
        }
        if !config["metadata"]["managedFields"].is_null() {
            return Err(Refusal::bad("metadata.managedFields must be nil"));
        }
        self.same_namespace(&config)?;
        self.same_name(&config)?;
        let old = self.find(store);
        match &old {
            Some(old) => {
                let uid = &config["metadata"]["uid"];
                if !uid.is_null() && *uid != old["metadata"]["uid"] {
                    let broken = ("metadata.uid", "Invalid value: field is immutable");
                    return Err(Refusal::invalid(self.target, &self.target.name, broken));
                }
                self.same_object(&config, old)?;
            }
            None => {
                // Apply of an absent object is a create too, under the name in the path.
                if self.limited && !allowed(self.shared, self.target, "create") {
                    return Err(forbidden(self.shared, self.target, "create"));
                }
                self.open(store, &self.target.name)?;
                if !config["metadata"]["uid"].is_null() {
                    let why = "uid mismatch: the provided object specified a uid, and no existing \
                               object was found";
                    return Err(self.conflict(why));
                }
            }
        }
        let force = self.target.param("force").as_deref() == Some("true");
        let place = self.place();
        let resource = &*self.target.resource;
        let owners = store.owners(resource, &place);
        let identity = (place.1.as_str(), place.0.as_str());
        let applied = apply::apply(old.as_ref(), owners, &config, (&manager, identity), force)?;
        let (mut object, owners) = applied;
        validate::complete(self.target, &mut object);
        validate::check(self.target, old.as_ref(), &object)?;
        let code = if old.is_some() { 200 } else { 201 };
        let same = old.as_ref().map(bare) == Some(bare(&object))
            && store.owners(resource, &place) == owners;
        if same || self.target.dry() {
            return Ok((code, object));
        }
        store.own(resource, &place, owners);
        store.put(resource, object);
        Ok((code, self.there(store)?))
    }

    fn delete(&self, store: &mut Store) -> Result<Value, Refusal> {
        let old = self.there(store)?;
        for (field, text) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
            let (wanted, is) = (&self.body["preconditions"][field], &old["metadata"][field]);
            if !wanted.is_null() && wanted != is {
                let why = format!(
                    "Precondition failed: {text} in precondition: {}, {text} in object meta: {}",
                    wanted.as_str().unwrap_or_default(),
                    is.as_str().unwrap_or_default()
                );
                return Err(self.conflict(&why));
            }
        }
        let Target {
            resource,
            namespace,
            name,
            ..
        } = self.target;
        // Also in the body's DeleteOptions.
        if !self.target.dry() && self.body["dryRun"] != json!(["All"]) {
            match resource.as_str() {
                "namespaces" => store.remove_namespace(name),
                _ => drop(store.remove(resource, namespace, name)),
            }
        }
        Ok(json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": name, "kind": resource, "uid": old["metadata"]["uid"]},
        }))
    }

    /// Stores a whole object, if it differs and nothing is wrong with it.
    fn write(
        &self,
        store: &mut Store,
        mut object: Value,
        code: u16,
        old: Option<&Value>,
    ) -> Answer {
        let resource = &*self.target.resource;
        validate::complete(self.target, &mut object);
        validate::check(self.target, old, &object)?;
        let place = place_of(&object);
        if let Some(old) = old
            && bare(old) == bare(&object)
        {
            return Ok((code, old.clone()));
        }
        if self.target.dry() {
            return Ok((code, object));
        }
        if resource != "events" {
            let manager = self.target.param("fieldManager");
            let owner = Owner(manager.unwrap_or_else(|| "unknown".to_owned()), UPDATE);
            let owners = store.owners(resource, &place);
            let owners = apply::taken_by(owner, owners, &object, old);
            store.own(resource, &place, owners);
        }
        store.put(resource, object);
        let written = store.get(resource, &place.0, &place.1).cloned();
        Ok((code, written.unwrap_or_default()))
    }
}

pub(crate) fn metadata_of(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

/// In a list the objects do not say what they are.
fn within_list(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(members) = object.as_object_mut() {
        members.remove("kind");
        members.remove("apiVersion");
    }
    object
}
