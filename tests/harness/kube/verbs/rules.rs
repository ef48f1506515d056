//! What an object that is written has to have in common with its address and with what is stored.

use serde_json::Value;

use super::super::apply::APPLY;
use super::super::status::Refusal;
use super::super::store::Store;
use super::Asked;

impl Asked<'_> {
    /// The body, if it is an object of this kind.
    pub(super) fn decoded(&self) -> Result<Value, Refusal> {
        if !self.body.is_object() {
            return Err(Refusal::bad("the object provided is unrecognized"));
        }
        let (kind, version) = (self.target.kind(), self.target.api_version());
        let is = |name: &str, wanted: &str| match self.body[name].as_str() {
            Some(text) => text == wanted,
            // Only apply must say what it applies.
            None => self.content != APPLY,
        };
        match is("kind", kind) && is("apiVersion", &version) {
            true => Ok(self.body.clone()),
            false => Err(Refusal::bad(format!(
                "the API wants a {kind} of {version} here"
            ))),
        }
    }

    pub(super) fn same_namespace(&self, object: &Value) -> Result<(), Refusal> {
        match object["metadata"]["namespace"].as_str() {
            Some(namespace) if namespace != self.target.namespace => Err(Refusal::bad(
                "the namespace of the provided object does not match the namespace sent on the \
                 request",
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn same_name(&self, object: &Value) -> Result<(), Refusal> {
        let name = object["metadata"]["name"].as_str();
        if name == Some(&*self.target.name) || (name.is_none() && self.content == APPLY) {
            return Ok(());
        }
        Err(Refusal::bad(format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            name.unwrap_or_default(),
            self.target.name
        )))
    }

    /// The version and the UID that the body names are those of what is there.
    pub(super) fn same_object(&self, object: &Value, old: &Value) -> Result<(), Refusal> {
        for field in ["uid", "resourceVersion"] {
            let wanted = &object["metadata"][field];
            if !wanted.is_null() && wanted != "" && *wanted != old["metadata"][field] {
                return Err(self.conflict(
                    "the object has been modified; please apply your changes to the latest \
                     version and try again",
                ));
            }
        }
        Ok(())
    }

    /// Whether anything can be made in the namespace.
    pub(super) fn open(&self, store: &Store, name: &str) -> Result<(), Refusal> {
        let namespace = &*self.target.namespace;
        if namespace.is_empty() {
            return Ok(());
        }
        let Some(found) = store.get("namespaces", "", namespace) else {
            return Err(Refusal::not_found("namespaces", namespace));
        };
        match found["metadata"]["deletionTimestamp"].is_null() {
            true => Ok(()),
            false => Err(Refusal::terminating(self.target, name)),
        }
    }

    pub(super) fn conflict(&self, why: &str) -> Refusal {
        Refusal::conflict(&self.target.resource, &self.target.name, why)
    }
}
