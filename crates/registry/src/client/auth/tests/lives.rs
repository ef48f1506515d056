//! How long tokens are used, and by whom.

use super::*;

#[tokio::test]
async fn requests_that_run_together_fetch_one_token() {
    let server = registry(bearer, |n, _| token(&format!("t{n}")), |a| a == "Bearer t0").await;
    let repository = repository(&server, None);
    let blob = Descriptor::of("x", b"{}");
    let fetches = (0..8).map(|_| async { repository.blob_bytes(&blob, 10).await });
    for result in futures_util::future::join_all(fetches).await {
        result.expect("the manifest");
    }
    assert_eq!(server.seen_at("/token").len(), 1);
}

#[tokio::test]
async fn a_dropped_fetch_does_not_hurt_the_others() {
    let server = registry(bearer, |_, _| token("t1"), |a| a == "Bearer t1").await;
    let repository = repository(&server, None);
    for patience in [0, 1, 2, 5] {
        let patience = std::time::Duration::from_millis(patience);
        let _ = tokio::time::timeout(patience, repository.manifest("v1")).await;
    }
    repository.manifest("v1").await.expect("the manifest");
}

#[tokio::test]
async fn a_token_that_expires_on_the_way_is_renewed() {
    // The token server's n-th token serves for three requests.
    let used = AtomicUsize::new(0);
    let server = registry(
        |url| format!("{},error=\"invalid_token\"", bearer(url)),
        |n, _| token(&format!("t{n}")),
        move |a| {
            let number: usize = a.strip_prefix("Bearer t").unwrap().parse().unwrap();
            let used = used.fetch_add(1, Ordering::SeqCst);
            number >= used / 4
        },
    )
    .await;
    let repository = repository(&server, None);
    for _ in 0..10 {
        repository.manifest("v1").await.expect("renewed");
    }
    assert!(server.seen_at("/token").len() >= 3);
}

#[tokio::test]
async fn no_life_in_the_answer_is_neither_for_ever_nor_a_loop() {
    for life in [
        "",
        r#","expires_in":0"#,
        r#","expires_in":-5"#,
        r#","expires_in":null"#,
        r#","expires_in":1e99"#,
    ] {
        let answer = format!(r#"{{"token":"","access_token":"t1"{life}}}"#);
        let server = registry(
            bearer,
            move |_, _| Reply::ok(answer.clone()),
            |a| a == "Bearer t1",
        )
        .await;
        let repository = repository(&server, None);
        for _ in 0..3 {
            repository.manifest("v1").await.expect("the manifest");
        }
        assert_eq!(server.seen_at("/token").len(), 1, "{life}");
    }
}

#[tokio::test]
async fn credentials_do_not_share_tokens() {
    let server = registry(
        bearer,
        |_, seen| {
            token(if seen.authorization().is_some() {
                "rich"
            } else {
                "poor"
            })
        },
        |a| a == "Bearer rich",
    )
    .await;
    let client = client(Hosts::none());
    let login = Credentials::new("alice", "s3cret");
    let rich = client.repository(&image(&server), Some(&login));
    let poor = client.repository(&image(&server), None);
    rich.manifest("v1").await.expect("the manifest");
    assert!(poor.manifest("v1").await.is_err());
    // A login with neither name nor password is not a credential.
    let empty = client.repository(&image(&server), Some(&Credentials::new("", "")));
    assert!(empty.manifest("v1").await.is_err());
    assert!(server.seen_at("/token").iter().all(|s| s.method == "GET"));
}
