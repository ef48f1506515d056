//! The rules of kinds other than Secrets: tokens, Leases, Events.

use http::Method;
use serde_json::{Value, json};

use super::Place;
use crate::stage::{Raw, Stage};

pub(super) async fn tokens_leases_and_events_are_checked(stage: &Stage) {
    let place = Place::new(stage).await;
    let ns = &place.namespace;
    let core = format!("/api/v1/namespaces/{ns}");
    let body = json!({"metadata": {"name": "robot"}});
    stage
        .raw(Raw::new(
            Method::POST,
            &format!("{core}/serviceaccounts"),
            body,
        ))
        .await;
    let token = async |name: &str, seconds: i64| {
        let body = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": {"audiences": ["a"], "expirationSeconds": seconds},
        });
        let path = format!("{core}/serviceaccounts/{name}/token");
        stage.raw(Raw::new(Method::POST, &path, body)).await
    };
    let (code, answer) = token("robot", 600).await;
    assert_eq!((code, &answer["kind"]), (201, &json!("TokenRequest")));
    assert!(answer["status"]["token"].is_string());
    assert!(answer["status"]["expirationTimestamp"].is_string());
    assert_eq!(token("robot", 599).await.0, 422);
    assert_eq!(token("absent", 600).await.0, 404);

    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{ns}/leases");
    let lease = |spec: Value| {
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "l"}, "spec": spec,
        })
    };
    let zero = lease(json!({"leaseDurationSeconds": 0}));
    assert_eq!(
        stage.raw(Raw::new(Method::POST, &leases, zero)).await.0,
        422
    );
    let time = json!({"renewTime": "2026-01-01T00:00:00.000000Z", "holderIdentity": null});
    let (code, made) = stage
        .raw(Raw::new(Method::POST, &leases, lease(time)))
        .await;
    assert_eq!(code, 201);
    assert!(made["spec"].get("holderIdentity").is_none(), "{made}");
    let one = format!("{leases}/l");
    let (code, _) = stage
        .raw(Raw::new(Method::PUT, &one, lease(json!({}))))
        .await;
    assert_eq!(code, 422, "only under its version");
    let mut taken = made;
    taken["spec"]["holderIdentity"] = "me".into();
    assert_eq!(
        stage
            .raw(Raw::new(Method::PUT, &one, taken.clone()))
            .await
            .0,
        200
    );
    assert_eq!(stage.raw(Raw::new(Method::PUT, &one, taken)).await.0, 409);

    let events = format!("{core}/events");
    let event = |about: &str| {
        json!({
            "metadata": {"generateName": "e."}, "reason": "R", "message": "m", "type": "Normal",
            "involvedObject": {"kind": "Secret", "namespace": about, "name": "pull"},
        })
    };
    assert_eq!(
        stage
            .raw(Raw::new(Method::POST, &events, event(ns)))
            .await
            .0,
        201
    );
    assert_eq!(
        stage
            .raw(Raw::new(Method::POST, &events, event("default")))
            .await
            .0,
        422
    );
}
