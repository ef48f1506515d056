//! Lists, watches, and the namespaces they are bound to.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::{NOT_FOUND, Place, names, reason, secret};
use crate::stage::{Raw, Stage, theirs};

pub(super) async fn lists_come_in_pages_of_one_version(stage: &Stage) {
    let place = Place::new(stage).await;
    let path = place.collection();
    for name in ["a", "b", "c"] {
        place.make(name).await;
    }
    let page = async |query: &str| stage.raw(Raw::get(&format!("{path}?{query}"))).await;
    let (code, first) = page("limit=2").await;
    assert_eq!((code, &first["kind"]), (200, &json!("SecretList")));
    assert_eq!(names(&first), ["a", "b"]);
    assert!(first["items"][0]["kind"].is_null(), "{first}");
    place.make("d").await;
    let next = first["metadata"]["continue"]
        .as_str()
        .expect("there is more");
    let (_, second) = page(&format!("limit=2&continue={next}")).await;
    assert_eq!(
        second["metadata"]["resourceVersion"],
        first["metadata"]["resourceVersion"]
    );
    assert_eq!(names(&second)[0], "c");
    let (_, one) = page("fieldSelector=metadata.name%3Db").await;
    assert_eq!(names(&one), ["b"]);
    assert!(one["metadata"]["continue"].is_null());
    let (code, _) = page("limit=2&continue=nonsense").await;
    assert_eq!(code, 400);
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let (_, part) = stage
        .raw(Raw {
            accept,
            ..Raw::get(&path)
        })
        .await;
    assert_eq!(part["kind"], "PartialObjectMetadataList");
    assert_eq!(part["apiVersion"], "meta.k8s.io/v1");
    assert!(part["items"][0]["data"].is_null());
    // A list of no objects is a list; its metadata alone does not exist.
    let none = format!("{path}?fieldSelector=metadata.name%3Dnone");
    let (_, empty) = stage.raw(Raw::get(&none)).await;
    assert_eq!(empty["items"], json!([]));
    let (_, empty) = stage
        .raw(Raw {
            accept,
            ..Raw::get(&none)
        })
        .await;
    assert_eq!(empty.get("items"), Some(&Value::Null));
}

pub(super) async fn watches_tell_changes_and_end_with_a_bookmark(stage: &Stage) {
    let place = Place::new(stage).await;
    let path = place.collection();
    place.make("a").await;
    let (_, listed) = stage.raw(Raw::get(&path)).await;
    let version = listed["metadata"]["resourceVersion"]
        .as_str()
        .expect("a version");
    place.make("b").await;
    let gone = format!("{path}/a");
    stage
        .raw(Raw::new(Method::DELETE, &gone, Value::Null))
        .await;
    let watch = |version: &str, more: &str| {
        format!("{path}?watch=true&timeoutSeconds=4&resourceVersion={version}{more}")
    };
    let told = |events: &[(String, Value)]| -> Vec<String> {
        let told = events.iter().filter(|(kind, _)| kind != "BOOKMARK");
        told.map(|(kind, object)| {
            format!(
                "{kind} {}",
                object["metadata"]["name"].as_str().unwrap_or_default()
            )
        })
        .collect()
    };
    // Each change since, in order, then a bookmark before the end, unless the server is busy; a real one sends
    // it only if something has changed elsewhere in between.
    let other = stage.namespace("b", json!({})).await;
    let mut number_of_writes = 0;
    let mut events = Vec::new();
    let ends_with_a_bookmark = async || {
        let path = watch(version, "&allowWatchBookmarks=true");
        let elsewhere = async {
            for _ in 0..4 {
                tokio::time::sleep(Duration::from_millis(400)).await;
                number_of_writes += 1;
                let body = theirs(&format!("s{number_of_writes}"), &json!({"auths": {}}));
                stage.make(&other, "secrets", &body).await;
            }
        };
        (events, ()) = tokio::join!(stage.watch(&path), elsewhere);
        assert_eq!(told(&events), ["ADDED b", "DELETED a"]);
        events.last().is_some_and(|(kind, _)| kind == "BOOKMARK")
    };
    stage.until("a bookmark", ends_with_a_bookmark).await;
    let (_, bookmark) = events.last().expect("an end");
    assert_eq!(
        (&bookmark["kind"], &bookmark["apiVersion"]),
        (&json!("Secret"), &json!("v1"))
    );
    let number = |version: &Value| version.as_str().and_then(|v| v.parse::<u64>().ok());
    let at = bookmark["metadata"]["resourceVersion"].clone();
    assert!(number(&at) >= number(&events[1].1["metadata"]["resourceVersion"]));
    // From there on nothing is told twice; a bookmark is sent only on request.
    place.make("c").await;
    let at = at.as_str().expect("a version");
    let events = stage
        .watch(&watch(at, "&fieldSelector=metadata.name%3Dc"))
        .await;
    assert_eq!(told(&events), ["ADDED c"]);
    assert_eq!(events.len(), 1);
    // Who names no version is told what is there.
    assert_eq!(
        told(&stage.watch(&watch("0", "")).await),
        ["ADDED b", "ADDED c"]
    );
    // One that is too old is refused within the watch. A real server that started minutes ago still has every
    // event, and sends them.
    if let Some(fake) = &stage.fake {
        fake.compact();
    }
    let events = stage.watch(&watch("1", "&allowWatchBookmarks=true")).await;
    let all = ["ADDED a", "ADDED b", "DELETED a", "ADDED c"];
    if stage.fake.is_none() && told(&events) == all {
        return;
    }
    assert_eq!(events.len(), 1, "{events:?}");
    let (kind, status) = &events[0];
    assert_eq!((kind.as_str(), reason(status)), ("ERROR", "Expired"));
    assert_eq!(status["code"], 410);
}

pub(super) async fn a_namespace_bounds_what_is_in_it(stage: &Stage) {
    let place = Place::new(stage).await;
    let path = format!("/api/v1/namespaces/{}", place.namespace);
    let (_, namespace) = stage.raw(Raw::get(&path)).await;
    assert_eq!(namespace["status"]["phase"], "Active");
    let label = &namespace["metadata"]["labels"]["kubernetes.io/metadata.name"];
    assert_eq!(*label, place.namespace);
    let nowhere = format!("/api/v1/namespaces/{}/secrets", stage.ns("none"));
    let (code, answer) = stage
        .raw(Raw::new(Method::POST, &nowhere, secret("eA==")))
        .await;
    assert_eq!((code, reason(&answer)), NOT_FOUND);
    let (code, _) = stage.raw(Raw::get(&nowhere)).await;
    assert_eq!(code, 200, "a list of nothing");
    assert_eq!(stage.raw(Raw::get("/api/v1/nothings")).await.0, 404);
    // While it goes nothing can be made in it.
    match &stage.fake {
        Some(fake) => fake.terminate(&place.namespace),
        None => stage.hold_and_delete(&place.namespace).await,
    }
    let dry = "fieldManager=m&dryRun=All";
    let closed = async || place.apply(dry, &secret("eA==")).await.0 == 403;
    stage.until("no more creation", closed).await;
    let (code, answer) = place.apply("fieldManager=m", &secret("eA==")).await;
    assert_eq!((code, reason(&answer)), (403, "Forbidden"), "{answer}");
    let causes = answer["details"]["causes"].as_array().expect("causes");
    assert!(
        causes
            .iter()
            .any(|cause| cause["reason"] == "NamespaceTerminating")
    );
}
