//! The servers of the image's registry.

use super::*;

#[tokio::test]
async fn each_server_is_listed_with_what_it_was_asked_and_what_it_answered() {
    let node = Node::new();
    let (refusing, opening) = (
        FakeRegistry::start(Some("x:y")).await,
        FakeRegistry::start(Some("own:mirror")).await,
    );
    let (one, two) = (refusing.address(), opening.address());
    node.write(
        "docker.json",
        &auths(&[("h.io", "u:p"), (&two, "own:mirror")]),
    );
    let hosts = format!(
        "server = \"http://127.0.0.1:1\"\n[host.\"http://{one}\"]\n[host.\"http://{two}\"]\n\
         [host.\"http://digests.invalid\"]\ncapabilities = [\"pull\"]\n"
    );
    node.write("hosts/h.io/hosts.toml", &hosts);
    let engine = engine(&node, Hosts::new([node.path("hosts")]));
    let explained = engine.explain(IMAGE, &Pod::new(), Tries::all()).await;
    let explained = explained.expect("a name");
    let text = text(&node, &explained)
        .replace(&one, "ONE")
        .replace(&two, "TWO");
    let own = "docker config ROOT/docker.json (key TWO, user own)";
    for lines in [
        format!(
            "4. servers: ROOT/hosts/h.io/hosts.toml\n   \
             http://ONE/v2  mirror  gets the image's credential\n   \
             http://TWO/v2  mirror  gets its own login: {own}\n   \
             http://digests.invalid/v2  mirror  not asked: it has no capability resolve\n   \
             http://127.0.0.1:1/v2  registry  gets the image's credential\n"
        ),
        "http://ONE/v2  mirror  GET manifests/v1  with the image's credential  pull access denied \
         for h.io/team/app"
            .to_owned(),
        format!(
            "http://TWO/v2  mirror  GET manifests/v1  with {own}, to mirror TWO  answered 200\n"
        ),
        "http://127.0.0.1:1/v2  registry  not asked\n".to_owned(),
        format!("=> works with {own}, to mirror TWO"),
    ] {
        assert!(text.contains(&lines), "{lines}\n\n{text}");
    }
    let json = serde_json::to_value(&explained).expect("serializable");
    let hosts = &json["hosts"];
    assert_eq!(
        hosts["file"],
        node.path("hosts/h.io/hosts.toml").display().to_string()
    );
    assert_eq!(
        hosts["servers"][0]["login"],
        serde_json::json!({"kind": "image"})
    );
    let asked = &json["candidates"][0]["trial"]["servers"][1]["asked"];
    assert_eq!(
        (&asked["status"], &asked["imageLoginSent"]),
        (&200.into(), &false.into())
    );
    assert!(json["candidates"][0]["trial"]["servers"][3]["asked"].is_null());
}

#[tokio::test]
async fn a_login_that_a_public_image_does_not_need_is_reported_as_not_sent() {
    let node = Node::new();
    node.write("docker.json", &auths(&[("h.io", "u:p")]));
    let registry = FakeRegistry::start(None).await;
    let engine = engine(&node, Hosts::new([registry.stand_for_h_io(&node)]));
    let explained = engine.explain(IMAGE, &Pod::new(), Tries::all()).await;
    let verdict = explained.expect("a name").verdict.to_string();
    let end = "user u), not sent: the registry returned the image without it";
    assert!(verdict.ends_with(end), "{verdict}");
}

#[tokio::test]
async fn what_a_runtime_passes_over_in_hosts_toml_is_shown_before_anything_is_asked() {
    let node = Node::new();
    for (text, why) in [
        ("[host.\"httpx://m\"]", ": \"httpx://m\" is not an http"),
        ("server = 1", " cannot be used: server is not a string"),
    ] {
        node.write("hosts/h.io/hosts.toml", text);
        let engine = engine(&node, Hosts::new([node.path("hosts")]));
        let explained = engine.explain(IMAGE, &Pod::new(), Tries::default()).await;
        let explained = explained.expect("a name");
        let [warning] = explained.hosts.warnings.as_slice() else {
            panic!("{:?}", explained.hosts.warnings);
        };
        let start = format!("{:?}{why}", node.path("hosts/h.io/hosts.toml"));
        assert!(warning.starts_with(&start), "{warning}");
        assert!(
            explained
                .to_string()
                .contains(&format!("warning: {warning}"))
        );
    }
}
