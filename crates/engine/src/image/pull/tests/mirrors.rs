//! Mirrors of a `hosts.toml`, and which login each gets.

use super::*;

/// Writes a `hosts.toml` of `h.io` with a mirror and after it an unreachable server.
fn put_mirror_first(bench: &Bench, mirror: &FakeRegistry) {
    let text = format!(
        "server = \"http://127.0.0.1:1\"\n[host.\"http://{}\"]\ncapabilities = [\"pull\", \"resolve\"]\n",
        mirror.address()
    );
    bench.node.write("hosts/h.io/hosts.toml", &text);
}

#[tokio::test]
async fn a_mirror_opens_to_the_plugins_login_for_the_image_unless_it_is_withheld() {
    for (improvements, works) in [("", true), ("withhold-from-mirrors", false)] {
        let body = answers("Registry", None, "h.io", "AWS:right");
        let node = Node::new().plugin("p", "h.io", &[], &body);
        let registry = FakeRegistry::start(Some("AWS:right")).await;
        let mirror = FakeRegistry::start(Some("AWS:right")).await;
        let bench = Bench::improved(registry, node, improvements);
        put_mirror_first(&bench, &mirror);
        let outcome = bench.pull(PullRequest::new(IMAGE)).await;
        assert_eq!(outcome.is_ok(), works);
        let sent = mirror
            .seen()
            .iter()
            .any(|seen| seen.authorization().is_some());
        assert_eq!(sent, works);
        match outcome {
            Ok(outcome) => {
                let login = outcome.credential.expect("a credential");
                assert_eq!(login.to_string(), "plugin p (key h.io, user AWS)");
                assert_eq!(outcome.image.login_sent, Some(true));
            }
            Err(error) => {
                let refused = &error.attempts()[0].error;
                assert_eq!(refused.login_sent, Some(false));
                let step = refused.next_step.expect("a step");
                assert!(
                    step.starts_with("leave withhold-from-mirrors out"),
                    "{step}"
                );
                let verdict = error.verdict().to_string();
                assert!(verdict.ends_with(step), "{verdict}");
            }
        }
    }
}

#[tokio::test]
async fn each_secret_has_its_turn_at_a_mirror() {
    for logins in [
        [Some("a:one"), Some("a:two")],
        [Some("a:one"), Some("a:one")],
        [None, None],
    ] {
        let mirror = FakeRegistry::start(Some("b:good")).await;
        let address = mirror.address();
        let bench = Bench::new(None, Node::new()).await;
        put_mirror_first(&bench, &mirror);
        let mut pod = Pod::new();
        for (name, login, own) in [("1", logins[0], "b:stale"), ("2", logins[1], "b:good")] {
            let login = login.map(|login| ("h.io", login));
            let entries: Vec<_> = login.into_iter().chain([(&*address, own)]).collect();
            pod = pod.pull_secret_file(bench.node.write(name, &auths(&entries)));
        }
        let explained = bench.engine.explain(IMAGE, &pod, crate::Tries::all());
        let explained = explained.await.expect("a name").to_string();
        let outcome = bench.pull(PullRequest::new(IMAGE).pod(pod)).await;
        let outcome = outcome.expect("by the second secret");
        assert_eq!(outcome.attempts.len(), 1, "{logins:?}");
        let [login] = outcome.image.host_logins.as_slice() else {
            panic!("{:?}", outcome.image.host_logins);
        };
        let second = bench.node.path("2");
        let expected = format!("pull secret {} (key {address}, user b)", second.display());
        assert!(login.starts_with(&expected), "{login}");
        let end = format!("=> works with {login}");
        assert!(explained.ends_with(&end), "{explained}");
        assert_eq!(explained.matches("failed in ").count(), 1, "{explained}");
    }
}

#[tokio::test]
async fn secrets_with_equal_logins_for_the_registry_and_its_mirror_have_one_turn() {
    for logins in [&[("h.io", "a:one")][..], &[]] {
        let mirror = FakeRegistry::start(Some("b:good")).await;
        let address = mirror.address();
        let bench = Bench::new(None, Node::new()).await;
        put_mirror_first(&bench, &mirror);
        let mut pod = Pod::new();
        for (name, other) in [("1", "c:one"), ("2", "c:two")] {
            let entries = [logins, &[(&*address, "b:stale"), ("i.io", other)]].concat();
            pod = pod.pull_secret_file(bench.node.write(name, &auths(&entries)));
        }
        let refused = bench.pull(PullRequest::new(IMAGE).pod(pod)).await;
        assert_eq!(refused.expect_err("refused").attempts().len(), 1);
    }
}

#[tokio::test]
async fn the_login_of_its_own_that_a_mirror_refused_is_named_with_the_mirror() {
    let mirror = FakeRegistry::start(Some("b:mirror")).await;
    let address = mirror.address();
    let bench = Bench::new(None, Node::new()).await;
    put_mirror_first(&bench, &mirror);
    let entries = auths(&[("h.io", "a:registry"), (&address, "b:stale")]);
    bench.node.write("docker.json", &entries);
    let error = bench
        .pull(PullRequest::new(IMAGE))
        .await
        .expect_err("refused");
    let failed = &error.attempts()[0].error;
    assert_eq!(failed.login_sent, Some(false));
    let [login] = failed.host_logins.as_slice() else {
        panic!("{failed:?}");
    };
    let end = format!("(key {address}, user b), to mirror {address}");
    assert!(login.ends_with(&end), "{login}");
}

#[tokio::test]
async fn a_mirror_gets_its_own_entry_of_the_secret_even_without_one_for_the_registry() {
    for entry in [Some(("h.io", "a:registry")), None] {
        let mirror = FakeRegistry::start(Some("b:mirror")).await;
        let address = mirror.address();
        let entries: Vec<_> = entry.into_iter().chain([(&*address, "b:mirror")]).collect();
        let bench = Bench::new(Some("a:registry"), Node::new()).await;
        put_mirror_first(&bench, &mirror);
        let secret = bench.node.write("secret.json", &auths(&entries));
        let pod = Pod::new().pull_secret_file(&secret);
        let outcome = bench.pull(PullRequest::new(IMAGE).pod(pod)).await;
        let outcome = outcome.expect("by the mirror's own login");
        let label = format!(
            "pull secret {} (key {address}, user b), to mirror {address}",
            secret.display()
        );
        assert_eq!(outcome.image.host_logins, [label]);
        assert_eq!(outcome.image.login_sent, entry.map(|_| false));
    }
}
