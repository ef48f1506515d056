//! The auth service, and a service that knows resources.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, UnixTime};
use serde_json::{Value, json};

use super::authority::{Authority, INSTANCE, RESOURCE, claims};
use super::signature::{OF_GET, OF_POST, refuse};
use crate::server::{Handler, Reply, Seen, form_fields};

pub(super) struct Services(pub(super) Arc<Authority>);

impl Handler for Services {
    fn handle(&self, request: &Seen) -> Reply {
        if self.0.is_throttled() {
            return throttled();
        }
        let answer = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/x509") => self.federate(request),
            ("POST", "/v1/resourcePrincipalSessionToken") => self.resource_session(request),
            ("POST", "/oauth2/v1/token") => return self.exchange(request),
            ("GET", path) => match path.strip_prefix("/20180711/") {
                Some(path) => self.resource(request, path),
                None => self.parent(request, path),
            },
            _ => return Reply::text(404, "not found"),
        };
        answer.unwrap_or_else(|why| refuse(&why))
    }
}

impl Services {
    /// `POST /v1/x509`: a certificate of ours, proved by its key, for a session of a new key.
    fn federate(&self, request: &Seen) -> Result<Reply, String> {
        let algorithm = self.0.authenticate_leaf(request)?;
        let body = body(request)?;
        let get = |name: &str| body[name].as_str().ok_or(format!("no {name}"));
        let said = body["fingerprintAlgorithm"].as_str().unwrap_or_default();
        if said != algorithm {
            return Err("fingerprintAlgorithm and keyId differ".to_owned());
        }
        let intermediates = body["intermediateCertificates"].as_array();
        let [intermediate] = intermediates.map(Vec::as_slice).unwrap_or_default() else {
            return Err("not one intermediate certificate".to_owned());
        };
        let intermediate = intermediate.as_str().unwrap_or_default();
        self.check_chain(get("certificate")?, intermediate)?;
        let token = self.0.issue_session("instance", get("publicKey")?)?;
        Ok(Reply::json(200, &json!({ "token": token })))
    }

    /// `POST /oauth2/v1/token` of an identity domain that trusts our cluster for audience `domain`.
    fn exchange(&self, request: &Seen) -> Reply {
        let refuse = |status, code: &str| Reply::json(status, &json!({ "error": code }));
        let basic = format!("Basic {}", STANDARD.encode("a-client:a-client-secret"));
        if request.header("authorization") != Some(&basic) {
            return refuse(401, "invalid_client");
        }
        let Some(form) = form_fields(request).filter(|_| request.query.is_empty()) else {
            return refuse(400, "invalid_request");
        };
        let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let wanted = get("requested_token_type").strip_prefix("urn:oci:token-type:oci-");
        let sound = get("grant_type") == "urn:ietf:params:oauth:grant-type:token-exchange"
            && get("subject_token_type") == "jwt"
            && match wanted {
                Some("upst") => get("res_type").is_empty(),
                Some("rpst") => !get("res_type").is_empty(),
                _ => false,
            };
        if !sound {
            return refuse(400, "invalid_request");
        }
        let subject = claims(get("subject_token")).filter(|c| c["aud"] == json!(["domain"]));
        let Some(subject) = subject else {
            return refuse(400, "invalid_grant");
        };
        let who = format!(
            "{} by {}",
            subject["sub"].as_str().unwrap_or_default(),
            wanted.unwrap_or_default()
        );
        match self.0.issue_session(&who, get("public_key")) {
            Ok(token) => Reply::json(200, &json!({ "token": token })),
            Err(_) => refuse(400, "invalid_public_key"),
        }
    }

    /// The certificate must be the instance's, and issued by the region's CA.
    fn check_chain(&self, leaf: &str, intermediate: &str) -> Result<(), String> {
        let der = |text: &str| {
            STANDARD
                .decode(text)
                .map_err(|_| "a certificate is not base64")
        };
        let (leaf, intermediate) = (der(leaf)?, der(intermediate)?);
        let ca = CertificateDer::from_pem_slice(self.0.intermediate.as_bytes()).expect("our own");
        if intermediate != ca.as_ref() || leaf != self.0.leaf.der {
            return Err("a certificate that was not issued here".to_owned());
        }
        let mut roots = RootCertStore::empty();
        roots.add(ca).expect("our own CA");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .expect("one root");
        verifier
            .verify_client_cert(&leaf.into(), &[], UnixTime::now())
            .map_err(|error| format!("the certificate does not verify: {error}"))?;
        Ok(())
    }

    /// What a service says of a resource that its instance or its own key vouches for.
    fn resource(&self, request: &Seen, path: &str) -> Result<Reply, String> {
        let who = self.0.authenticate(request, OF_GET)?;
        let (kind, id) = path.split_once('/').unwrap_or_default();
        let sound = match (kind, who.as_str()) {
            ("resourcePrincipalToken", "instance") => id == INSTANCE,
            ("resourcePrincipalTokenV2", "resource's key") => id == RESOURCE,
            ("resourcePrincipalTokenV212", "resource's key") => {
                id == RESOURCE && request.header("security-context") == Some("a-context")
            }
            _ => false,
        };
        match sound {
            true => Ok(self.word_for("resource", &who)),
            false => Err(format!("{who} is not to know {kind} {id}")),
        }
    }

    /// What a service says of the parent of a resource: the first has a parent itself.
    fn parent(&self, request: &Seen, path: &str) -> Result<Reply, String> {
        let who = self.0.authenticate(request, OF_GET)?;
        let host = request.header("host").unwrap_or_default();
        match (path, who.as_str()) {
            ("/parents/1", "resource") => {
                let next = format!("http://{host}/parents/2");
                Ok(self
                    .word_for("parent 1", &who)
                    .header("opc-parent-rpt-url", next))
            }
            ("/parents/2", "parent 1") => Ok(self.word_for("parent", &who)),
            ("/parents/circle", _) => {
                let same = format!("http://{host}/parents/circle");
                Ok(self
                    .word_for("resource", &who)
                    .header("opc-parent-rpt-url", same))
            }
            ("/parents/away", _) => {
                let away = "https://oraclecloud.com.evil.test/parents/2";
                Ok(self
                    .word_for("resource", &who)
                    .header("opc-parent-rpt-url", away))
            }
            _ => Err(format!("{who} is not to know {path}")),
        }
    }

    fn word_for(&self, what: &str, asker: &str) -> Reply {
        let word = |kind: &str, of: &str| {
            // Service account tokens and these have the same form: signed claims.
            super::authority::signed(&json!({"kind": kind, "of": of, "exp": 9_999_999_999_i64}))
        };
        Reply::json(
            200,
            &json!({
                "resourcePrincipalToken": word("rpt", what),
                "servicePrincipalSessionToken": word("spst", asker),
            }),
        )
    }

    /// A session of a resource, for whoever was given the service's word for it.
    fn resource_session(&self, request: &Seen) -> Result<Reply, String> {
        let who = self.0.authenticate(request, OF_POST)?;
        let body = body(request)?;
        let of = |name: &str, kind: &str| {
            let claims = body[name]
                .as_str()
                .and_then(claims)
                .ok_or(format!("no {name}"))?;
            match claims["kind"] == kind {
                true => Ok(claims["of"].as_str().unwrap_or_default().to_owned()),
                false => Err(format!("{name} is none")),
            }
        };
        let what = of("resourcePrincipalToken", "rpt")?;
        if of("servicePrincipalSessionToken", "spst")? != who {
            return Err("the service spoke to another server".to_owned());
        }
        let key = body["sessionPublicKey"]
            .as_str()
            .ok_or("no sessionPublicKey")?;
        let token = self.0.issue_session(&what, key)?;
        Ok(Reply::json(200, &json!({ "token": token })))
    }
}

/// The body of a request that is declared as JSON.
pub(super) fn body(request: &Seen) -> Result<Value, String> {
    if request.header("content-type") != Some("application/json") {
        return Err("the content type is not JSON".to_owned());
    }
    serde_json::from_slice(&request.body).map_err(|_| "the body is not JSON".to_owned())
}

/// As Oracle throttles; the pause is short, for tests.
pub(super) fn throttled() -> Reply {
    let body = json!({"code": "TooManyRequests", "message": "User-rate limit exceeded."});
    Reply::json(429, &body).header("retry-after", "0")
}
