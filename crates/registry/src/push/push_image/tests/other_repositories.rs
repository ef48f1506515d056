//! Blobs that another repository has, of the same registry or of another one.

use super::*;

#[tokio::test]
async fn blobs_of_another_repository_are_mounted_or_copied() {
    let stored = Stored::new();
    // A registry that mounts, ones that answer with a session and without one, and ones that refuse.
    for (mounts, refuses_mounts) in [
        (true, None),
        (false, None),
        (false, Some(202)),
        (false, Some(401)),
        (false, Some(405)),
        (false, Some(501)),
    ] {
        let quirks = Quirks {
            mounts,
            refuses_mounts,
            ..Quirks::default()
        };
        let registry = Registry::start(quirks).await;
        let from = registry.repository("team/base", None);
        stored.push(&from, &["v1"]).await.expect("pushed");
        let before = registry.server.seen().len();
        let image = registry.image("team/base:v1");
        let source = ImageSource::repository(&image, &from);
        let top = source.manifest().await.expect("there");
        let target = registry.repository("team/app", None);
        let push = Push::new(&target, &NoProgress);
        let pushed = push.image(&source, &top, &["v2"]).await.expect("copied");
        let (mounted, uploaded) = if mounts { (5, 0) } else { (0, 5) };
        assert_eq!(
            (pushed.mounted_blobs, pushed.uploaded_blobs),
            (mounted, uploaded)
        );
        stored.assert_pushed(&registry, "team/app");
        if refuses_mounts.is_none() {
            let writes = registry.writes(before);
            let opened = writes.iter().filter(|write| write.starts_with("POST"));
            assert_eq!(opened.count(), 5, "what a refused mount opened is used");
        }
    }
}

#[tokio::test]
async fn a_sha512_blob_that_a_registry_only_seems_to_mount_is_copied() {
    let quirks = Quirks {
        mounts: true,
        ..Quirks::default()
    };
    let registry = Registry::start(quirks).await;
    let from = registry.repository("team/base", None);
    let target = registry.repository("team/app", None);
    let zeros = format!("sha512:{}", "0".repeat(128));
    let digest = zeros.parse::<Digest>().expect("a digest");
    let digest = digest.of_same_algorithm(b"layer");
    let mut blob = Descriptor::of(media_type::OCI_LAYER_GZIP, b"layer");
    blob.digest = digest.clone();
    from.put_blob(&digest, "layer").await.expect("put");
    let transfer = Transfer {
        source: &ImageSource::repository(&registry.image("team/base:v1"), &from),
        target: &target,
        progress: &NoProgress,
    };
    let arrival = transfer.send(&blob).await.expect("copied");
    assert_eq!(arrival, Arrival::Uploaded);
    assert_eq!(
        registry.blob("team/app", &digest).as_deref(),
        Some(&b"layer"[..])
    );
}

#[tokio::test]
async fn between_two_registries_each_gets_its_own_login() {
    let login = |login| Quirks {
        login: Some(login),
        ..Quirks::default()
    };
    let one = Registry::start(login("Basic YWxpY2U6b25l")).await;
    let two = Registry::start(login("Basic Ym9iOnR3bw==")).await;
    let stored = Stored::new();
    let from = one.repository("team/app", Some(("alice", "one")));
    stored.push(&from, &["v1"]).await.expect("pushed");
    let target = two.repository("team/app", Some(("bob", "two")));
    let source = ImageSource::repository(&one.image("team/app:v1"), &from);
    let top = source.manifest().await.expect("there");
    let push = Push::new(&target, &NoProgress);
    let pushed = push.image(&source, &top, &["v1"]).await.expect("copied");
    assert_eq!((pushed.mounted_blobs, pushed.uploaded_blobs), (0, 5));
    stored.assert_pushed(&two, "team/app");
    for (registry, own) in [(&one, "Basic YWxpY2U6b25l"), (&two, "Basic Ym9iOnR3bw==")] {
        let seen = registry.server.seen();
        let logins: std::collections::BTreeSet<_> = seen
            .iter()
            .filter_map(|seen| seen.authorization())
            .collect();
        assert_eq!(Vec::from_iter(logins), [own]);
    }
}
