//! Pages of large objects.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;
use crate::cluster::testing::{cluster_of, param};

#[tokio::test]
async fn large_objects_come_in_smaller_pages() {
    let note = "x".repeat(1 << 20);
    let limits = Arc::new(Mutex::new(Vec::new()));
    let asked = Arc::clone(&limits);
    let cluster = cluster_of(0, move |request| {
        let number = |name| param(request, name).and_then(|text| text.parse::<usize>().ok());
        let (limit, from) = (number("limit").expect("a limit"), number("continue"));
        asked.lock().expect("whole").push(limit);
        let from = from.unwrap_or(0);
        let to = (from + limit).min(20);
        let item =
            |n| json!({"metadata": {"name": format!("n{n}"), "annotations": {"note": note}}});
        let items: Vec<_> = (from..to).map(item).collect();
        let next = if to < 20 {
            to.to_string()
        } else {
            String::new()
        };
        let list = json!({"metadata": {"resourceVersion": "7", "continue": next}, "items": items});
        (200, list.to_string())
    });
    let trim = |object: &mut Object| object.metadata.annotations.clear();
    let all = cluster.namespaces(trim).await.expect("a list");
    let names: Vec<_> = all.iter().map(|one| one.metadata.name.clone()).collect();
    assert_eq!(names, (0..20).map(|n| format!("n{n}")).collect::<Vec<_>>());
    let limits = limits.lock().expect("whole").clone();
    assert_eq!(limits[..4], [500, 63, 8, 2], "{limits:?}");
    assert!(limits.len() < 16, "{limits:?}");
}

#[tokio::test]
async fn an_object_that_is_larger_than_a_page_is_named() {
    let cluster = cluster_of(0, |_| (200, "x".repeat(PAGE_BYTES + 1)));
    let error = cluster.namespaces(|_| {}).await.expect_err("too large");
    assert_eq!(error.kind, ClusterErrorKind::TooLarge);
    let text = error.to_string();
    assert!(
        text.contains("answered GET /api/v1/namespaces with more than 8388608 bytes;"),
        "{text}"
    );
}
