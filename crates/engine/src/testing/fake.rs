//! A registry with one image, `team/app:v1`, that requires a login by Basic authentication, or none.

use std::path::PathBuf;

use regcred_core::Credentials;
use regcred_http_testing::{Fake, Reply, Seen, bind};
use regcred_registry::{Descriptor, Digest, media_type};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::Node;

pub(crate) struct FakeRegistry {
    server: Fake,
    digest: Digest,
}

/// Who may pull.
enum Admission {
    Everyone,
    /// Requests with this `Authorization`; another login is answered with this status.
    Login(String, u16),
    /// Requests with a token, which the token server at this URL returns to requests without a login.
    Token(String),
}

impl FakeRegistry {
    /// Requires this login (`username:password`), or none.
    pub(crate) async fn start(login: Option<&str>) -> Self {
        match login {
            Some(login) => Self::start_refusing_with(401, login).await,
            None => Self::on(bind().await, Admission::Everyone),
        }
    }

    /// Requires this login, and answers any other with this status.
    pub(crate) async fn start_refusing_with(status: u16, login: &str) -> Self {
        let (username, password) = login.split_once(':').expect("username:password");
        let basic = Credentials::new(username, password).to_basic();
        let wanted = format!("Basic {}", basic.expose_secret());
        Self::on(bind().await, Admission::Login(wanted, status))
    }

    /// Returns a token to each anonymous request, and refuses every login.
    pub(crate) async fn start_public() -> Self {
        let listener = bind().await;
        let address = listener.local_addr().expect("bound");
        Self::on(
            listener,
            Admission::Token(format!("http://{address}/token")),
        )
    }

    fn on(listener: tokio::net::TcpListener, admission: Admission) -> Self {
        let config = br#"{"architecture":"amd64","os":"linux"}"#.to_vec();
        let layer = b"not really a layer".to_vec();
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": Descriptor::of("application/vnd.oci.image.config.v1+json", &config),
            "layers": [Descriptor::of("application/vnd.oci.image.layer.v1.tar", &layer)],
        });
        let manifest = manifest.to_string().into_bytes();
        let digest = Digest::of(&manifest);
        let server = Fake::on(listener, None, move |seen| {
            admission.refusal(seen).unwrap_or_else(|| {
                let name = seen.path.strip_prefix("/v2/team/app/").unwrap_or_default();
                if name == "manifests/v1" {
                    return Reply::ok(manifest.clone())
                        .header("Docker-Content-Digest", Digest::of(&manifest).as_str())
                        .header("Content-Type", media_type::OCI_MANIFEST);
                }
                let is_named = |blob: &&&Vec<u8>| name == format!("blobs/{}", Digest::of(blob));
                let blob = [&config, &layer].into_iter().find(|blob| is_named(&blob));
                blob.map_or_else(|| Reply::new(404), |blob| Reply::ok(blob.clone()))
            })
        });
        Self { server, digest }
    }

    /// Lets it answer for `h.io`; returns the directory for [`regcred_registry::Hosts`].
    pub(crate) fn stand_for_h_io(&self, node: &Node) -> PathBuf {
        let text = format!("server = \"{}\"\n", self.server.url(""));
        node.write("hosts/h.io/hosts.toml", &text);
        node.path("hosts")
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        self.server.host()
    }

    /// The digest of the manifest.
    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.server.seen()
    }
}

impl Admission {
    /// The reply to a request that may not pull, and to one for a token.
    fn refusal(&self, seen: &Seen) -> Option<Reply> {
        let challenge = |text: String| Some(Reply::new(401).header("WWW-Authenticate", text));
        match self {
            Self::Login(wanted, status) => match seen.authorization() {
                Some(login) if login == wanted => None,
                Some(_) if *status != 401 => Some(Reply::new(*status)),
                _ => challenge("Basic realm=\"test\"".to_owned()),
            },
            Self::Token(_) if seen.path == "/token" => Some(match seen.authorization() {
                Some(_) => Reply::new(401),
                None => Reply::json(200, &json!({"token": "t"})),
            }),
            Self::Token(server) if seen.authorization() != Some("Bearer t") => {
                challenge(format!("Bearer realm=\"{server}\",service=\"s\""))
            }
            _ => None,
        }
    }
}
