//! Watches that break or come too late.

use serde_json::json;

use crate::faults::{SIMPLE, all, namespaces};
use crate::observed::{has, page};
use crate::stage::{Stage, theirs};

fn theirs_in(namespace: &str, name: &str) -> serde_json::Value {
    let mut secret = theirs(name, &json!({"auths": {}}));
    secret["metadata"]["namespace"] = namespace.into();
    secret
}

#[tokio::test]
async fn a_watch_that_breaks_goes_on_and_only_one_that_is_too_late_lists_again() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 5).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("all", async || all(&stage, &names).await).await;
    let (lists, watches) = (
        fake.asked("list", "namespaces"),
        fake.asked("watch", "namespaces"),
    );
    assert_eq!(lists, 1);
    fake.break_watches();
    stage
        .until("a new watch", async || {
            fake.asked("watch", "namespaces") > watches
        })
        .await;
    let new = stage.namespace("after-break", json!({})).await;
    stage
        .until("the new one", async || has(&stage, &new).await)
        .await;
    assert_eq!(
        fake.asked("list", "namespaces"),
        1,
        "it went on where it was"
    );
    // Changes that are made while nothing is watched, then a version that is too old.
    fake.down(true);
    fake.namespace(&stage.ns("unseen"), json!({}));
    fake.remove_namespace(&names[0]);
    fake.compact();
    fake.down(false);
    let unseen = stage.ns("unseen");
    stage
        .until("the unseen one", async || has(&stage, &unseen).await)
        .await;
    assert_eq!(fake.asked("list", "namespaces"), 2);
    stage
        .until("the removed one forgotten", async || {
            page(&daemon, "/metrics")
                .await
                .1
                .contains("secrets_managed{target=\"t\"} 6")
        })
        .await;
    daemon.stop().await;
}

#[tokio::test]
async fn a_watch_goes_on_from_the_last_bookmark() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 2).await;
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("all", async || all(&stage, &names).await).await;
    let watches = || fake.asked("watch", "namespaces");
    stage.until("a watch", async || watches() == 1).await;
    // Much happens that is not of its concern; then the past is forgotten and the watch ends. Only
    // who took the version of the bookmark before its end can go on without another list.
    for n in 0..10 {
        fake.put("secrets", theirs_in("default", &format!("other-{n}")));
    }
    fake.compact();
    let version = fake.version();
    fake.end_watches();
    stage.until("the next watch", async || watches() > 1).await;
    let lines = fake.lines();
    let mut asked = lines
        .iter()
        .filter(|line| line.contains("/namespaces?") && line.contains("watch=true"));
    let next = asked.nth(1).expect("the second watch");
    assert!(next.contains("allowWatchBookmarks=true"), "{next}");
    let mut parts = next.split(['?', '&']);
    let from = parts.find_map(|part| part.strip_prefix("resourceVersion="));
    let from: Option<u64> = from.and_then(|from| from.parse().ok());
    assert!(from >= Some(version), "{next}, before {version}");
    let new = stage.namespace("new", json!({})).await;
    stage
        .until("the new one", async || has(&stage, &new).await)
        .await;
    assert_eq!(fake.asked("list", "namespaces"), 1);
    daemon.stop().await;
}

#[tokio::test]
async fn what_is_deleted_before_the_first_list_comes_back() {
    let stage = Stage::fake().await;
    let fake = stage.told();
    let names = namespaces(&stage, 1).await;
    // The list comes late: what is deleted meanwhile is in no list and no watch.
    fake.fail("list", "secrets", 503, None, 3);
    let daemon = stage.daemon(&stage.plan(SIMPLE)).await;
    stage.until("it", async || all(&stage, &names).await).await;
    fake.remove("secrets", &names[0], &stage.ns("pull"));
    stage
        .until("it back", async || all(&stage, &names).await)
        .await;
    daemon.stop().await;
}
