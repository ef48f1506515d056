use std::sync::{Arc, Mutex, PoisonError};

use regcred_core::{Credentials, report};

use super::*;
use crate::Hosts;
use crate::fake::{Fake, Reply, Seen, bind, client, image};

const BLOB: &[u8] = b"hello, blob";
const BASIC: &str = "Basic YWxpY2U6czNjcmV0";

fn repository(server: &Fake) -> Repository {
    repository_by(server, Hosts::none())
}

fn repository_by(server: &Fake, hosts: Hosts) -> Repository {
    let login = Credentials::new("alice", "s3cret");
    client(hosts).repository(&image(server), Some(&login))
}

fn challenge() -> Reply {
    Reply::new(401).header("www-authenticate", "Basic realm=x")
}

/// A registry with one upload session, which may cut the first chunk after three bytes.
#[derive(Default)]
struct Session {
    stored: Vec<u8>,
    cut_once: bool,
}

impl Session {
    fn answer(&mut self, seen: &Seen, location: &str) -> Reply {
        let range = format!("0-{}", self.stored.len().saturating_sub(1));
        match seen.method.as_str() {
            "POST" => Reply::new(202)
                .header("location", location)
                .header("oci-chunk-min-length", "5"),
            "PATCH" => {
                let range = seen.header("content-range").unwrap_or_default();
                if !range.starts_with(&format!("{}-", self.stored.len())) {
                    return Reply::new(416);
                }
                if std::mem::take(&mut self.cut_once) {
                    self.stored.extend(&seen.body[..3]);
                    return Reply::new(503);
                }
                self.stored.extend(&seen.body);
                let range = format!("0-{}", self.stored.len() - 1);
                Reply::new(202)
                    .header("location", location)
                    .header("range", range)
            }
            "GET" => Reply::new(204).header("range", range),
            "PUT" => {
                self.stored.extend(&seen.body);
                let digest = Digest::of(&self.stored);
                if seen.params("digest") == [digest.as_str()] && seen.params("state") == ["a"] {
                    Reply::new(201).header("docker-content-digest", digest.as_str())
                } else {
                    Reply::new(400).body(r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#)
                }
            }
            "DELETE" => Reply::new(204),
            _ => Reply::new(404),
        }
    }
}

async fn registry(cut_once: bool) -> (Fake, Arc<Mutex<Session>>) {
    let session = Arc::new(Mutex::new(Session {
        cut_once,
        ..Session::default()
    }));
    let shared = session.clone();
    let server = Fake::start(move |seen| {
        let mut session = shared.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.authorization() {
            Some(BASIC) => session.answer(seen, "/v2/team/app/blobs/uploads/1?state=a"),
            _ => challenge(),
        }
    })
    .await;
    (server, session)
}

fn stored(session: &Mutex<Session>) -> Vec<u8> {
    let session = session.lock().unwrap_or_else(PoisonError::into_inner);
    session.stored.clone()
}

#[tokio::test]
async fn a_blob_in_one_piece_is_two_requests() {
    let (server, session) = registry(false).await;
    let digest = Digest::of(BLOB);
    let repository = repository(&server);
    assert!(!repository.has_blob(&digest).await.expect("asked"));
    repository.put_blob(&digest, BLOB).await.expect("put");
    assert_eq!(stored(&session), BLOB);
    let seen = server.seen();
    let methods: Vec<_> = seen.iter().map(|s| s.method.as_str()).collect();
    assert_eq!(methods, ["HEAD", "HEAD", "POST", "PUT"]);
    assert_eq!(seen[2].path, "/v2/team/app/blobs/uploads/");
    assert_eq!(seen[2].header("content-length"), Some("0"));
    let octets = Some("application/octet-stream");
    assert_eq!(seen[3].header("content-type"), octets);
    let wrong = Digest::of(b"other");
    let error = repository.put_blob(&wrong, BLOB).await;
    let text = error.expect_err("other bytes").to_string();
    let start = format!("cannot push blob {wrong} of ");
    assert!(text.starts_with(&start), "{text}");
    assert!(text.ends_with(": digest invalid"), "{text}");
}

#[tokio::test]
async fn a_large_blob_is_streamed_and_opened_again_after_a_401() {
    let listener = bind().await;
    let server = Fake::on(listener, None, move |seen| {
        match (seen.method.as_str(), seen.authorization()) {
            ("POST", _) => Reply::new(202).header("location", "/session"),
            ("PUT", Some(BASIC)) => Reply::new(201),
            _ => challenge(),
        }
    });
    let body = Body::stream(BLOB.len() as u64, || {
        let (sender, receiver) = tokio::sync::mpsc::channel(BLOB.len());
        for piece in BLOB.chunks(4) {
            sender.try_send(Ok(piece.into())).expect("room");
        }
        receiver
    });
    let (repository, digest) = (repository(&server), Digest::of(BLOB));
    repository.put_blob(&digest, body).await.expect("put");
    let seen = server.seen_at("/session");
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|s| s.body == BLOB));
}

#[tokio::test]
async fn a_broken_upload_continues_where_the_registry_is() {
    let (server, session) = registry(true).await;
    let digest = Digest::of(BLOB);
    let upload = repository(&server).start_upload(&digest).await;
    let mut upload = upload.expect("session");
    assert_eq!((upload.offset(), upload.smallest_chunk()), (0, 5));
    upload.append(&BLOB[..8]).await.expect_err("cut");
    upload.append(&BLOB[..8]).await.expect_err("416");
    upload.resume().await.expect("still open");
    assert_eq!(upload.offset(), 3);
    upload.append(&BLOB[3..8]).await.expect("the rest");
    assert_eq!(upload.offset(), 8);
    let rest = Bytes::from_static(&BLOB[8..]);
    upload.finish(&digest, rest).await.expect("closed");
    assert_eq!(stored(&session), BLOB);
    let seen = server.seen();
    let ranges = seen.iter().filter_map(|s| s.header("content-range"));
    let expected = ["0-7", "0-7", "3-7"];
    assert_eq!(Vec::from_iter(ranges), expected, "no chunk is repeated");
}

#[tokio::test]
async fn a_refused_mount_is_an_upload_that_may_be_cancelled() {
    let (server, session) = registry(false).await;
    let digest = Digest::of(BLOB);
    for cancelled in [true, false] {
        let mount = repository(&server).mount(&digest, "other/app").await;
        let Ok(Mount::Refused(upload)) = mount else {
            panic!("this registry mounts nothing: {mount:?}");
        };
        if cancelled {
            upload.cancel().await.expect("cancelled");
        } else {
            upload.finish(&digest, BLOB).await.expect("uploaded");
        }
    }
    assert_eq!(stored(&session), BLOB);
    let first = &server.seen()[0];
    assert_eq!(first.params("mount"), [digest.as_str()]);
    assert_eq!(first.params("from"), ["other/app"]);

    let mounting = Fake::start(|_| Reply::new(201)).await;
    let repository = repository(&mounting);
    let mounted = repository.mount(&digest, "other/app").await;
    assert!(matches!(mounted, Ok(Mount::Mounted)));
    for source in ["", "a&mount=x", "a?b", "a#b"] {
        let error = repository.mount(&digest, source).await.expect_err(source);
        assert!(error.to_string().contains("not a path"), "{error}");
    }
    assert_eq!(mounting.seen().len(), 1);
}

/// A registry with a token server on the same port, whose tokens are the scopes they are for. It
/// lets a read in with the scope of a pull, and a write with all of `wanted`.
async fn with_tokens(wanted: &'static [&'static str], scope: &'static str) -> Fake {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().expect("address"));
    Fake::on(listener, None, move |seen| {
        if seen.path == "/token" {
            let scopes = seen.params("scope").join(" ");
            return Reply::ok(format!(r#"{{"token":"{scopes}"}}"#));
        }
        let granted = seen.authorization().unwrap_or_default();
        let (wanted, reply) = if seen.method == "GET" {
            let reply = Reply::ok(r#"{"manifests":[]}"#);
            (&["repository:team/app:pull"][..], reply)
        } else {
            (wanted, Reply::new(201))
        };
        if wanted.iter().all(|scope| granted.contains(scope)) {
            return reply;
        }
        let challenge = format!(r#"Bearer realm="{url}/token"{scope}"#);
        Reply::new(401).header("www-authenticate", challenge)
    })
}

#[tokio::test]
async fn a_write_asks_for_the_scopes_it_needs() {
    let wanted = &["repository:other/app:pull", "repository:team/app:pull,push"];
    // A challenge with the scope of a pull, and one without any.
    for scope in [r#",scope="repository:team/app:pull""#, ""] {
        let server = with_tokens(wanted, scope).await;
        let repository = repository(&server);
        repository.manifest("v1").await.expect("pulled");
        let mounted = repository.mount(&Digest::of(BLOB), "other/app").await;
        assert!(matches!(mounted, Ok(Mount::Mounted)));
        let tokens = server.seen_at("/token");
        let scopes: Vec<_> = tokens.iter().map(|s| s.params("scope")).collect();
        assert_eq!(scopes[0], ["repository:team/app:pull"]);
        assert_eq!(scopes[1], wanted);
        let all = server.seen();
        let posts = all.iter().filter(|s| s.method == "POST").count();
        assert_eq!((tokens.len(), posts), (2, 1), "before the request is sent");
        // Without a pull before, by the challenge.
        let server = with_tokens(wanted, scope).await;
        let repository = self::repository(&server);
        let mounted = repository.mount(&Digest::of(BLOB), "other/app").await;
        assert!(matches!(mounted, Ok(Mount::Mounted)));
        assert_eq!(server.seen_at("/token")[0].params("scope"), wanted);
    }
}

#[tokio::test]
async fn a_refused_right_to_the_source_of_a_mount_leaves_the_right_to_push() {
    let listener = bind().await;
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let server = Fake::on(listener, None, move |seen| {
        let scopes = seen.params("scope").join(" ");
        match seen.path.as_str() {
            "/token" if scopes.contains("other/app") => Reply::new(403),
            "/token" => Reply::ok(format!(r#"{{"token":"{scopes}"}}"#)),
            _ if seen.authorization() == Some("Bearer repository:team/app:pull,push") => {
                Reply::new(202).header("location", "/session")
            }
            _ => {
                let challenge = format!(r#"Bearer realm="{url}/token""#);
                Reply::new(401).header("www-authenticate", challenge)
            }
        }
    });
    let (repository, digest) = (repository(&server), Digest::of(BLOB));
    repository.has_blob(&digest).await.expect("asked");
    let error = repository.mount(&digest, "other/app").await;
    let error = error.expect_err("no right to the source");
    assert_eq!(error.status(), Some(StatusCode::FORBIDDEN));
    repository.start_upload(&digest).await.expect("opened");
}

#[tokio::test]
async fn a_session_elsewhere_gets_no_secret() {
    let storage = Fake::start(|_| Reply::new(201)).await;
    for status in [307, 308] {
        let elsewhere = storage.url("/session?signature=1");
        let server = Fake::start(move |seen| match seen.authorization() {
            Some(BASIC) if seen.method == "POST" => Reply::new(202).header("location", "/session"),
            Some(BASIC) => Reply::new(status).header("location", &elsewhere),
            _ => challenge(),
        })
        .await;
        let (repository, digest) = (repository(&server), Digest::of(BLOB));
        let put = repository.put_blob(&digest, BLOB).await;
        put.expect("stored elsewhere");
    }
    let seen = storage.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|s| s.authorization().is_none()));
    assert!(seen.iter().all(|s| s.body == BLOB));
    // The other redirects turn a write into a read.
    for status in [301, 302, 303] {
        let elsewhere = storage.url("/other");
        let moved = move |_: &Seen| Reply::new(status).header("location", &elsewhere);
        let server = Fake::start(moved).await;
        let opened = repository(&server).start_upload(&Digest::of(BLOB)).await;
        let error = opened.expect_err("not followed");
        assert_eq!(error.status().map(|s| s.as_u16()), Some(status));
    }
    assert_eq!(storage.seen().len(), 2);
}

#[tokio::test]
async fn a_session_stays_on_servers_that_may_be_asked() {
    for place in [
        "http://registry.test/upload",
        "https://u:canary@registry.test/upload",
        "http://127.0.0.1:1/upload",
        "ftp://registry.test/upload",
        "http://",
    ] {
        let server = Fake::start(move |_| Reply::new(202).header("location", place)).await;
        let opened = repository(&server).start_upload(&Digest::of(BLOB)).await;
        let text = report(&opened.expect_err(place));
        assert!(text.contains("refusing the address"), "{place}: {text}");
        assert!(!text.contains("canary"), "{text}");
    }
    let silent = Fake::start(|_| Reply::new(202)).await;
    let opened = repository(&silent).start_upload(&Digest::of(BLOB)).await;
    let text = opened.expect_err("no address").to_string();
    assert!(text.contains("no Location"), "{text}");
}

#[tokio::test]
async fn a_mirror_is_never_written_to() {
    let mirror = Fake::start(|_| Reply::new(201)).await;
    let (server, session) = registry(false).await;
    let root = tempfile::tempdir().expect("directory");
    let directory = root.path().join(server.host());
    std::fs::create_dir_all(&directory).expect("directory");
    let (own, other) = (server.url(""), mirror.url(""));
    let text = format!("server = \"{own}\"\n[host.\"{other}\"]\n");
    std::fs::write(directory.join("hosts.toml"), text).expect("file");
    let hosts = Hosts::new([root.path().to_owned()]);
    let repository = repository_by(&server, hosts);
    let digest = Digest::of(BLOB);
    assert!(!repository.has_blob(&digest).await.expect("asked"));
    repository.put_blob(&digest, BLOB).await.expect("put");
    assert_eq!(stored(&session), BLOB);
    assert!(mirror.seen().is_empty());
}
