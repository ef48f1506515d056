use regcred_core::{Env, ErrorKind};
use regcred_registry::Hosts;

use super::*;
use crate::testing::{FakeRegistry, Node, answers, auths};

mod servers;

const IMAGE: &str = "h.io/team/app:v1";

fn engine(node: &Node, hosts: Hosts) -> Engine {
    let mut builder = Engine::builder(&Env::default())
        .docker_configs(["first.json", "docker.json", "later.json"].map(|name| node.path(name)))
        .hosts(hosts);
    if node.has_plugins() {
        builder = builder
            .provider_config(node.path("config.yaml"))
            .bin_dir(node.path("bin"));
    }
    builder.build().expect("sound")
}

/// The text with the node's directory, all times and the width of columns replaced.
fn text(node: &Node, explanation: &Explanation) -> String {
    let root = node.path("").display().to_string();
    let plain = explanation
        .to_string()
        .replace(root.trim_end_matches('/'), "ROOT");
    let lines = plain.lines().map(|line| {
        let words = line.trim_start();
        let indent = &line[..line.len() - words.len()];
        let cells: Vec<&str> = words.split("  ").map(str::trim).collect();
        let cells: Vec<&str> = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
        format!("{indent}{}", without_times(&cells.join("  ")))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `T s` for `0.31 s`.
fn without_times(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    for at in 1..words.len() {
        if words[at].trim_end_matches(|c: char| c.is_ascii_punctuation()) == "s"
            && words[at - 1].parse::<f64>().is_ok()
        {
            words[at - 1] = "T";
        }
    }
    words.join(" ")
}

/// A node with something of everything.
fn full_node() -> Node {
    let node = Node::new()
        .plugin(
            "ecr",
            "'*.dkr.ecr.*.amazonaws.com', 'h.io/*', h.io/team",
            &[],
            &answers("Registry", Some("12h"), "h.io", "AWS:canary1"),
        )
        .plugin("gcr", "gcr.io", &[], "exit 1")
        .plugin("bad", "h.io", &[], "echo cannot find a role >&2; exit 5");
    node.write(
        "docker.json",
        &auths(&[("https://h.io/v2/", "node:canary2"), ("i.io", "x:canary3")]),
    );
    node.write("first.json", "broken");
    node.write(
        "secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: {name: regcred, namespace: web}\ntype: \
         kubernetes.io/dockerconfigjson\nstringData:\n  .dockerconfigjson: \
         '{\"auths\":{\"h.io\":{\"username\":\"pod\",\"password\":\"canary4\"}}}'\n",
    );
    node
}

#[tokio::test]
async fn without_trying_it_reads_files_only() {
    let node = full_node();
    let engine = engine(&node, Hosts::none());
    let pod = Pod::new().pull_secret_file(node.path("secret.yaml"));
    let explained = engine
        .explain(IMAGE, &pod, Tries::default())
        .await
        .expect("a name");
    let text = text(&node, &explained);
    assert_eq!(text, include_str!("tests/files.txt").trim_end(), "\n{text}");
    assert_eq!(node.runs(), 0);
    assert_eq!(explained.failure(), None);
}

#[tokio::test]
async fn trying_runs_plugins_and_asks_the_registry() {
    let node = full_node();
    let registry = FakeRegistry::start(Some("AWS:canary1")).await;
    let engine = engine(&node, Hosts::new([registry.stand_for_h_io(&node)]));
    let pod = Pod::new().pull_secret_file(node.path("secret.yaml"));
    let explained = engine
        .explain(IMAGE, &pod, Tries::all())
        .await
        .expect("a name");
    let text = text(&node, &explained).replace(registry.digest().as_str(), "DIGEST");
    let text = text.replace(&registry.address(), "ADDRESS");
    assert_eq!(text, include_str!("tests/tried.txt").trim_end(), "\n{text}");
    assert_eq!(explained.failure(), None);
    let json = serde_json::to_string(&explained).expect("serializable");
    assert!(!json.contains("canary") && !format!("{explained:?}{text}").contains("canary"));
    assert!(
        !registry
            .seen()
            .iter()
            .any(|seen| seen.path.contains("blobs"))
    );
}

#[tokio::test]
async fn the_json_has_stable_names() {
    let node = Node::new().plugin("p", "h.io", &[], &answers("Image", None, "h.io", "u:p"));
    let engine = engine(&node, Hosts::none());
    let tries = Tries {
        plugins: true,
        registry: false,
    };
    let explained = engine
        .explain(IMAGE, &Pod::new(), tries)
        .await
        .expect("a name");
    let mut json = serde_json::to_value(&explained).expect("serializable");
    let took = json["providers"][0]["state"]["took"].take();
    assert!(took.is_f64());
    assert_eq!(json["defaultPolicy"], "IfNotPresent");
    assert_eq!(
        json["verdict"],
        serde_json::json!({
            "result": "untried", "plugins": 0, "credentials": 1,
            "first": {"source": "plugin p", "key": "h.io", "username": "u"}, "failures": []
        })
    );
    assert_eq!(
        json["providerKeys"][0],
        serde_json::json!({
            "key": "h.io", "used": true, "verdict": "matches", "reason": {"kind": "matched"},
            "logins": [{"source": "plugin p", "server": "h.io", "username": "u", "notes": []}]
        })
    );
    assert_eq!(
        json["providers"][0],
        serde_json::json!({
            "name": "p",
            "program": node.path("bin/p"),
            "tokenMode": false,
            "matchImages": [
                {
                    "pattern": "h.io", "matched": true, "verdict": "matches",
                    "reason": {"kind": "matched"}, "warnings": []
                }
            ],
            "state": {
                "state": "answered", "keys": ["h.io"], "cacheKeyType": "Image",
                "cacheDuration": null, "cached": false, "took": null
            }
        })
    );
    assert_eq!(
        json["candidates"][0],
        serde_json::json!({
            "source": "plugin p", "key": "h.io", "username": "u", "sameAs": null, "trial": null
        })
    );
}

#[tokio::test]
async fn nothing_at_all_means_anonymous() {
    let node = Node::new();
    let registry = FakeRegistry::start(None).await;
    let engine = engine(&node, Hosts::new([registry.stand_for_h_io(&node)]));
    let explained = engine
        .explain(IMAGE, &Pod::new(), Tries::default())
        .await
        .expect("a name");
    assert_eq!(
        explained.verdict.to_string(),
        "no credential: one anonymous attempt"
    );
    let explained = engine
        .explain(IMAGE, &Pod::new(), Tries::all())
        .await
        .expect("a name");
    assert_eq!(explained.verdict.to_string(), "works without a credential");
    let text = text(&node, &explained);
    assert!(
        text.contains("1. pull secrets of the pod: none\n"),
        "{text}"
    );
    assert!(
        text.contains("2. node docker config: none\n   3 files looked for, none found:\n"),
        "{text}"
    );
    assert!(
        text.contains("3. credential provider plugins: no configuration given\n"),
        "{text}"
    );
}

#[tokio::test]
async fn refusals_and_dead_registries_are_distinguished() {
    let node = Node::new();
    node.write(
        "docker.json",
        &auths(&[("h.io", "u:stale"), ("h.io/team", "u:stale")]),
    );
    let registry = FakeRegistry::start(Some("u:p")).await;
    let hosts = Hosts::new([registry.stand_for_h_io(&node)]);
    let refused = engine(&node, hosts.clone());
    let explained = refused
        .explain(IMAGE, &Pod::new(), Tries::all())
        .await
        .expect("a name");
    assert!(
        explained
            .verdict
            .to_string()
            .starts_with("fails with docker config ")
    );
    assert_eq!(explained.failure(), Some(ErrorKind::Denied));
    let text = text(&node, &explained);
    assert!(text.contains("same login as 1, not tried again"), "{text}");

    node.write("hosts/h.io/hosts.toml", "server = \"http://127.0.0.1:1\"\n");
    let dead = engine(&node, hosts);
    let explained = dead
        .explain(IMAGE, &Pod::new(), Tries::all())
        .await
        .expect("a name");
    let conclusion = explained.verdict.to_string();
    assert!(
        conclusion.starts_with("fails without a credential (not sent: docker config "),
        "{conclusion}"
    );
    assert_eq!(explained.failure(), Some(ErrorKind::Unreachable));
}

#[tokio::test]
async fn a_plugin_is_asked_again_when_a_pull_would() {
    let log = r#""${0%/*}/../log""#;
    let (first, second) = ["u:first", "u:second"]
        .map(|login| answers("Registry", None, "h.io", login))
        .into();
    let body = format!("if [ -e {log} ]; then\n{second}\nelse\n{first}\nfi");
    let node = Node::new().plugin("p", "h.io", &[], &body);
    let registry = FakeRegistry::start(Some("u:second")).await;
    let engine = Engine::builder(&Env::default())
        .provider_config(node.path("config.yaml"))
        .bin_dir(node.path("bin"))
        .hosts(Hosts::new([registry.stand_for_h_io(&node)]))
        .improvements("ask-again".parse().expect("known"))
        .build()
        .expect("sound");
    for (runs, works) in [(1, false), (2, true)] {
        let explained = engine.explain(IMAGE, &Pod::new(), Tries::all()).await;
        let explained = explained.expect("a name");
        assert_eq!(node.runs(), runs);
        assert_eq!(explained.failure().is_none(), works, "{explained}");
        assert_eq!(explained.candidates.len(), runs, "{explained}");
    }
}

#[tokio::test]
async fn a_broken_pull_secret_fails_and_the_other_sources_are_shown() {
    let node = full_node();
    let engine = engine(&node, Hosts::none());
    let pod = Pod::new().pull_secret("secret", b"{\"auths\":[]}".to_vec());
    let explained = engine
        .explain(IMAGE, &pod, Tries::all())
        .await
        .expect("a name");
    let conclusion = explained.verdict.to_string();
    assert!(
        conclusion.starts_with("every pull of this pod fails before any attempt: "),
        "{conclusion}"
    );
    assert_eq!(node.runs(), 0);
    assert_eq!(explained.failure(), Some(ErrorKind::NotConfigured));
    let text = text(&node, &explained);
    for part in [
        "1. pull secrets of the pod\n   error: cannot parse the pull secret file secret",
        "2. node docker config: ROOT/docker.json\n",
        "match  h.io  user node",
        "a pull would ask it",
        "\norder of attempts: none\n",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[tokio::test]
async fn the_last_line_has_the_plugins_that_failed() {
    let node = Node::new().plugin("p", "h.io", &[], "echo no role >&2; exit 5");
    let failed = "plugin p failed: failed to get credential from external registry credential \
                  provider: error execing credential provider plugin p for image h.io/team/app: \
                  exit status 5: no role";
    let registry = FakeRegistry::start(Some("u:p")).await;
    let hosts = Hosts::new([registry.stand_for_h_io(&node)]);
    for (config, tries, begins) in [
        ("{}".to_owned(), Tries::all(), "=> fails"),
        (auths(&[("h.io", "u:x")]), Tries::all(), "=> fails"),
        (
            "{}".to_owned(),
            Tries {
                plugins: true,
                registry: false,
            },
            "=> no credential: one anonymous attempt",
        ),
    ] {
        node.write("docker.json", &config);
        let engine = engine(&node, hosts.clone());
        let explained = engine.explain(IMAGE, &Pod::new(), tries).await;
        let text = explained.expect("a name").to_string();
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with(begins) && last.contains(failed), "{last}");
        let asked = last.ends_with("; repair what stopped the plugin");
        assert_eq!(asked, tries.registry, "{last}");
    }
    node.write("docker.json", &auths(&[("h.io", "u:p")]));
    let engine = engine(&node, hosts);
    let explained = engine.explain(IMAGE, &Pod::new(), Tries::all()).await;
    let text = explained.expect("a name").to_string();
    let last = text.lines().last().unwrap_or_default();
    let path = node.path("docker.json");
    let works = format!(
        "=> works with docker config {} (key h.io, user u)",
        path.display()
    );
    assert_eq!(last, works);
}

#[tokio::test]
async fn foreign_text_cannot_control_the_terminal() {
    let node = Node::new().plugin("p", "h.io", &[], r"printf '\033[2Jone\ntwo' >&2; exit 1");
    let engine = engine(&node, Hosts::none());
    let tries = Tries {
        plugins: true,
        registry: false,
    };
    let explained = engine
        .explain(IMAGE, &Pod::new(), tries)
        .await
        .expect("a name");
    let text = explained.to_string();
    assert!(text.contains("exit status 1:  [2Jone two"), "{text}");
    assert!(!text.contains('\u{1b}'));
}

#[tokio::test]
async fn an_invalid_name_is_an_error() {
    let engine = engine(&Node::new(), Hosts::none());
    let explained = engine
        .explain("h.io/App", &Pod::new(), Tries::default())
        .await;
    assert!(explained.is_err());
}

#[tokio::test]
async fn many_keys_without_a_match_are_counted() {
    let node = Node::new();
    let logins: Vec<String> = (0..25).map(|n| format!("r{n}.io")).collect();
    let logins: Vec<(&str, &str)> = logins.iter().map(|host| (host.as_str(), "u:p")).collect();
    node.write("docker.json", &auths(&logins));
    let engine = engine(&node, Hosts::none());
    let explained = engine
        .explain(IMAGE, &Pod::new(), Tries::default())
        .await
        .expect("a name");
    assert_eq!(explained.docker_config_keys.len(), 25);
    let text = explained.to_string();
    assert!(text.contains("and 15 more that do not match"), "{text}");
    assert_eq!(
        text.lines().filter(|line| line.contains("user u")).count(),
        10
    );
}
