//! The metadata service of a virtual machine with two identities, its own and a user-assigned
//! one, and App Service's endpoint for the same. Requests without their marks, forwarded ones and
//! other API versions are refused.

use serde_json::json;

use super::{Directory, IDENTITY_CLIENT, IDENTITY_OBJECT, IDENTITY_RESOURCE, now};
use crate::server::{Handler, Reply, Seen, Server};

/// The two services. Dropping them ends them.
pub struct FakeImds {
    server: Server,
    header: String,
}

impl FakeImds {
    /// Starts the services, whose tokens are Entra ID's.
    #[must_use]
    pub fn start(directory: &Directory) -> Self {
        let header = directory.word(32);
        let machine = Machine::of(directory, &header);
        Self {
            server: Server::start(machine),
            header,
        }
    }

    /// The variable that leads a client of a virtual machine here.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        let name = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
        vec![(name.to_owned(), self.server.url())]
    }

    /// The variables of an App Service application.
    #[must_use]
    pub fn app_service_env(&self) -> Vec<(String, String)> {
        let endpoint = format!("{}/msi/token", self.server.url());
        [
            ("IDENTITY_ENDPOINT", endpoint),
            ("IDENTITY_HEADER", self.header.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec()
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }
}

pub(super) struct Machine {
    directory: Directory,
    header: String,
}

impl Machine {
    pub(super) fn of(directory: &Directory, header: &str) -> Self {
        Self {
            directory: directory.clone(),
            header: header.to_owned(),
        }
    }
}

impl Handler for Machine {
    fn handle(&self, request: &Seen) -> Reply {
        let bad = |why: &str| {
            let body = json!({"error": "invalid_request", "error_description": why});
            Reply::json(400, &body)
        };
        if request.header("x-forwarded-for").is_some() {
            return bad("forwarded requests are refused");
        }
        let one = |name: &str| match &request.params(name)[..] {
            [value] => Some(value.clone()),
            _ => None,
        };
        let version = one("api-version").unwrap_or_default();
        let (marked, versions, resource_id) = match request.path.as_str() {
            "/metadata/identity/oauth2/token" => {
                let marked = request.header("metadata") == Some("true");
                (marked, &["2018-02-01", "2019-08-01"][..], "msi_res_id")
            }
            "/msi/token" => {
                let marked = request.header("x-identity-header") == Some(&self.header);
                (marked, &["2019-08-01"][..], "mi_res_id")
            }
            _ => return Reply::text(404, "not found"),
        };
        if request.method != "GET" || !marked || !versions.contains(&version.as_str()) {
            return bad("Required metadata header not specified, or an unknown api-version");
        }
        let ids = [
            ("client_id", IDENTITY_CLIENT),
            ("object_id", IDENTITY_OBJECT),
            (resource_id, IDENTITY_RESOURCE),
        ];
        let known = ["api-version", "resource"].into_iter();
        let known: Vec<&str> = known.chain(ids.map(|(name, _)| name)).collect();
        let asked = url::form_urlencoded::parse(request.query.as_bytes());
        let named: Vec<_> = asked.collect();
        let strange = named
            .iter()
            .any(|(name, _)| !known.contains(&name.as_ref()));
        let chosen: Vec<_> = ids
            .iter()
            .filter_map(|(n, id)| Some((one(n)?, *id)))
            .collect();
        let owner = match &chosen[..] {
            [] if !strange => "system",
            [(asked, id)] if asked.eq_ignore_ascii_case(id) && !strange => "user",
            _ => return bad("Identity not found"),
        };
        let audience = one("resource").unwrap_or_default();
        if !self.directory.knows(&audience) {
            return bad("AADSTS500011: The resource principal was not found in the tenant.");
        }
        Reply::json(
            200,
            &json!({
                "access_token": self.directory.issue(owner, &audience),
                "client_id": IDENTITY_CLIENT, "expires_in": "86399", "ext_expires_in": "86399",
                "expires_on": (now() + 86_399).to_string(), "not_before": now().to_string(),
                "resource": audience, "token_type": "Bearer",
            }),
        )
    }
}
