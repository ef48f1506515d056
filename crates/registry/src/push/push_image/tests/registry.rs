//! A registry that is written to, in memory, which refuses what the specification does not allow, and
//! has the quirks of real ones on demand.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use regcred_core::{Credentials, ImageRef};
use serde_json::Value;

use crate::fake::{Fake, Reply, Seen, client};
use crate::{Digest, Hosts, Repository, media_type};

/// How a registry differs from a plain one.
#[derive(Clone, Default)]
pub(super) struct Quirks {
    /// Mounts blobs of other repositories.
    pub(super) mounts: bool,
    /// Answers a request for a mount that it does not do with this status, and opens no session.
    pub(super) refuses_mounts: Option<u16>,
    /// Where the sessions are.
    pub(super) place: Place,
    /// Refuses tags that have another manifest, as a registry with immutable tags does; some refuse
    /// those that have the same as well.
    pub(super) immutable: Option<Refusal>,
    /// Refuses a session.
    pub(super) refuses_sessions: Option<Refusal>,
    /// Refuses the end of a session.
    pub(super) refuses_blobs: Option<Refusal>,
    /// The next request with more bytes arrives to this length, and the connection closes.
    pub(super) cut: Option<usize>,
    /// Every request is cut, and at every second cut the registry loses the bytes of the session.
    pub(super) loses_bytes: bool,
    /// Forgets the session that was cut.
    pub(super) forgets: bool,
    /// Of several pieces only the last is kept.
    pub(super) keeps_last_piece: bool,
    /// A request with more bytes is refused by a proxy.
    pub(super) limit: Option<usize>,
    /// The response to the end of the next session is lost.
    pub(super) loses_end: bool,
    /// `Authorization` of every request.
    pub(super) login: Option<&'static str>,
}

/// Status, code and message of a refusal.
pub(super) type Refusal = (u16, &'static str, &'static str);

/// Where a registry has its sessions.
#[derive(Clone, Default)]
pub(super) enum Place {
    /// `/v2/…`
    #[default]
    Relative,
    /// `http://this-host/v2/…`
    Absolute,
    /// At this address.
    At(String),
}

#[derive(Default)]
struct State {
    quirks: Quirks,
    /// Repository and digest.
    present: BTreeSet<(String, String)>,
    blobs: BTreeMap<String, Vec<u8>>,
    /// By repository and reference: media type and bytes.
    manifests: BTreeMap<(String, String), (String, Vec<u8>)>,
    sessions: BTreeMap<String, Vec<u8>>,
    opened: usize,
}

/// A running registry.
pub(super) struct Registry {
    pub(super) server: Fake,
    state: Arc<Mutex<State>>,
}

impl Registry {
    pub(super) async fn start(quirks: Quirks) -> Self {
        let state = Arc::new(Mutex::new(State {
            quirks,
            ..State::default()
        }));
        let shared = state.clone();
        let server = Fake::start(move |seen| lock(&shared).answer(seen)).await;
        Self { server, state }
    }

    pub(super) fn image(&self, path: &str) -> ImageRef {
        let name = format!("{}/{path}", self.server.host());
        ImageRef::parse(&name).expect("image")
    }

    pub(super) fn repository(&self, path: &str, login: Option<(&str, &str)>) -> Repository {
        let login = login.map(|(user, password)| Credentials::new(user, password));
        client(Hosts::none()).repository(&self.image(path), login.as_ref())
    }

    pub(super) fn set(&self, quirks: Quirks) {
        lock(&self.state).quirks = quirks;
    }

    /// The bytes of a blob, if the repository has it.
    pub(super) fn blob(&self, path: &str, digest: &Digest) -> Option<Vec<u8>> {
        let state = lock(&self.state);
        let key = (path.to_owned(), digest.to_string());
        let is_present = state.present.contains(&key);
        is_present.then(|| state.blobs[digest.as_str()].clone())
    }

    /// The bytes of a manifest, if the repository has it.
    pub(super) fn manifest(&self, path: &str, reference: &str) -> Option<Vec<u8>> {
        let key = (path.to_owned(), reference.to_owned());
        let state = lock(&self.state);
        state.manifests.get(&key).map(|(_, bytes)| bytes.clone())
    }

    /// Sessions that are still open.
    pub(super) fn open_sessions(&self) -> usize {
        lock(&self.state).sessions.len()
    }

    /// Method and path of each request that changes something, from the request of this number on.
    pub(super) fn writes(&self, from: usize) -> Vec<String> {
        let seen = self.server.seen();
        let writes = seen[from..]
            .iter()
            .filter(|seen| !matches!(seen.method.as_str(), "GET" | "HEAD"));
        writes
            .map(|seen| {
                let path = seen.path.trim_start_matches("/v2/");
                let path = path.split("/uploads/").next().unwrap_or(path);
                format!("{} {path}", seen.method)
            })
            .collect()
    }
}

impl State {
    fn answer(&mut self, seen: &Seen) -> Reply {
        if seen.authorization() != self.quirks.login {
            return match self.quirks.login {
                Some(_) => Reply::new(401).header("www-authenticate", "Basic realm=x"),
                None => Reply::new(400),
            };
        }
        let path = seen.path.trim_start_matches("/v2/");
        if let Some((repository, session)) = path.split_once("/blobs/uploads/") {
            return self.upload(seen, repository, session);
        }
        if let Some((repository, digest)) = path.split_once("/blobs/") {
            let key = (repository.to_owned(), digest.to_owned());
            return match seen.method.as_str() {
                "GET" | "HEAD" if self.present.contains(&key) => {
                    Reply::ok(self.blobs[digest].clone())
                }
                "GET" | "HEAD" => refuse(404, "BLOB_UNKNOWN"),
                _ => Reply::new(405),
            };
        }
        match path.split_once("/manifests/") {
            Some((repository, reference)) => self.document(seen, repository, reference),
            None => Reply::new(404),
        }
    }

    fn upload(&mut self, seen: &Seen, repository: &str, session: &str) -> Reply {
        if seen.method == "POST" && session.is_empty() {
            return self.open(seen, repository);
        }
        let Some(mut bytes) = self.sessions.remove(session) else {
            return refuse(404, "BLOB_UPLOAD_UNKNOWN");
        };
        let keep = |state: &mut Self, bytes: Vec<u8>| {
            state.sessions.insert(session.to_owned(), bytes);
        };
        if !seen.body.is_empty() {
            if seen.header("content-type") != Some("application/octet-stream") {
                return refuse(400, "BLOB_UPLOAD_INVALID");
            }
            if self
                .quirks
                .limit
                .is_some_and(|limit| seen.body.len() > limit)
            {
                keep(self, bytes);
                return Reply::new(413);
            }
            let cut = self.quirks.cut.filter(|cut| *cut < seen.body.len());
            if let Some(cut) = cut {
                if !self.quirks.loses_bytes {
                    self.quirks.cut = None;
                }
                if self.quirks.loses_bytes && !bytes.is_empty() {
                    bytes.clear();
                } else {
                    bytes.extend(&seen.body[..cut]);
                }
                if !self.quirks.forgets {
                    keep(self, bytes);
                }
                return Reply::hang_up();
            }
        }
        let location = self.location(seen, repository, session);
        let state = |status, length: usize| {
            Reply::new(status)
                .header("location", &location)
                .header("range", format!("0-{}", length.saturating_sub(1)))
        };
        match seen.method.as_str() {
            "PATCH" => {
                let last = bytes.len() + seen.body.len() - 1;
                let range = format!("{}-{last}", bytes.len());
                if seen.header("content-range") != Some(&range) {
                    keep(self, bytes);
                    return refuse(416, "BLOB_UPLOAD_INVALID");
                }
                if self.quirks.keeps_last_piece {
                    // It counts them all.
                    bytes.fill(0);
                }
                bytes.extend(&seen.body);
                let length = bytes.len();
                keep(self, bytes);
                state(202, length)
            }
            "GET" => {
                let length = bytes.len();
                keep(self, bytes);
                state(204, length)
            }
            "PUT" => {
                if let Some(refusal) = self.quirks.refuses_blobs {
                    return refused(refusal);
                }
                bytes.extend(&seen.body);
                let digest = seen.params("digest").concat();
                let is_right = digest
                    .parse()
                    .is_ok_and(|digest: Digest| digest.matches(&bytes));
                if !is_right || seen.params("state") != ["x"] {
                    return refuse(400, "DIGEST_INVALID");
                }
                self.blobs.insert(digest.clone(), bytes);
                self.present.insert((repository.to_owned(), digest.clone()));
                if std::mem::take(&mut self.quirks.loses_end) {
                    return Reply::hang_up();
                }
                Reply::new(201).header("docker-content-digest", digest)
            }
            "DELETE" => Reply::new(204),
            _ => Reply::new(405),
        }
    }

    fn open(&mut self, seen: &Seen, repository: &str) -> Reply {
        if let ([digest], [from]) = (&seen.params("mount")[..], &seen.params("from")[..]) {
            let key = (from.to_string(), digest.to_string());
            if self.quirks.mounts && self.present.contains(&key) {
                // As distribution 2.8.
                if digest.starts_with("sha256:") {
                    self.present.insert((repository.to_owned(), key.1));
                }
                return Reply::new(201);
            }
            if let Some(status) = self.quirks.refuses_mounts {
                return Reply::new(status);
            }
        }
        if let Some(refusal) = self.quirks.refuses_sessions {
            return refused(refusal);
        }
        self.opened += 1;
        let session = self.opened.to_string();
        let location = self.location(seen, repository, &session);
        self.sessions.insert(session, Vec::new());
        Reply::new(202).header("location", location)
    }

    fn location(&self, seen: &Seen, repository: &str, session: &str) -> String {
        let path = format!("/v2/{repository}/blobs/uploads/{session}?state=x");
        match &self.quirks.place {
            Place::Relative => path,
            Place::Absolute => format!("http://{}{path}", seen.header("host").unwrap_or_default()),
            Place::At(server) => format!("{server}{path}"),
        }
    }

    fn document(&mut self, seen: &Seen, repository: &str, reference: &str) -> Reply {
        let key = (repository.to_owned(), reference.to_owned());
        match seen.method.as_str() {
            "GET" | "HEAD" => match self.manifests.get(&key) {
                Some((kind, bytes)) => Reply::typed(200, kind, bytes.clone()),
                None => refuse(404, "MANIFEST_UNKNOWN"),
            },
            "PUT" => {
                let (bytes, digest) = (seen.body.to_vec(), Digest::of(&seen.body).to_string());
                let Ok(document) = serde_json::from_slice::<Value>(&bytes) else {
                    return refuse(400, "MANIFEST_INVALID");
                };
                let kind = seen.header("content-type").unwrap_or_default();
                if document["mediaType"] != kind {
                    return refuse(400, "MANIFEST_INVALID");
                }
                if reference.contains(':') && reference != digest {
                    return refuse(400, "DIGEST_INVALID");
                }
                let is_known = |entry: &Value| {
                    let digest = entry["digest"].as_str().unwrap_or_default();
                    let key = (repository.to_owned(), digest.to_owned());
                    if media_type::is_index(kind) {
                        self.manifests.contains_key(&key)
                    } else {
                        entry["urls"].is_array() || self.present.contains(&key)
                    }
                };
                let lists = [&document["layers"], &document["manifests"]];
                let named = lists.into_iter().filter_map(Value::as_array).flatten();
                let config = Some(&document["config"]).filter(|config| config.is_object());
                if !named.chain(config).all(is_known) {
                    return refuse(400, "MANIFEST_BLOB_UNKNOWN");
                }
                if let Some(refusal) = self.quirks.immutable
                    && self.manifests.contains_key(&key)
                    && reference != digest
                {
                    return refused(refusal);
                }
                for reference in [reference, &digest] {
                    let key = (repository.to_owned(), reference.to_owned());
                    self.manifests.insert(key, (kind.to_owned(), bytes.clone()));
                }
                Reply::new(201).header("docker-content-digest", digest)
            }
            _ => Reply::new(405),
        }
    }
}

fn refuse(status: u16, code: &str) -> Reply {
    refused((status, code, ""))
}

fn refused((status, code, message): (u16, &str, &str)) -> Reply {
    let error = serde_json::json!({"code": code, "message": message});
    Reply::json(status, &serde_json::json!({"errors": [error]}))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
