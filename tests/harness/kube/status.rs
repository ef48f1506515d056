//! Refusals: `meta/v1 Status`, with the reasons, details and sentences of the real server.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::target::Target;

pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: u16,
    reason: &'static str,
    message: String,
    details: Value,
}

impl Refusal {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: json!({}),
        }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// The object breaks a rule of its kind: field and sentence.
    pub(crate) fn invalid(target: &Target, name: &str, (field, why): (&str, &str)) -> Self {
        let kind = target.kind();
        let message = format!("{kind} {name:?} is invalid: {field}: {why}");
        let reason = match why {
            why if why.starts_with("Required") => "FieldValueRequired",
            why if why.starts_with("Forbidden") => "FieldValueForbidden",
            _ => "FieldValueInvalid",
        };
        Self::new(422, "Invalid", message).with(json!({
            "name": name, "group": target.group(), "kind": kind,
            "causes": [{"reason": reason, "message": why, "field": field}],
        }))
    }

    /// A patch that is well formed and does not fit, or whose test failed.
    pub(crate) fn unfit(why: &str) -> Self {
        let text = "the server rejected our request due to an error in our request";
        let causes = json!([{"reason": "UnexpectedServerResponse", "message": why}]);
        Self::new(422, "Invalid", text).with(json!({"causes": causes}))
    }

    pub(crate) fn not_found(resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{resource} {name:?} not found"))
            .with(json!({"name": name, "kind": resource}))
    }

    pub(crate) fn exists(resource: &str, name: &str) -> Self {
        let text = format!("{resource} {name:?} already exists");
        Self::new(409, "AlreadyExists", text).with(json!({"name": name, "kind": resource}))
    }

    /// It is another version, or another object.
    pub(crate) fn conflict(resource: &str, name: &str, why: &str) -> Self {
        let text = format!("Operation cannot be fulfilled on {resource} {name:?}: {why}");
        Self::new(409, "Conflict", text).with(json!({"name": name, "kind": resource}))
    }

    /// Fields that other managers own: manager with what it did, and field.
    pub(crate) fn managed(fields: &[(String, String)]) -> Self {
        let causes = fields.iter().map(|(manager, field)| {
            json!({
                "reason": "FieldManagerConflict",
                "message": format!("conflict with {manager}"),
                "field": field.replace('/', "."),
            })
        });
        let text = match fields {
            [(manager, field)] => {
                let field = field.replace('/', ".");
                format!("Apply failed with 1 conflict: conflict with {manager}: {field}")
            }
            _ => format!("Apply failed with {} conflicts", fields.len()),
        };
        Self::new(409, "Conflict", text).with(json!({"causes": causes.collect::<Vec<_>>()}))
    }

    pub(crate) fn terminating(target: &Target, name: &str) -> Self {
        let (resource, namespace) = (&target.resource, &target.namespace);
        let why = "because it is being terminated";
        let text = format!(
            "{resource} {name:?} is forbidden: unable to create new content in namespace \
             {namespace} {why}"
        );
        Self::new(403, "Forbidden", text).with(json!({
            "name": name, "kind": resource,
            "causes": [{
                "reason": "NamespaceTerminating", "field": "metadata.namespace",
                "message": format!("namespace {namespace} is being terminated"),
            }],
        }))
    }

    /// No rule allows it.
    pub(crate) fn forbidden(target: &Target, verb: &str) -> Self {
        let (resource, name) = (&target.resource, &target.name);
        let what = match name.is_empty() {
            true => resource.clone(),
            false => format!("{resource} {name:?}"),
        };
        let place = match target.rbac_namespace() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace {namespace:?}"),
        };
        let text = format!(
            "{what} is forbidden: User \"fake\" cannot {verb} resource {:?} in API group {:?} {place}",
            target.full_resource(),
            target.group(),
        );
        Self::new(403, "Forbidden", text)
            .with(json!({"name": name, "group": target.group(), "kind": resource}))
    }

    fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// The `Status` itself, as the `ERROR` event of a watch holds it.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "code": self.code, "reason": self.reason, "message": self.message,
        });
        if self
            .details
            .as_object()
            .is_some_and(|members| !members.is_empty())
        {
            status["details"] = self.details.clone();
        }
        status
    }

    pub(crate) fn response(&self) -> hyper::Response<Body> {
        reply(self.code, &self.status())
    }
}

pub(crate) fn reply(code: u16, value: &Value) -> hyper::Response<Body> {
    answer(code, "application/json", value.to_string())
}

/// What the server says before its own API does: throttling, unknown paths.
pub(crate) fn plain(code: u16, text: &str) -> hyper::Response<Body> {
    answer(code, "text/plain; charset=utf-8", format!("{text}\n"))
}

fn answer(code: u16, kind: &'static str, text: String) -> hyper::Response<Body> {
    let body = Full::new(Bytes::from(text)).map_err(|never: Infallible| match never {});
    hyper::Response::builder()
        .status(code)
        .header("content-type", kind)
        .body(body.boxed_unsync())
        .expect("sound headers")
}
