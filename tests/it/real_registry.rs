//! The real registry: skopeo pushes and reads with each kind of login, and our client writes.

use std::time::Duration;

use regcred_core::{Credentials, Env, ImageRef};
use regcred_registry::{
    Descriptor, Digest, Division, Hosts, ImageSource, Layout, Mount, NoProgress, PullOptions, Push,
    RawManifest, RegistryClient, media_type, pull,
};
use regcred_tests::registry::Access;
use regcred_tests::server::{Seen, forward};
use regcred_tests::{Image, Registry, Server, Skopeo, TokenServer};
use tempfile::TempDir;

/// Each kind of login that a registry may require.
fn each_access(tokens: &TokenServer) -> [Access<'_>; 3] {
    [
        Access::Open,
        Access::Htpasswd("alice", "s3cret"),
        Access::Token(tokens),
    ]
}

/// The image in an OCI layout, and the layout's directory.
fn stored(image: &Image) -> (TempDir, ImageSource) {
    let directory = tempfile::tempdir().expect("a directory");
    image.write_layout(directory.path(), "h.io/app:v1");
    let layout = Layout::open(directory.path()).expect("a layout");
    let name = ImageRef::parse("h.io/app:v1").expect("a name");
    let source = ImageSource::layout(&name, &layout.expect("a layout"));
    (directory, source)
}

#[test]
fn skopeo_pushes_and_reads_with_each_kind_of_login() {
    let Some(skopeo) = Skopeo::find() else { return };
    let tokens = TokenServer::start();
    tokens.add("alice", "s3cret");
    tokens.allow("alice", "team/app", &["pull", "push"]);
    let image = Image::multi_arch(2, 50_000, 500);
    for access in each_access(&tokens) {
        let Some(registry) = Registry::start(&access) else {
            return;
        };
        let login = (!matches!(access, Access::Open)).then_some(("alice", "s3cret"));
        let Some(()) = registry.push(&image, "team/app:v1", login) else {
            return;
        };
        let source = format!("docker://{}/team/app:v1", registry.authority());
        let creds = match login {
            Some(_) => "--creds=alice:s3cret",
            None => "--no-creds",
        };
        let raw = skopeo.run(&["inspect", "--raw", "--tls-verify=false", creds, &source]);
        assert_eq!(raw.success().as_bytes(), image.root().bytes);
        if login.is_some() {
            let wrong = [
                "inspect",
                "--raw",
                "--tls-verify=false",
                "--creds=alice:no",
                &source,
            ];
            assert_eq!(skopeo.run(&wrong).code(), Some(1));
        }
    }
    assert!(tokens.server().count("/token") > 0);
}

#[tokio::test]
async fn our_client_writes_with_each_kind_of_login() {
    let tokens = TokenServer::start();
    tokens.add("alice", "s3cret");
    for repository in ["team/app", "team/base"] {
        // This registry wants the right to delete for an upload that is cancelled.
        tokens.allow("alice", repository, &["pull", "push", "delete"]);
    }
    for access in each_access(&tokens) {
        let Some(registry) = Registry::start(&access) else {
            return;
        };
        let login = Credentials::new("alice", "s3cret");
        let login = (!matches!(access, Access::Open)).then_some(&login);
        let client = RegistryClient::new(&Env::default(), Hosts::none()).expect("a client");
        let repository = |path: &str| {
            let image = format!("{}/{path}:v1", registry.authority());
            client.repository(&ImageRef::parse(&image).expect("a name"), login)
        };
        let (app, base) = (repository("team/app"), repository("team/base"));

        let config = Descriptor::of(media_type::OCI_EMPTY, b"{}");
        base.put_blob(&config.digest, "{}").await.expect("put");
        assert!(!app.has_blob(&config.digest).await.expect("asked"));
        let mounted = app.mount(&config.digest, "team/base").await;
        assert!(matches!(mounted, Ok(Mount::Mounted)), "{mounted:?}");
        assert!(app.has_blob(&config.digest).await.expect("asked"));

        let bytes = vec![7; 100_000];
        let layer = Descriptor::of("application/x-layer", &bytes);
        let mut upload = app.start_upload(&layer.digest).await.expect("a session");
        for range in [0..60_000, 60_000..90_000] {
            let chunk = bytes[range].to_vec();
            upload.append(chunk).await.expect("a chunk");
        }
        upload.append(vec![7_u8]).await.expect("one byte");
        upload.resume().await.expect("the state");
        assert_eq!(upload.offset(), 90_001);
        let rest = bytes[90_001..].to_vec();
        upload.finish(&layer.digest, rest).await.expect("finished");
        let unwanted = app.start_upload(&layer.digest).await.expect("a session");
        unwanted.cancel().await.expect("cancelled");

        let document = serde_json::json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "artifactType": "application/x-test", "config": config, "layers": [layer],
        });
        let manifest = RawManifest::write(media_type::OCI_MANIFEST, &document);
        let manifest = manifest.expect("a manifest");
        for reference in [manifest.digest.as_str(), "v1"] {
            let put = app.put_manifest(reference, &manifest).await;
            put.expect("put");
        }
        assert_eq!(app.manifest("v1").await.expect("pulled"), manifest);

        let wrong = Digest::of(b"other");
        let error = app.put_blob(&wrong, "{}").await.expect_err("other bytes");
        assert_eq!(Vec::from_iter(error.codes()), ["DIGEST_INVALID"]);
        let error = base.put_manifest("v1", &manifest).await;
        let error = error.expect_err("the layer is not in this repository");
        assert_eq!(Vec::from_iter(error.codes()), ["MANIFEST_BLOB_UNKNOWN"]);
    }
}

#[tokio::test]
async fn an_image_is_pushed_mounted_and_copied_as_skopeo_reads_it() {
    let Some(skopeo) = Skopeo::find() else { return };
    let tokens = TokenServer::start();
    tokens.add("alice", "s3cret");
    for repository in ["team/app", "team/base"] {
        tokens.allow("alice", repository, &["pull", "push", "delete"]);
    }
    let image = Image::multi_arch(21, 6_000_000, 2_000);
    let (_layout, stored) = stored(&image);
    let Some(open) = Registry::start(&Access::Open) else {
        return;
    };
    for access in each_access(&tokens) {
        let Some(registry) = Registry::start(&access) else {
            return;
        };
        let login = Credentials::new("alice", "s3cret");
        let login = (!matches!(access, Access::Open)).then_some(login);
        let client = RegistryClient::new(&Env::default(), Hosts::none()).expect("a client");
        let name =
            |host: &str, path: &str| ImageRef::parse(&format!("{host}/{path}:v1")).expect("a name");
        let here = registry.authority();
        let (base, app) = (name(here, "team/base"), name(here, "team/app"));
        let there = name(open.authority(), "copies/app");
        let [at_base, at_app] = [&base, &app].map(|image| client.repository(image, login.as_ref()));
        let at_copy = client.repository(&there, None);
        let expected = image.root();
        for (source, target, to) in [
            (stored.clone(), &at_base, &base),
            (ImageSource::repository(&base, &at_base), &at_app, &app),
            (ImageSource::repository(&app, &at_app), &at_copy, &there),
        ] {
            let top = source.manifest().await.expect("an index");
            assert_eq!(top.bytes, expected.bytes);
            let push = Push::new(target, &NoProgress);
            let pushed = push.image(&source, &top, &["v1", "latest"]).await;
            let pushed = pushed.expect("pushed");
            if to.path() == "team/app" {
                assert_eq!(pushed.mounted_blobs, pushed.blobs, "{pushed:?}");
            }
            let again = push.image(&source, &top, &["v1"]).await.expect("pushed");
            assert_eq!((again.uploaded_blobs, again.mounted_blobs), (0, 0));
            let from = format!("docker://{}/{}:latest", to.domain(), to.path());
            let creds = match (&login, to.path()) {
                (Some(_), "team/app" | "team/base") => "--src-creds=alice:s3cret",
                _ => "--src-no-creds",
            };
            let copy = tempfile::tempdir().expect("a directory");
            let oci = format!("oci:{}:copy", copy.path().display());
            let all = [
                "copy",
                "--all",
                "--src-tls-verify=false",
                creds,
                &from,
                &oci,
            ];
            let _ = skopeo.run(&all).success();
            assert_eq!(skopeo.raw(copy.path(), "copy"), expected.bytes);
        }
    }
}

/// Distribution 2.8 differs from the specification.
#[tokio::test]
async fn a_push_works_where_docker_registry_differs_from_the_specification() {
    let Some(registry) = Registry::start(&Access::Open) else {
        return;
    };
    let image = Image::multi_arch(23, 6_000_000, 2_000);
    let (_layout, source) = stored(&image);
    let client = RegistryClient::new(&Env::default(), Hosts::none()).expect("a client");
    let name = format!("{}/team/app:v1", registry.authority());
    let target = client.repository(&ImageRef::parse(&name).expect("a name"), None);
    let top = source.manifest().await.expect("an index");

    // It takes an index only after the images.
    let early = target
        .put_manifest("v1", &top)
        .await
        .expect_err("no children");
    assert_eq!(early.codes().next(), Some("MANIFEST_BLOB_UNKNOWN"));
    // It takes a piece twice and counts both; the digest shows at the end that this is not the blob.
    let bytes: Vec<u8> = (0..50_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let digest = Digest::of(&bytes);
    let mut upload = target.start_upload(&digest).await.expect("a session");
    upload
        .append(bytes[..20_000].to_vec())
        .await
        .expect("a piece");
    upload
        .append(bytes[..20_000].to_vec())
        .await
        .expect("it again");
    assert_eq!(upload.offset(), 40_000);
    let wrong = upload.finish(&digest, bytes[40_000..].to_vec()).await;
    wrong.expect_err("more bytes than the blob has");
    assert!(!target.has_blob(&digest).await.expect("asked"));
    // `Range: 0-0` is the answer for no byte as well as for one.
    let mut upload = target.start_upload(&digest).await.expect("a session");
    upload.resume().await.expect("the state");
    assert_eq!(upload.offset(), 0);

    let push = Push::new(&target, &NoProgress);
    let pushed = push.image(&source, &top, &["v1"]).await.expect("pushed");
    assert_eq!(pushed.digest, top.digest);
    // Another type than the manifest's own is refused, with all there.
    let mut other = top.clone();
    other.media_type = media_type::DOCKER_LIST.to_owned();
    let error = target
        .put_manifest("v2", &other)
        .await
        .expect_err("another type");
    assert_eq!(Vec::from_iter(error.codes()), ["MANIFEST_INVALID"]);
}

#[tokio::test]
async fn it_sends_a_large_layer_in_parts() {
    let Some(registry) = Registry::start(&Access::Open) else {
        return;
    };
    let image = Image::single(24, 1, 12_000_000);
    let Some(()) = registry.push(&image, "team/app:v1", None) else {
        return;
    };
    let authority = registry.authority().to_owned();
    let relay = Server::start(move |request: &Seen| forward(&authority, request));
    let name = format!("{}/team/app:v1", relay.authority());
    let name = ImageRef::parse(&name).expect("a name");
    let client = RegistryClient::new(&Env::default(), Hosts::none()).expect("a client");
    let directory = tempfile::tempdir().expect("a directory");
    let layout = Layout::open_or_create(directory.path()).expect("a layout");
    let options = PullOptions {
        division: Division {
            after: Duration::ZERO,
            part: 1 << 20,
        },
        ..PullOptions::default()
    };
    let repository = client.repository(&name, None);
    let pulled = pull(&repository, &layout, &name, &options, &NoProgress).await;
    let pulled = pulled.expect("pulled");
    assert_eq!(pulled.digest.as_str(), image.digest());
    assert_eq!(pulled.fetched_bytes, pulled.size);
    let requests = relay.seen();
    let parts = requests
        .iter()
        .filter(|seen| seen.header("range").is_some());
    assert!(parts.count() >= 10, "{requests:?}");
}
