//! Departures from the kubelet that are switched on by name.

use super::*;

#[tokio::test]
async fn a_stale_login_fails_a_public_image_unless_anonymous_comes_last() {
    for (improvements, works) in [("", false), ("anonymous-last", true)] {
        let node = Node::new();
        node.write("docker.json", &auths(&[("h.io", "u:stale")]));
        let bench = Bench::improved(FakeRegistry::start_public().await, node, improvements);
        match bench.pull(PullRequest::new(IMAGE)).await {
            Ok(outcome) => {
                assert!(works && outcome.credential.is_none());
                assert!(matches!(&outcome.attempts[..], [one] if one.error.refused));
            }
            Err(error) => {
                assert!(!works, "{error}");
                assert_eq!(error.attempts().len(), 1);
            }
        }
        let node = Node::new();
        let bench = Bench::improved(FakeRegistry::start(Some("u:p")).await, node, improvements);
        let error = bench
            .pull(PullRequest::new(IMAGE))
            .await
            .expect_err("private");
        assert_eq!(error.attempts().len(), 1, "anonymous once");
    }
}

#[tokio::test]
async fn a_refused_answer_from_the_cache_is_asked_for_again_on_request() {
    let (first, second) = (
        answers("Registry", None, "h.io", "u:first"),
        answers("Registry", None, "h.io", "u:second"),
    );
    let log = r#""${0%/*}/../log""#;
    let body = format!("if [ -e {log} ]; then\n{second}\nelse\n{first}\nfi");
    for (improvements, works, runs) in [("", false, 1), ("ask-again", true, 2)] {
        let node = Node::new().plugin("p", "h.io", &[], &body);
        let bench = Bench::improved(
            FakeRegistry::start(Some("u:second")).await,
            node,
            improvements,
        );
        let fresh = bench.pull(request(PullPolicy::Always)).await;
        let fresh = fresh.expect_err("the first answer is not good");
        assert_eq!(
            bench.node.runs(),
            1,
            "an answer of this moment is not asked again: {fresh}"
        );
        let result = bench.pull(request(PullPolicy::Always)).await;
        assert_eq!(bench.node.runs(), runs);
        match result {
            Ok(outcome) => {
                assert!(works);
                assert_eq!(outcome.attempts.len(), 1);
                assert_eq!(outcome.credential.expect("one").source, "plugin p");
            }
            Err(error) => assert!(!works, "{error}"),
        }
    }
}
