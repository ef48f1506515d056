//! Writes other than apply: checks of Secrets, versions, JSON patches.

use http::Method;
use serde_json::{Value, json};

use super::{BAD, CONFLICT, INVALID, JSON_PATCH, NOT_FOUND, Place, reason, secret};
use crate::stage::{Raw, Stage};

pub(super) async fn secrets_are_checked(stage: &Stage) {
    let place = Place::new(stage).await;
    let path = place.collection();
    let data = |key: &str, value: &str| {
        let mut body = secret("eA==");
        body["data"] = json!({key: value});
        body
    };
    for (what, body, field) in [
        ("no key", data("x", "e30="), "data[.dockerconfigjson]"),
        (
            "no JSON",
            data(".dockerconfigjson", "eA=="),
            "data[.dockerconfigjson]",
        ),
        (
            "a list",
            data(".dockerconfigjson", "W10="),
            "data[.dockerconfigjson]",
        ),
    ] {
        let (code, answer) = stage.raw(Raw::new(Method::POST, &path, body)).await;
        assert_eq!((code, reason(&answer)), INVALID, "{what}: {answer}");
        assert_eq!(
            answer["details"]["causes"][0]["field"], field,
            "{what}: {answer}"
        );
        assert_eq!(answer["details"]["kind"], "Secret", "{what}: {answer}");
    }
    let opaque = json!({"metadata": {"name": "pull"}, "data": {"x": "eA=="}});
    let (code, made) = stage
        .raw(Raw::new(Method::POST, &path, opaque.clone()))
        .await;
    assert_eq!((code, &made["type"]), (201, &json!("Opaque")));
    let (code, answer) = stage.raw(Raw::new(Method::POST, &path, opaque)).await;
    assert_eq!((code, reason(&answer)), (409, "AlreadyExists"));
    let (code, answer) = place
        .apply("fieldManager=m&force=true", &secret("eA=="))
        .await;
    assert_eq!((code, reason(&answer)), INVALID);
    assert_eq!(answer["details"]["causes"][0]["field"], "type");
    // Immutable: nothing but the metadata, for ever.
    let mut frozen = made;
    frozen["immutable"] = true.into();
    let (code, frozen) = place.put("", frozen).await;
    assert_eq!(code, 200);
    for (field, value) in [("immutable", false.into()), ("data", json!({"x": "eQ=="}))] {
        let mut body = frozen.clone();
        body[field] = value;
        let (code, answer) = place.put("", body).await;
        assert_eq!((code, reason(&answer)), INVALID, "{field}");
        assert_eq!(answer["details"]["causes"][0]["field"], field);
        assert_eq!(
            answer["details"]["causes"][0]["reason"],
            "FieldValueForbidden"
        );
    }
    let mut labelled = frozen;
    labelled["metadata"]["labels"] = json!({"x": "y"});
    assert_eq!(place.put("", labelled).await.0, 200);
}

pub(super) async fn writes_are_bound_to_versions(stage: &Stage) {
    let place = Place::new(stage).await;
    let (code, answer) = place.put("", secret("eA==")).await;
    assert_eq!((code, reason(&answer)), NOT_FOUND);
    assert_eq!(
        answer["details"],
        json!({"name": "pull", "kind": "secrets"})
    );
    assert_eq!(answer["message"], "secrets \"pull\" not found");
    let (_, made) = place.apply("fieldManager=m", &secret("eA==")).await;
    let mut other = secret("eQ==");
    other["metadata"]["resourceVersion"] = "1".into();
    let (code, answer) = place.put("", other).await;
    assert_eq!((code, reason(&answer)), CONFLICT);
    // Nothing changes: not even the version.
    let (code, same) = place.put("fieldManager=x", made.clone()).await;
    assert_eq!(code, 200);
    assert_eq!(
        same["metadata"]["resourceVersion"],
        made["metadata"]["resourceVersion"]
    );
    let (code, answer) = place.put("", json!({"metadata": {"name": "other"}})).await;
    assert_eq!((code, reason(&answer)), BAD);
    // Deleted is exactly what was meant.
    let delete = |field: &str, value: Value| {
        let body = json!({"preconditions": {field: value}});
        Raw::new(Method::DELETE, &place.path, body)
    };
    for field in ["uid", "resourceVersion"] {
        let (code, answer) = stage.raw(delete(field, "1".into())).await;
        assert_eq!((code, reason(&answer)), CONFLICT, "{field}");
    }
    let dry = format!("{}?dryRun=All", place.path);
    for (path, body) in [
        (&dry, Value::Null),
        (&place.path, json!({"dryRun": ["All"]})),
    ] {
        let (code, _) = stage.raw(Raw::new(Method::DELETE, path, body)).await;
        assert_eq!(code, 200);
    }
    let uid = made["metadata"]["uid"].clone();
    let (code, done) = stage.raw(delete("uid", uid.clone())).await;
    assert_eq!((code, &done["status"]), (200, &json!("Success")));
    assert_eq!(
        done["details"],
        json!({"name": "pull", "kind": "secrets", "uid": uid})
    );
    let (code, answer) = stage
        .raw(Raw::new(Method::DELETE, &place.path, Value::Null))
        .await;
    assert_eq!((code, reason(&answer)), NOT_FOUND);
}

pub(super) async fn json_patches_fit_or_change_nothing(stage: &Stage) {
    let place = Place::new(stage).await;
    let body = json!({"metadata": {"name": "robot"}});
    let path = format!("/api/v1/namespaces/{}/serviceaccounts", place.namespace);
    let (_, made) = stage.raw(Raw::new(Method::POST, &path, body)).await;
    let version = &made["metadata"]["resourceVersion"];
    let path = format!("{path}/robot");
    let patch =
        async |operations: Value| stage.raw(Raw::patch(&path, JSON_PATCH, operations)).await;
    let test = |version: &Value| json!({"op": "test", "path": "/metadata/resourceVersion", "value": version});
    let link = |path: &str, value: Value| json!({"op": "add", "path": path, "value": value});
    for (what, operations, expected) in [
        (
            "a test",
            json!([test(&json!("1")), link("/imagePullSecrets", json!([]))]),
            INVALID,
        ),
        (
            "no list",
            json!([link("/imagePullSecrets/-", json!({"name": "p"}))]),
            INVALID,
        ),
        (
            "not there",
            json!([{"op": "remove", "path": "/imagePullSecrets/0"}]),
            INVALID,
        ),
        (
            "no such thing",
            json!([{"op": "replace", "path": "/x/y", "value": 1}]),
            INVALID,
        ),
        ("no list of operations", json!({"op": "add"}), BAD),
    ] {
        let (code, answer) = patch(operations).await;
        assert_eq!((code, reason(&answer)), expected, "{what}: {answer}");
    }
    let (code, first) = patch(json!([
        test(version),
        link("/imagePullSecrets", json!([{"name": "p"}]))
    ]))
    .await;
    assert_eq!(
        (code, &first["imagePullSecrets"]),
        (200, &json!([{"name": "p"}]))
    );
    let (code, _) = patch(json!([
        test(version),
        link("/imagePullSecrets/-", json!({"name": "q"}))
    ]))
    .await;
    assert_eq!(code, 422, "the version is another one now");
    let (_, both) = patch(json!([link("/imagePullSecrets/-", json!({"name": "q"}))])).await;
    assert_eq!(
        both["imagePullSecrets"],
        json!([{"name": "p"}, {"name": "q"}])
    );
    let nothing = json!([test(&both["metadata"]["resourceVersion"])]);
    let (code, same) = patch(nothing).await;
    assert_eq!(code, 200);
    assert_eq!(
        same["metadata"]["resourceVersion"],
        both["metadata"]["resourceVersion"]
    );
    let (_, less) = patch(json!([{"op": "remove", "path": "/imagePullSecrets/0"}])).await;
    assert_eq!(less["imagePullSecrets"], json!([{"name": "q"}]));
}
