//! What the API server itself answers, asked without the refresher: the same questions to the fake
//! and to a real one, so that the fake stays as strict as what it stands for.

use http::Method;
use serde_json::{Value, json};

use crate::stage::{Raw, Stage, theirs};

mod tests {
    crate::both! {
        apply_makes_changes_and_leaves_alone
        apply_refuses_what_does_not_fit
        fields_have_owners
        secrets_are_checked
        writes_are_bound_to_versions
        json_patches_fit_or_change_nothing
        lists_come_in_pages_of_one_version
        watches_tell_changes_and_end_with_a_bookmark
        a_namespace_bounds_what_is_in_it
        tokens_leases_and_events_are_checked
    }
}

async fn apply_makes_changes_and_leaves_alone(stage: &Stage) {
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
    // The same again is no change; a dry run neither.
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

async fn apply_refuses_what_does_not_fit(stage: &Stage) {
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

async fn fields_have_owners(stage: &Stage) {
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

async fn secrets_are_checked(stage: &Stage) {
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

async fn writes_are_bound_to_versions(stage: &Stage) {
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
    assert_eq!(
        stage
            .raw(Raw::new(Method::DELETE, &dry, Value::Null))
            .await
            .0,
        200
    );
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

async fn json_patches_fit_or_change_nothing(stage: &Stage) {
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

async fn lists_come_in_pages_of_one_version(stage: &Stage) {
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
    // Of nothing there is a list, of nothing's metadata there is none.
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

async fn watches_tell_changes_and_end_with_a_bookmark(stage: &Stage) {
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
    // What happened since, in order, then a bookmark before the end.
    let events = stage
        .watch(&watch(version, "&allowWatchBookmarks=true"))
        .await;
    assert_eq!(told(&events), ["ADDED b", "DELETED a"]);
    let (kind, bookmark) = events.last().expect("an end");
    assert_eq!(kind, "BOOKMARK", "{events:?}");
    assert_eq!(
        (&bookmark["kind"], &bookmark["apiVersion"]),
        (&json!("Secret"), &json!("v1"))
    );
    let number = |version: &Value| version.as_str().and_then(|v| v.parse::<u64>().ok());
    let at = bookmark["metadata"]["resourceVersion"].clone();
    assert!(number(&at) >= number(&events[1].1["metadata"]["resourceVersion"]));
    // From there on nothing is told twice; without the wish there is no bookmark.
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
    // One that is too old is refused within the watch.
    if let Some(fake) = &stage.fake {
        fake.compact();
    }
    let events = stage.watch(&watch("1", "&allowWatchBookmarks=true")).await;
    assert_eq!(events.len(), 1, "{events:?}");
    let (kind, status) = &events[0];
    assert_eq!((kind.as_str(), reason(status)), ("ERROR", "Expired"));
    assert_eq!(status["code"], 410);
}

async fn a_namespace_bounds_what_is_in_it(stage: &Stage) {
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

async fn tokens_leases_and_events_are_checked(stage: &Stage) {
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
    assert_eq!(token("nobody", 600).await.0, 404);

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

/// A Secret's place in a namespace of its own.
struct Place<'a> {
    stage: &'a Stage,
    namespace: String,
    path: String,
}

impl<'a> Place<'a> {
    async fn new(stage: &'a Stage) -> Self {
        let namespace = stage.namespace("a", json!({})).await;
        let path = format!("/api/v1/namespaces/{namespace}/secrets/pull");
        Self {
            stage,
            namespace,
            path,
        }
    }

    fn collection(&self) -> String {
        self.path.trim_end_matches("/pull").to_owned()
    }

    async fn apply(&self, query: &str, body: &Value) -> (u16, Value) {
        let path = format!("{}?{query}", self.path);
        self.stage.raw(Raw::patch(&path, APPLY, body.clone())).await
    }

    async fn put(&self, query: &str, body: Value) -> (u16, Value) {
        let path = format!("{}?{query}", self.path);
        self.stage.raw(Raw::new(Method::PUT, &path, body)).await
    }

    async fn make(&self, name: &str) {
        let body = theirs(name, &json!({"auths": {}}));
        self.stage.make(&self.namespace, "secrets", &body).await;
    }
}

/// A pull secret to be applied, with a login.
fn secret(login: &str) -> Value {
    let mut secret = theirs("pull", &json!({"auths": {"x.io": {"auth": login}}}));
    secret["metadata"]["labels"] = json!({"l": "x"});
    secret
}

fn reason(answer: &Value) -> &str {
    answer["reason"].as_str().unwrap_or_default()
}

fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let name = |item: &Value| {
        item["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    items.iter().map(name).collect()
}

/// Manager and operation of those who own the login.
fn owner_of_data(secret: &Value) -> Vec<String> {
    let entries = secret["metadata"]["managedFields"].as_array().cloned();
    let entries = entries.unwrap_or_default();
    let owners = entries
        .iter()
        .filter(|entry| !entry["fieldsV1"]["f:data"]["f:.dockerconfigjson"].is_null());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    owners
        .map(|entry| format!("{} {}", text(&entry["manager"]), text(&entry["operation"])))
        .collect()
}

const APPLY: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";
const BAD: (u16, &str) = (400, "BadRequest");
const CONFLICT: (u16, &str) = (409, "Conflict");
const INVALID: (u16, &str) = (422, "Invalid");
const NOT_FOUND: (u16, &str) = (404, "NotFound");
