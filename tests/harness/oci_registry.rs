//! The pull side of an OCI registry (distribution-spec), strict: Basic or Bearer, content
//! negotiation, ranges; and on demand it breaks off, stalls or sends wrong bytes.

mod bearer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::image::Content;
use crate::server::{Handler, Reply, Seen, Server, lock};
use crate::{Image, Logins, Tls};

use bearer::Bearer;

/// A registry in memory. Dropping it ends it.
pub struct FakeRegistry {
    server: Server,
    registry: Arc<Registry>,
}

/// Who may pull.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everybody; a request that carries a login is refused.
    Open,
    /// `Authorization: Basic` with a good login, on every request, as at private ECR.
    Basic(Logins),
    /// A bearer token from `/token`, which wants a good login, as at pkg.dev.
    Bearer(Logins),
}

/// What goes wrong with a blob or manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection breaks off after so many bytes.
    CutAfter(usize),
    /// After so many bytes nothing more comes.
    StallAfter(usize),
    /// The last byte is another one.
    Corrupt,
    /// An answer of that status with an error body.
    Status(u16),
}

impl FakeRegistry {
    /// Starts an empty registry over http.
    #[must_use]
    pub fn start(access: Access) -> Self {
        Self::over(access, None)
    }

    /// Starts an empty registry over https.
    #[must_use]
    pub fn start_tls(access: Access, tls: &Tls) -> Self {
        Self::over(access, Some(tls))
    }

    fn over(access: Access, tls: Option<&Tls>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (login, bearer) = match access {
            Access::Open => (None, None),
            Access::Basic(logins) => (Some(logins), None),
            Access::Bearer(logins) => (None, Some(Bearer::new(logins, scheme))),
        };
        let registry = Arc::new(Registry {
            basic: login,
            bearer,
            images: Mutex::default(),
            faults: Mutex::default(),
        });
        let handler = Arc::clone(&registry);
        let handler = move |request: &Seen| handler.handle(request);
        let server = match tls {
            None => Server::start(handler),
            Some(tls) => Server::start_tls(handler, tls),
        };
        Self { server, registry }
    }

    /// Puts an image under a repository and a tag.
    pub fn push(&self, repository: &str, tag: &str, image: &Image) {
        let key = (repository.to_owned(), tag.to_owned());
        lock(&self.registry.images).insert(key, image.clone());
    }

    /// From now on, that blob or manifest fails so; `None` mends it. No request may be under way:
    /// it would meet the old state or the new one.
    pub fn set_fault(&self, digest: &str, fault: Option<Fault>) {
        let mut faults = lock(&self.registry.faults);
        match fault {
            Some(fault) => faults.insert(digest.to_owned(), (fault, usize::MAX)),
            None => faults.remove(digest),
        };
    }

    /// The next `times` requests for that blob or manifest fail so, the ones after them do not.
    pub fn fail_next(&self, digest: &str, times: usize, fault: Fault) {
        lock(&self.registry.faults).insert(digest.to_owned(), (fault, times));
    }

    /// The server, for its records.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// From now on the bearer challenge has no quotes and a blank after each comma, as some of
    /// IBM's registries write it.
    pub fn write_bare_challenges(&self) {
        if let Some(bearer) = &self.registry.bearer {
            bearer.bare_challenge();
        }
    }

    /// How many bearer tokens were issued.
    #[must_use]
    pub fn tokens_issued(&self) -> usize {
        self.registry.bearer.as_ref().map_or(0, Bearer::issued)
    }

    /// The bearer tokens issued, for tests that search logs for them.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        let bearer = self.registry.bearer.as_ref();
        bearer.map(Bearer::tokens).unwrap_or_default()
    }
}

struct Registry {
    basic: Option<Logins>,
    bearer: Option<Bearer>,
    images: Mutex<BTreeMap<(String, String), Image>>,
    /// What goes wrong with a digest, and how many times more.
    faults: Mutex<BTreeMap<String, (Fault, usize)>>,
}

impl Handler for Registry {
    fn handle(&self, request: &Seen) -> Reply {
        if let Some(bearer) = &self.bearer
            && request.path == bearer::PATH
        {
            return bearer.token(request);
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            return error(405, "UNSUPPORTED", "this registry only serves");
        }
        let Some(path) = request.path.strip_prefix("/v2/") else {
            return Reply::text(404, "404 page not found");
        };
        let asked = path
            .rsplit_once("/manifests/")
            .map(|(name, what)| (name, What::Manifest(what)))
            .or_else(|| {
                let (name, digest) = path.rsplit_once("/blobs/")?;
                Some((name, What::Blob(digest)))
            });
        if let Err(challenge) = self.admit(request, asked.as_ref().map(|(name, _)| *name)) {
            return challenge;
        }
        match asked {
            None if path.is_empty() => Reply::json(200, &json!({})),
            None => Reply::text(404, "404 page not found"),
            Some((name, What::Manifest(reference))) => self.manifest(request, name, reference),
            Some((name, What::Blob(digest))) => self.blob(request, name, digest),
        }
    }
}

enum What<'a> {
    Manifest(&'a str),
    Blob(&'a str),
}

impl Registry {
    fn admit(&self, request: &Seen, repository: Option<&str>) -> Result<(), Reply> {
        match (&self.basic, &self.bearer) {
            (Some(logins), _) if logins.user_of(request).is_none() => {
                Err(error(401, "UNAUTHORIZED", "authentication required")
                    .header("www-authenticate", "Basic realm=\"fake\",service=\"fake\""))
            }
            (None, Some(bearer)) => bearer.admit(request, repository),
            (None, None) if request.header("authorization").is_some() => Err(error(
                400,
                "UNSUPPORTED",
                "a login was sent to a registry that asked for none",
            )),
            _ => Ok(()),
        }
    }

    fn manifest(&self, request: &Seen, name: &str, reference: &str) -> Reply {
        let images = lock(&self.images);
        let found = match reference.split_once(':') {
            None => images
                .get(&(name.to_owned(), reference.to_owned()))
                .map(Image::root),
            Some(_) => images
                .iter()
                .filter(|((repository, _), _)| repository == name)
                .find_map(|(_, image)| image.manifest(reference)),
        };
        let Some(content) = found else {
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown");
        };
        let accepted = request.headers.get_all("accept").iter().any(|line| {
            let line = line.to_str().unwrap_or_default();
            let types = line.split(',').map(|t| t.split(';').next().unwrap_or(t));
            types.into_iter().any(|t| t.trim() == content.media_type)
        });
        if !accepted {
            let message = "the Accept header does not take this type of manifest";
            return error(404, "MANIFEST_UNKNOWN", message);
        }
        self.faulty(content, |bytes| {
            Reply::typed(200, content.media_type, bytes)
                .header("docker-content-digest", &content.digest)
        })
    }

    fn blob(&self, request: &Seen, name: &str, digest: &str) -> Reply {
        let images = lock(&self.images);
        let found = images
            .iter()
            .filter(|((repository, _), _)| repository == name)
            .find_map(|(_, image)| image.blob(digest).or_else(|| image.manifest(digest)));
        let Some(content) = found else {
            return error(404, "BLOB_UNKNOWN", "blob unknown to registry");
        };
        let total = content.bytes.len();
        let range = match request.header("range").map(|r| parse_range(r, total)) {
            None => None,
            Some(Some(range)) => Some(range),
            Some(None) => {
                return error(416, "RANGE_INVALID", "invalid content range")
                    .header("content-range", format!("bytes */{total}"));
            }
        };
        self.faulty(content, |bytes| {
            let reply = match range {
                None => Reply::typed(200, "application/octet-stream", bytes),
                Some((first, last)) => {
                    let part = bytes.slice(first..=last);
                    Reply::typed(206, "application/octet-stream", part)
                        .header("content-range", format!("bytes {first}-{last}/{total}"))
                }
            };
            reply
                .header("docker-content-digest", &content.digest)
                .header("accept-ranges", "bytes")
        })
    }

    /// The fault that this request meets; one with a count has one less to come.
    fn next_fault(&self, digest: &str) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let (fault, left) = faults.get_mut(digest)?;
        *left = left.checked_sub(1)?;
        Some(*fault)
    }

    fn faulty(&self, content: &Content, reply: impl Fn(bytes::Bytes) -> Reply) -> Reply {
        match self.next_fault(&content.digest) {
            None => reply(content.bytes.clone()),
            Some(Fault::CutAfter(sent)) => reply(content.bytes.clone()).cut(sent),
            Some(Fault::StallAfter(sent)) => reply(content.bytes.clone()).stall(sent),
            Some(Fault::Status(status)) => error(status, "UNKNOWN", "this one fails on purpose"),
            Some(Fault::Corrupt) => {
                let mut bytes = content.bytes.to_vec();
                if let Some(last) = bytes.last_mut() {
                    *last ^= 1;
                }
                reply(bytes.into())
            }
        }
    }
}

/// One range of the form `bytes=FIRST-[LAST]` that begins inside the blob, as first and last byte.
fn parse_range(header: &str, total: usize) -> Option<(usize, usize)> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let first: usize = first.parse().ok()?;
    let last = match last {
        "" => total.checked_sub(1)?,
        text => text.parse::<usize>().ok()?.min(total.checked_sub(1)?),
    };
    (first <= last).then_some((first, last))
}

/// An error body in the distribution specification's form.
fn error(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({"errors": [{"code": code, "message": message}]}),
    )
}
