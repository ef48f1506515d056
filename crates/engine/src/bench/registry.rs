//! A registry with one image, `team/app:v1`, that demands a login by Basic authentication, or none.

use std::sync::{Arc, Mutex};

use regcred_core::Credentials;
use regcred_registry::{Descriptor, Digest, media_type};
use secrecy::ExposeSecret as _;
use serde_json::json;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::Node;

pub(crate) struct FakeRegistry {
    server: MockServer,
    content: Arc<Content>,
}

/// What it serves, and what it was asked.
struct Content {
    login: Option<Credentials>,
    /// Tokens for everybody, except for whoever comes with a login.
    public: bool,
    manifest: Vec<u8>,
    blobs: Vec<Vec<u8>>,
    seen: Mutex<Vec<Seen>>,
}

/// A request: what for, and with which `Authorization`.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
}

impl FakeRegistry {
    /// One that wants this login (`username:password`), or lets everybody in.
    pub(crate) async fn start(login: Option<&str>) -> Self {
        Self::with(login, false).await
    }

    /// One that gives everybody a token to pull with, and refuses every login.
    pub(crate) async fn start_public() -> Self {
        Self::with(None, true).await
    }

    async fn with(login: Option<&str>, public: bool) -> Self {
        let login = login.and_then(|text| text.split_once(':'));
        let config = br#"{"architecture":"amd64","os":"linux"}"#.to_vec();
        let layer = b"not really a layer".to_vec();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": Descriptor::of("application/vnd.oci.image.config.v1+json", &config),
            "layers": [Descriptor::of("application/vnd.oci.image.layer.v1.tar", &layer)],
        });
        let content = Arc::new(Content {
            login: login.map(|(username, password)| Credentials::new(username, password)),
            public,
            manifest: manifest.to_string().into_bytes(),
            blobs: vec![config, layer],
            seen: Mutex::default(),
        });
        let server = MockServer::start().await;
        let answer = Answer(Arc::clone(&content));
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, content }
    }

    /// Lets it answer for `h.io`; gives the directory for [`regcred_registry::Hosts`].
    pub(crate) fn stand_for_h_io(&self, node: &Node) -> std::path::PathBuf {
        let text = format!("server = \"{}\"\n", self.server.uri());
        node.write("hosts/h.io/hosts.toml", &text);
        node.path("hosts")
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        self.server.address().to_string()
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.content.manifest)
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.content.seen.lock().expect("not poisoned").clone()
    }
}

struct Answer(Arc<Content>);

impl Respond for Answer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let Content {
            login,
            public,
            manifest,
            blobs,
            seen,
        } = &*self.0;
        let header = request.headers.get("authorization");
        let authorization = header.and_then(|v| v.to_str().ok()).map(str::to_owned);
        seen.lock().expect("not poisoned").push(Seen {
            path: request.url.path().to_owned(),
            authorization: authorization.clone(),
        });
        let wanted = login
            .as_ref()
            .map(|l| format!("Basic {}", l.to_basic().expose_secret()));
        if wanted.is_some() && authorization != wanted {
            let challenge = r#"Basic realm="test""#;
            return ResponseTemplate::new(401).insert_header("WWW-Authenticate", challenge);
        }
        if *public {
            if request.url.path() == "/token" {
                return match authorization {
                    Some(_) => ResponseTemplate::new(401),
                    None => ResponseTemplate::new(200).set_body_json(json!({"token": "t"})),
                };
            }
            if authorization.as_deref() != Some("Bearer t") {
                let host = request.headers.get("host").and_then(|v| v.to_str().ok());
                let host = host.unwrap_or_default();
                let challenge = format!(r#"Bearer realm="http://{host}/token",service="s""#);
                return ResponseTemplate::new(401).insert_header("WWW-Authenticate", challenge);
            }
        }
        match request.url.path().strip_prefix("/v2/team/app/") {
            Some("manifests/v1") => ResponseTemplate::new(200)
                .insert_header("Docker-Content-Digest", Digest::of(manifest).as_str())
                .set_body_raw(manifest.clone(), media_type::OCI_MANIFEST),
            Some(path) => {
                let named = |blob: &&Vec<u8>| path == format!("blobs/{}", Digest::of(blob));
                match blobs.iter().find(named) {
                    Some(blob) => ResponseTemplate::new(200).set_body_bytes(blob.clone()),
                    None => ResponseTemplate::new(404),
                }
            }
            None => ResponseTemplate::new(404),
        }
    }
}
