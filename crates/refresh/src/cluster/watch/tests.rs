//! Watches that panic, end at once, or are always too late.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::cluster::testing::{cluster_of, namespaces, param};

fn shown((_, change): &ClusterChange) -> String {
    match change {
        WatchChange::Present(object) => format!("present {}", object.metadata.name),
        WatchChange::Deleted(_, name) => format!("deleted {name}"),
        other => format!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_panics_is_reported_and_begins_again_with_a_list() {
    let lists = Arc::new(AtomicUsize::new(0));
    let cluster = cluster_of(0, move |request| {
        if param(request, "watch").is_some() {
            let object = json!({"metadata": {"name": "b", "resourceVersion": "8"}});
            let event = json!({"type": "ADDED", "object": object});
            return (200, format!("{event}\n"));
        }
        match lists.fetch_add(1, Ordering::SeqCst) {
            0 => (200, namespaces(&["a"])),
            _ => (200, namespaces(&["c"])),
        }
    });
    let panics = AtomicBool::new(true);
    let trim = move |object: &mut Object| {
        let is_b = object.metadata.name == "b";
        assert!(!(is_b && panics.swap(false, Ordering::SeqCst)), "a bug");
    };
    let (report, mut changes) = mpsc::channel(64);
    let work = tokio::spawn(watch(cluster, Collection::Namespaces, trim, report));
    let mut told = Vec::new();
    while told.last().is_none_or(|last| last != "present b") {
        told.push(shown(&changes.recv().await.expect("the watch goes on")));
    }
    // What was deleted meanwhile is not forgotten.
    assert_eq!(
        told,
        [
            "present a",
            "Listed",
            "Panicked",
            "present c",
            "deleted a",
            "Listed",
            "present b"
        ]
    );
    work.abort();
}

/// Requests in an hour of a server that answers every watch like this.
async fn asked_in_an_hour(status: u16, body: &str) -> usize {
    let asked = Arc::new(AtomicUsize::new(0));
    let (counted, body) = (Arc::clone(&asked), body.to_owned());
    let cluster = cluster_of(0, move |request| {
        counted.fetch_add(1, Ordering::SeqCst);
        if param(request, "watch").is_some() {
            (status, body.clone())
        } else {
            (200, namespaces(&["a"]))
        }
    });
    let (report, mut changes) = mpsc::channel(64);
    let drain = tokio::spawn(async move { while changes.recv().await.is_some() {} });
    let work = watch(cluster, Collection::Namespaces, |_| {}, report);
    let hour = timeout(Duration::from_secs(3600), work).await;
    assert!(hour.is_err(), "it does not give up");
    drain.abort();
    asked.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_or_refuses_every_watch_is_asked_with_growing_pauses() {
    let gone =
        json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}});
    let bookmark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}});
    for (what, status, body) in [
        ("ended at once", 200, String::new()),
        ("ended after a bookmark", 200, format!("{bookmark}\n")),
        ("too late, in the watch", 200, format!("{gone}\n")),
        ("too late", 410, "{}".to_owned()),
        ("failed", 500, "{}".to_owned()),
        ("not JSON", 200, "<html>\n".to_owned()),
    ] {
        let asked = asked_in_an_hour(status, &body).await;
        // A quarter of 30 s is the shortest pause in the end, and a list may come before each watch.
        assert!((40..=1000).contains(&asked), "{what}: {asked} requests");
    }
}
