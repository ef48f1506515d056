//! Where a plugin is asked differently than by a kubelet, on request.

use super::*;

fn improved(node: &Node, names: &str) -> Plugin {
    let engine = node.engine().improvements(names.parse().expect("known"));
    engine.build().expect("sound").plugins()[0].clone()
}

/// Not kept at all, so that only sharing saves runs.
fn unkept(scope: &str) -> String {
    answers(scope, Some("0s"), "h.io", "u:p")
}

#[tokio::test]
async fn images_of_a_registry_share_a_run_only_on_request() {
    for (names, scope, runs) in [
        ("", "Registry", 4),
        ("one-run-per-registry", "Registry", 2),
        ("one-run-per-registry", "Global", 2),
        ("one-run-per-registry", "Image", 4),
    ] {
        let node = Node::new().plugin("p", "h.io", &[], &unkept(scope));
        let plugin = improved(&node, names);
        // The scope of its answers is not known yet.
        plugin.provide("h.io/first", None).await;
        let all = tokio::join!(
            plugin.provide("h.io/a", None),
            plugin.provide("h.io/b", None),
            plugin.provide("h.io/c", None),
        );
        for provision in [&all.0, &all.1, &all.2] {
            assert_eq!(login(provision), ("h.io", "p", false));
        }
        assert_eq!(node.runs(), runs, "{names} {scope}");
    }
}

#[tokio::test]
async fn a_caller_that_shared_a_run_for_another_image_alone_gets_its_own() {
    let (registry, image) = (unkept("Registry"), unkept("Image"));
    let body = format!("if [ -e \"${{0%/*}}/../log\" ]; then\n{image}\nelse\n{registry}\nfi");
    let node = Node::new().plugin("p", "h.io", &[], &body);
    let plugin = improved(&node, "one-run-per-registry");
    plugin.provide("h.io/first", None).await;
    let both = tokio::join!(
        plugin.provide("h.io/a", None),
        plugin.provide("h.io/b", None)
    );
    assert_eq!(login(&both.0).1, "p");
    assert_eq!(login(&both.1).1, "p");
    assert_eq!(node.runs(), 3, "one to learn, one shared, one of its own");
}

#[tokio::test]
async fn a_refused_answer_is_dropped_and_the_plugin_asked_again() {
    let body = answers("Registry", None, "h.io", "u:p");
    let node = Node::new().plugin("p", "h.io", &[], &body);
    let plugin = only(&node);
    let answer_of = |provision| match provision {
        Provision::Answered { answer, .. } => answer,
        other => panic!("{other:?}"),
    };
    let first = answer_of(plugin.provide(IMAGE, None).await);
    let second = answer_of(plugin.ask(IMAGE, None, Some(&first)).await);
    assert!(!Arc::ptr_eq(&first, &second));
    // A late refusal of the first does not drop the second.
    let third = answer_of(plugin.ask(IMAGE, None, Some(&first)).await);
    assert!(Arc::ptr_eq(&second, &third));
    assert_eq!(node.runs(), 2);
}

#[tokio::test]
async fn a_bare_ip_literal_matches_only_on_request() {
    let body = answers("Image", None, "[fe80::1]", "u:p");
    let node = Node::new().plugin("p", "'[fe80::1]'", &[], &body);
    let image = "[fe80::1]/a";
    assert!(!only(&node).matches(image));
    assert!(improved(&node, "literal-ipv6").matches(image));
}
