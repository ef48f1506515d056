//! Server-side apply: what it changes, what it refuses, and who owns a field then.

use serde_json::{Value, json};

use super::{APPLY, BAD, CONFLICT, INVALID, NOT_FOUND, Place, owner_of_data, reason, secret};
use crate::stage::{Raw, Stage};

pub(super) async fn apply_makes_changes_and_leaves_alone(stage: &Stage) {
    let place = Place::new(stage).await;
    let (code, made) = place.apply("fieldManager=one", &secret("eA==")).await;
    assert_eq!(code, 201);
    assert_eq!(
        (&made["kind"], &made["apiVersion"]),
        (&json!("Secret"), &json!("v1"))
    );
    assert!(
        made["metadata"]["uid"].is_string() && made["metadata"]["creationTimestamp"].is_string()
    );
    let entry = &made["metadata"]["managedFields"][0];
    for (field, value) in [
        ("manager", "one"),
        ("operation", "Apply"),
        ("apiVersion", "v1"),
        ("fieldsType", "FieldsV1"),
    ] {
        assert_eq!(entry[field], value, "{entry}");
    }
    assert!(entry["time"].is_string());
    let fields = json!({
        "f:data": {"f:.dockerconfigjson": {}}, "f:metadata": {"f:labels": {"f:l": {}}},
        "f:type": {},
    });
    assert_eq!(entry["fieldsV1"], fields);
    // The same again changes nothing, nor does a dry run.
    let version = &made["metadata"]["resourceVersion"];
    let (code, same) = place.apply("fieldManager=one", &secret("eA==")).await;
    assert_eq!((code, &same["metadata"]["resourceVersion"]), (200, version));
    let (code, dry) = place
        .apply("fieldManager=one&dryRun=All", &secret("eQ=="))
        .await;
    assert_eq!(code, 200);
    assert_ne!(dry["data"], made["data"]);
    assert_eq!(&dry["metadata"]["resourceVersion"], version);
    let (_, now) = stage.raw(Raw::get(&place.path)).await;
    assert_eq!(now["data"], made["data"]);
    // A label that is not applied any more is taken away.
    let mut less = secret("eA==");
    less["metadata"]["labels"] = json!({});
    let (code, changed) = place.apply("fieldManager=one", &less).await;
    assert_eq!(code, 200);
    assert!(
        changed["metadata"]["labels"].get("l").is_none(),
        "{changed}"
    );
    assert_ne!(&changed["metadata"]["resourceVersion"], version);
    // Only metadata, when only that is asked for.
    let call = Raw::patch(&place.path, APPLY, secret("eA=="));
    let call = Raw {
        path: &format!("{}?fieldManager=one", place.path),
        accept: "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
        ..call
    };
    let (code, part) = stage.raw(call).await;
    assert_eq!(
        (code, &part["kind"]),
        (200, &json!("PartialObjectMetadata"))
    );
    assert_eq!(part["apiVersion"], "meta.k8s.io/v1");
    assert!(part["data"].is_null() && part["metadata"]["name"] == "pull");
}

pub(super) async fn apply_refuses_what_does_not_fit(stage: &Stage) {
    let place = Place::new(stage).await;
    let with = |path: &str, value: Value| {
        let mut body = secret("eA==");
        *body.pointer_mut(path).expect("a place") = value;
        body
    };
    let meta = |name: &str, value: Value| {
        let mut body = secret("eA==");
        body["metadata"][name] = value;
        body
    };
    for (what, query, body, expected) in [
        ("no manager", "", secret("eA=="), (422, "Invalid")),
        (
            "another name",
            "fieldManager=m",
            with("/metadata/name", "x".into()),
            BAD,
        ),
        (
            "another kind",
            "fieldManager=m",
            with("/kind", "ConfigMap".into()),
            BAD,
        ),
        ("no kind", "fieldManager=m", with("/kind", Value::Null), BAD),
        (
            "another namespace",
            "fieldManager=m",
            meta("namespace", "default".into()),
            BAD,
        ),
        (
            "managed fields",
            "fieldManager=m",
            meta("managedFields", json!([{"manager": "x"}])),
            BAD,
        ),
        (
            "a UID before there is one",
            "fieldManager=m",
            meta("uid", "x".into()),
            CONFLICT,
        ),
        (
            "a label",
            "fieldManager=m",
            meta("labels", json!({"l": "a b"})),
            INVALID,
        ),
        ("no object", "fieldManager=m", json!([]), BAD),
    ] {
        let (code, answer) = place.apply(query, &body).await;
        assert_eq!((code, reason(&answer)), expected, "{what}: {answer}");
        assert_eq!(answer["kind"], "Status", "{what}");
        assert_eq!(answer["code"], code, "{what}");
    }
    place.apply("fieldManager=m", &secret("eA==")).await;
    for (what, body, expected) in [
        ("another UID", meta("uid", "x".into()), INVALID),
        (
            "another version",
            meta("resourceVersion", "1".into()),
            CONFLICT,
        ),
    ] {
        let (code, answer) = place.apply("fieldManager=m", &body).await;
        assert_eq!((code, reason(&answer)), expected, "{what}: {answer}");
    }
    let patch = Raw::patch(&place.path, "application/unheard-of", secret("eA=="));
    assert_eq!(stage.raw(patch).await.0, 415);
    let nowhere = format!(
        "/api/v1/namespaces/{}/secrets/x?fieldManager=m",
        stage.ns("none")
    );
    let mut body = secret("eA==");
    body["metadata"]["name"] = "x".into();
    let (code, answer) = stage.raw(Raw::patch(&nowhere, APPLY, body)).await;
    assert_eq!((code, reason(&answer)), NOT_FOUND);
    assert_eq!(answer["details"]["kind"], "namespaces");
}

pub(super) async fn fields_have_owners(stage: &Stage) {
    let place = Place::new(stage).await;
    place.apply("fieldManager=helm", &secret("eA==")).await;
    // Together for an equal value, one of them for another.
    let (code, _) = place.apply("fieldManager=one", &secret("eA==")).await;
    assert_eq!(code, 200);
    let (code, answer) = place.apply("fieldManager=one", &secret("eQ==")).await;
    assert_eq!((code, reason(&answer)), CONFLICT);
    let cause = &answer["details"]["causes"][0];
    assert_eq!(cause["reason"], "FieldManagerConflict");
    assert_eq!(cause["field"], ".data..dockerconfigjson");
    assert_eq!(cause["message"], "conflict with \"helm\"");
    let (code, forced) = place
        .apply("fieldManager=one&force=true", &secret("eQ=="))
        .await;
    assert_eq!(code, 200);
    assert_eq!(owner_of_data(&forced), ["one Apply"]);
    // A whole object under the same name is another owner.
    let mut whole = forced.clone();
    whole["data"] = secret("eg==")["data"].clone();
    let (code, written) = place.put("fieldManager=one", whole).await;
    assert_eq!(code, 200);
    assert_eq!(owner_of_data(&written), ["one Update"]);
    let (code, answer) = place.apply("fieldManager=one", &secret("eQ==")).await;
    assert_eq!((code, reason(&answer)), CONFLICT);
    let message = answer["details"]["causes"][0]["message"].as_str();
    let message = message.expect("a message");
    assert!(
        message.starts_with("conflict with \"one\" using v1"),
        "{message}"
    );
}
