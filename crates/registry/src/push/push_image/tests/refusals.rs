//! Pushes that a registry refuses, and their messages.

use super::*;

#[tokio::test]
async fn a_quota_is_named_and_not_asked_twice() {
    let stored = Stored::new();
    let denied = (
        403,
        "DENIED",
        "adding 5 MiB, which will exceed the configured upper limit of 1 MiB",
    );
    let too_large = (413, "", "change the disk quota limits");
    for refuses_blobs in [denied, too_large] {
        let quirks = Quirks {
            refuses_blobs: Some(refuses_blobs),
            ..Quirks::default()
        };
        let (text, registry) = refused(&stored, quirks).await;
        assert!(text.contains(refuses_blobs.2), "{text}");
        assert!(text.contains("no room left for this account"), "{text}");
        let posts = registry.writes(0);
        let posts = posts.iter().filter(|write| write.starts_with("POST"));
        assert_eq!(posts.count(), 1, "{text}");
        assert!(registry.manifest("team/app", "v1").is_none());
    }
}

#[tokio::test]
async fn a_repository_that_a_push_does_not_create_is_named() {
    let stored = Stored::new();
    let message = "The repository with name 'team/app' does not exist in the registry with id '1'";
    let quirks = Quirks {
        refuses_sessions: Some((404, "NAME_UNKNOWN", message)),
        ..Quirks::default()
    };
    let (text, _) = refused(&stored, quirks).await;
    assert!(text.contains(message), "{text}");
    assert!(text.contains("create the repository"), "{text}");
}

#[tokio::test]
async fn a_login_that_can_only_pull_is_named_as_the_likely_reason() {
    let stored = Stored::new();
    let login = "Basic YWxpY2U6b25l";
    let quirks = Quirks {
        login: Some(login),
        refuses_sessions: Some((403, "DENIED", "not allowed")),
        ..Quirks::default()
    };
    let registry = Registry::start(quirks.clone()).await;
    let target = registry.repository("team/app", Some(("alice", "one")));
    let error = stored.push(&target, &["v1"]).await.expect_err("refused");
    assert!(error.credential_refused());
    let text = error.to_string();
    assert!(text.starts_with("push access denied for "), "{text}");
    assert!(text.contains(": denied: not allowed ("), "{text}");
    assert!(
        text.contains("a node's plugins issue can only pull"),
        "{text}"
    );
    // An anonymous push has no login whose rights could be the reason.
    let anonymous = Quirks {
        login: None,
        ..quirks
    };
    let (text, _) = refused(&stored, anonymous).await;
    assert!(!text.contains("plugins"), "{text}");
}

#[tokio::test]
async fn a_tag_that_cannot_be_replaced_is_named_unless_it_has_the_image_already() {
    let stored = Stored::new();
    let message = "The image tag 'v1' already exists in the 'team/app' repository and cannot be \
                   overwritten because the repository is immutable.";
    for immutable in [
        (400, "TAG_INVALID", message),
        (412, "PRECONDITION", "'app:v1' configured as immutable"),
        (409, "CONFLICT", "tag immutability"),
    ] {
        let quirks = Quirks {
            immutable: Some(immutable),
            ..Quirks::default()
        };
        let registry = Registry::start(quirks).await;
        let target = registry.repository("team/app", None);
        stored.push(&target, &["v1"]).await.expect("a new tag");
        let again = stored.push(&target, &["v1"]).await.expect("the same image");
        assert_eq!(again.digest, stored.index.digest);
        let other = only(&stored, &stored.large);
        let push = Push::new(&target, &NoProgress);
        let error = push.image(&stored.source(), &other, &["v1"]).await;
        let text = error.expect_err("another image").to_string();
        assert!(text.contains(immutable.2), "{text}");
        assert!(text.contains("push under another tag"), "{text}");
        let kept = registry.manifest("team/app", "v1").expect("there");
        assert_eq!(kept, stored.index.bytes);
    }
}

async fn refused(stored: &Stored, quirks: Quirks) -> (String, Registry) {
    let registry = Registry::start(quirks).await;
    let target = registry.repository("team/app", None);
    let error = stored.push(&target, &["v1"]).await.expect_err("refused");
    (error.to_string(), registry)
}
