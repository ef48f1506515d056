//! The real registry: skopeo pushes and reads with each kind of login, and our client writes.

use regcred_core::{Credentials, Env, ImageRef};
use regcred_registry::{Descriptor, Digest, Hosts, Mount, RawManifest, RegistryClient, media_type};
use regcred_tests::registry::Access;
use regcred_tests::{Image, Registry, Skopeo, TokenServer};

/// Each kind of login that a registry may require.
fn each_access(tokens: &TokenServer) -> [Access<'_>; 3] {
    [
        Access::Open,
        Access::Htpasswd("alice", "s3cret"),
        Access::Token(tokens),
    ]
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
            upload.append(chunk.into()).await.expect("a chunk");
        }
        upload.append(vec![7].into()).await.expect("one byte");
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
