//! What a request is about, read from its path and query as the server reads them.

use http::Method;
use serde_json::Value;

use super::store::place_of;

/// Resource, name and query of a request.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) resource: String,
    pub(crate) subresource: String,
    /// Empty for the whole cluster.
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) query: String,
}

impl Target {
    /// `None` for paths that the server does not have.
    pub(crate) fn parse(path: &str, query: &str) -> Option<Self> {
        let (group, rest) = match path.strip_prefix("/api/v1/") {
            Some(rest) => ("", rest),
            None => path.strip_prefix("/apis/")?.split_once("/v1/")?,
        };
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
        let known = KINDS
            .iter()
            .any(|k| (k.resource, k.group) == (resource, group));
        let sub_known = matches!(
            (resource, subresource),
            (_, "") | ("serviceaccounts", "token")
        );
        (known && sub_known).then(|| Self {
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
        self.known().kind
    }

    /// The API group; empty for the core.
    pub(crate) fn group(&self) -> &'static str {
        self.known().group
    }

    /// `v1`, with the group before it where there is one.
    pub(crate) fn api_version(&self) -> String {
        match self.group() {
            "" => "v1".to_owned(),
            group => format!("{group}/v1"),
        }
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

    /// A selector of a kind that is not kept here must not select everything.
    pub(crate) fn unknown_selector(&self) -> Option<String> {
        let fields = self.param("fieldSelector");
        let fields = fields.filter(|text| !text.starts_with("metadata.name="));
        fields.or_else(|| self.param("labelSelector"))
    }

    /// The name that rules with resource names are held against.
    pub(crate) fn rbac_name(&self) -> String {
        match self.name.is_empty() {
            true => self.selected_name().unwrap_or_default(),
            false => self.name.clone(),
        }
    }

    /// The namespace that rules are held against: a namespace lies in itself.
    pub(crate) fn rbac_namespace(&self) -> &str {
        match self.resource.as_str() {
            "namespaces" => &self.name,
            _ => &self.namespace,
        }
    }

    pub(crate) fn full_resource(&self) -> String {
        match self.subresource.is_empty() {
            true => self.resource.clone(),
            false => format!("{}/{}", self.resource, self.subresource),
        }
    }

    pub(crate) fn verb(&self, method: &Method) -> &'static str {
        match (method.as_str(), self.name.is_empty()) {
            ("GET", _) if self.watches() => "watch",
            ("GET", true) => "list",
            ("GET", false) => "get",
            ("POST", _) => "create",
            ("PUT", false) => "update",
            ("PATCH", false) => "patch",
            ("DELETE", false) => "delete",
            ("DELETE", true) => "deletecollection",
            _ => "unknown",
        }
    }

    fn watches(&self) -> bool {
        self.param("watch")
            .is_some_and(|value| matches!(value.as_str(), "true" | "1"))
    }

    pub(crate) fn dry(&self) -> bool {
        self.param("dryRun").as_deref() == Some("All")
    }

    fn known(&self) -> &'static Known {
        let found = KINDS.iter().find(|known| known.resource == self.resource);
        found.expect("only known resources are parsed")
    }
}

struct Known {
    resource: &'static str,
    kind: &'static str,
    group: &'static str,
}

const fn core(resource: &'static str, kind: &'static str) -> Known {
    Known {
        resource,
        kind,
        group: "",
    }
}

const KINDS: &[Known] = &[
    core("namespaces", "Namespace"),
    core("secrets", "Secret"),
    core("serviceaccounts", "ServiceAccount"),
    core("events", "Event"),
    Known {
        resource: "leases",
        kind: "Lease",
        group: "coordination.k8s.io",
    },
];
