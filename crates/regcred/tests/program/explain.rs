//! `explain`: a tree with events on a terminal, the same text as ever elsewhere, and JSON of the published
//! form.

use std::fs;

use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeRegistry, Image, Node, Program, assert_matches_schema, need};
use serde_json::Value;

/// A node whose docker configuration has a login that has expired, and two plugins: of one the registry
/// refuses the login, and the other fails.
struct Stage {
    node: Node,
    registry: FakeRegistry,
}

impl Stage {
    fn set() -> Self {
        let registry = FakeRegistry::start(Access::Open);
        registry.push("team/app", "v1", &Image::single(71, 1, 1_000));
        let mut node = Node::new();
        let host = registry.server().authority();
        let answer = format!(
            "cat <<E\n{{\"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\"kind\":\
             \"CredentialProviderResponse\",\"cacheKeyType\":\"Registry\",\"auth\":{{\"{host}\":\
             {{\"username\":\"u\",\"password\":\"canary\"}}}}}}\nE\n"
        );
        node.add_script("answering", &[&host, "*.example.com"], &answer);
        node.add_script("failing", &[&host], "exit 3\n");
        node.add_script("other", &["x.io/*"], "exit 1\n");
        // {"exp":1}
        let config = format!(
            "{{\"auths\":{{\"{host}\":{{\"username\":\"old\",\"password\":\"e30.eyJleHAiOjF9.canary\"}}}}}}"
        );
        fs::write(node.root().join("home/config.json"), config).expect("a file");
        Self { node, registry }
    }

    fn explain(&self, flags: &[&str]) -> Program {
        let image = format!("{}/team/app:v1", self.registry.server().authority());
        self.node.regcred("explain").args(flags).arg(image)
    }
}

fn json(program: Program) -> Value {
    let done = program.run();
    assert!(!done.stdout().contains("canary"), "{}", done.stdout());
    serde_json::from_slice(done.bytes()).unwrap_or_else(|error| panic!("{error}: {}", done.stderr))
}

#[test]
fn the_json_has_the_published_form() {
    let stage = Stage::set();
    let secret = stage.node.root().join("secret.json");
    fs::write(&secret, "{\"auths\":{\"team.io\":{\"auth\":\"dTpw\"}}}").expect("a file");
    let secret = secret.display().to_string();
    let broken = stage.node.root().join("broken.json");
    fs::write(&broken, "{").expect("a file");
    let broken = broken.display().to_string();
    let tried = json(stage.explain(&["--try", "--json", "--pull-secret", &secret]));
    assert_eq!(tried["providers"][1]["state"]["state"], "failed");
    assert!(
        tried["candidates"][0]["trial"]["servers"][0]["asked"].is_object(),
        "{tried:#}"
    );
    let untried = json(stage.explain(&["--json"]));
    assert_eq!(untried["verdict"]["result"], "untried");
    let not_read = json(stage.explain(&["--json", "--pull-secret", &broken]));
    assert_eq!(not_read["verdict"]["result"], "pullSecretError");
    let hub = json(stage.node.regcred("explain").args(["--json", "nginx"]));
    for found in [&tried, &untried, &not_read, &hub] {
        assert_matches_schema(found, "explain");
    }
    let mut more = tried;
    more["hosts"]["more"] = "x".into();
    let refused = std::panic::catch_unwind(|| assert_matches_schema(&more, "explain"));
    assert!(
        refused.is_err(),
        "a field that is not in the schema is seen"
    );
}

#[test]
fn what_a_check_finds_about_the_images_sources_is_before_the_verdict() {
    let stage = Stage::set();
    let shown = stage.explain(&[]).run().stdout();
    let (_, findings) = shown
        .split_once("\nfindings about these sources\n")
        .expect(&shown);
    let lines: Vec<_> = findings.lines().collect();
    let expired = "expired at 1970-01-01T00:00:01Z; fix: use a credential provider";
    let is_it = |line: &&str| line.starts_with("   warning: ") && line.contains(expired);
    assert!(lines.iter().any(is_it), "{shown}");
    assert!(
        lines.last().expect("a verdict").starts_with("=> "),
        "{shown}"
    );
    let found = json(stage.explain(&["--json"]));
    assert_eq!(found["findings"][0]["severity"], "warning");
    // Neither the login nor the plugins are for this image.
    let other = stage.node.regcred("explain").arg("y.io/app").run().stdout();
    assert!(!other.contains("findings about"), "{other}");
}

#[test]
fn a_terminal_shows_events_and_a_tree_that_fits_and_what_is_not_one_plain_lines() {
    let stage = Stage::set();
    let Some(script) = need("script") else {
        return;
    };
    let plain = stage.explain(&["--try"]).run();
    assert_eq!(plain.stderr, "", "no events without a terminal");
    assert!(
        !plain.stdout().contains(['├', '\u{1b}']),
        "{}",
        plain.stdout()
    );
    let on_terminal = |variables: &[(&str, &str)]| {
        let node = &stage.node;
        let command = format!(
            "stty cols 60 rows 24; exec {} explain --try --root-dir {home} --hosts-dir {} \
             --image-credential-provider-config {} --image-credential-provider-bin-dir {} {}/team/app:v1",
            env!("CARGO_BIN_EXE_regcred"),
            node.hosts_dir().display(),
            node.config().display(),
            node.bin_dir().display(),
            stage.registry.server().authority(),
            home = node.root().join("home").display(),
        );
        let mut program = Program::new(&script).args(["-qec", &command, "/dev/null"]);
        program = program
            .env("HOME", node.root().join("home"))
            .env("PATH", "/usr/bin:/bin");
        for (name, value) in variables {
            program = program.env(*name, value);
        }
        program.run().stdout().replace('\r', "")
    };
    let coloured = on_terminal(&[("TERM", "xterm")]);
    for part in [
        "\u{1b}[32mmatch",
        "├─ ",
        "└─ ",
        "plugin answering: 1 key in ",
        "asking the registry: ",
    ] {
        assert!(coloured.contains(part), "{part:?}: {coloured}");
    }
    let without = on_terminal(&[("TERM", "xterm"), ("NO_COLOR", "1")]);
    assert!(
        without.contains("├─ ") && !without.contains('\u{1b}'),
        "{without}"
    );
    let (_, tree) = without.split_once("\nimage ").expect(&without);
    let fits = |line: &&str| {
        line.chars().count() <= 60
            || !line[..]
                .trim_start_matches(['│', '├', '└', '─', ' '])
                .contains(' ')
    };
    assert!(tree.lines().all(|line| fits(&line)), "{tree}");
    let dumb = on_terminal(&[("TERM", "dumb")]);
    assert!(
        !dumb.contains('├') && dumb.contains("\n1. pull secrets"),
        "{dumb}"
    );
}
