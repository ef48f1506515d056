//! What a run that fails reports, and its exit code.

use regcred_tests::Program;
use regcred_tests::icr::API_KEY;
use serde_json::{Value, json};

use super::{PROGRAM, Stage, TARGET};

#[test]
fn a_proxy_on_the_way_to_a_cloud_is_named() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let done = stage
        .program(TARGET)
        .arg("--once")
        .env("IBMCLOUD_IAM_URL", "https://cloud.invalid")
        .env("HTTPS_PROXY", "http://alice:c4n4ry@127.0.0.1:9")
        .run();
    let report = done.stdout() + &done.stderr;
    assert_ne!(done.code(), Some(0), "{report}");
    let expected = "cannot connect to the proxy 127.0.0.1:9 (HTTPS_PROXY): Connection refused";
    assert!(report.contains(expected), "{report}");
    assert!(
        !report.contains("alice") && !report.contains("c4n4ry"),
        "{report}"
    );
}

#[test]
fn exit_codes_follow_what_happened() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let code = |program: Program| program.run().code();
    assert_eq!(code(Program::ours(PROGRAM).arg("--frobnicate")), Some(2));
    assert_eq!(
        code(Program::ours(PROGRAM).args(["--once", "--host", "us.icr.io"])),
        Some(2)
    );
    let wrong = stage.program("targets: [{name: t}]\n").arg("--check").run();
    let why = wrong.fails(2);
    assert!(
        why.contains("config.yaml cannot be used: target \"t\": "),
        "{why}"
    );
    let wrong = stage
        .program("targets: [{name: t, x: y}]\n")
        .arg("--check")
        .run();
    let why = wrong.fails(2);
    assert!(
        why.contains("config.yaml cannot be used: ") && why.contains("unknown field"),
        "{why}"
    );
    let typo = stage
        .program(TARGET)
        .args(["--print", "--target", "TYPO"])
        .run();
    let why = typo.fails(2);
    assert!(
        why.contains("target \"TYPO\" does not exist; the targets are "),
        "{why}"
    );
    assert_eq!(code(stage.program(TARGET).arg("--check")), Some(0));
    assert_eq!(code(Program::ours(PROGRAM).arg("--help")), Some(0));
    let nowhere = stage
        .program(TARGET)
        .env("KUBECONFIG", "/nonexistent")
        .arg("--once")
        .run();
    assert_eq!(
        nowhere.fails(2),
        "the kubeconfig /nonexistent cannot be used: No such file or directory (os error 2); \
         name another file with --kubeconfig or KUBECONFIG"
    );
    let closed = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    let closed = stage.file("closed", &closed.to_string());
    for command in ["--once", "--cleanup"] {
        let program = stage.program(TARGET).env("KUBECONFIG", &closed);
        let away = program.arg(command).run();
        let why = away.fails(2);
        assert!(
            why.starts_with("the namespaces cannot be listed: the user \"c\" of the kubeconfig ")
                && why.contains("the API server 127.0.0.1:9 cannot be reached: Connection refused")
                && why.contains("; check its address, its certificate, "),
            "{command}: {why}"
        );
        assert_eq!(why.trim_end().lines().count(), 1, "nothing else: {why}");
    }
    stage.file("key", "wrong");
    let nothing = stage.program(TARGET).arg("--once").run();
    assert_eq!(nothing.code(), Some(2), "nothing at all");
    let verdict = "failed for 1 of 1 objects, whose lines have the reason\n";
    assert_eq!(nothing.stderr, verdict);
    let line = nothing.stdout();
    for registry in ["us", "de", "jp"] {
        let words = format!("registry {registry}: ");
        assert_eq!(line.matches(&words).count(), 1, "each error once: {line}");
    }
    stage.file("key", API_KEY);
    assert_eq!(code(stage.program(TARGET).arg("--once")), Some(0));
    stage.file("key", "wrong");
    assert_eq!(
        code(stage.program(TARGET).arg("--once")),
        Some(4),
        "kept, and good for a while"
    );
    stage.kube.put(
        "secrets",
        json!({"metadata": {"namespace": "other", "name": "regcred"}, "type": "Opaque"}),
    );
    stage.kube.namespace("other", json!({}));
    stage.file("key", API_KEY);
    assert_eq!(
        code(stage.program(TARGET).arg("--once")),
        Some(3),
        "one of two"
    );
}

#[test]
fn reports_that_cannot_be_written_are_an_error_after_the_work() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let _ = stage.program(TARGET);
    let command = format!(
        "exec {} --once --config {} >/dev/full",
        regcred_tests::program::built(PROGRAM).display(),
        stage.directory.path().join("config.yaml").display()
    );
    let run = Program::new("/bin/sh")
        .env("KUBECONFIG", stage.kube.kubeconfig(stage.directory.path()))
        .envs(stage.iam.env())
        .args(["-c", &command])
        .run();
    assert_eq!(run.code(), Some(9), "{}", run.stderr);
    assert_eq!(stage.secrets().len(), 1, "the work is done");
}

#[test]
fn credentials_that_the_api_server_does_not_get_or_accept_are_named_and_not_shown() {
    let stage = Stage::new();
    let run = |user: &str| {
        let text = format!(
            "current-context: c\nclusters: [{{name: c, cluster: {{server: '{}'}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: ann}}}}]\n\
             users:\n- name: ann\n  user: {user}\n",
            stage.kube.url()
        );
        let file = stage.file("of-ann", &text);
        let program = stage.program(TARGET).env("KUBECONFIG", &file);
        let why = program.arg("--once").run().fails(2).to_owned();
        assert!(!why.contains("canary"), "{why}");
        why.replace(&file.display().to_string(), "FILE")
    };
    let server = stage.kube.url().replace("http://", "");
    let refused = format!(
        "the user \"ann\" of the kubeconfig FILE: the API server {server} answered 401 Unauthorized to \
         GET /api/v1/namespaces; renew or correct the credentials"
    );
    let exec = |command: &str| {
        let version = "client.authentication.k8s.io/v1";
        format!("{{exec: {{apiVersion: {version}, interactiveMode: Never, {command}}}}}")
    };
    for (user, expected) in [
        ("{token: canary}".to_owned(), refused.as_str()),
        (
            exec("command: absent-plugin"),
            "the credential plugin absent-plugin is not found",
        ),
        (
            exec("command: sh, args: [-c, 'echo canary; exit 3'], env: [{name: T, value: canary}]"),
            "the credential plugin sh failed with exit status: 3",
        ),
        (
            exec("command: echo, args: [canary]"),
            "the credential plugin echo did not write an ExecCredential",
        ),
        ("{token: canary, exec: 7}".to_owned(), "line 6 column"),
    ] {
        let why = run(&user);
        assert!(why.contains(expected) && why.contains("FILE"), "{why}");
    }
}

#[test]
fn json_has_the_identity_the_server_the_answer_the_next_step_and_the_verdict() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let run = |program: Program| {
        let run = program.args(["--once", "--output=json"]).run();
        assert_eq!(run.code(), Some(2), "{}", run.stderr);
        let text = run.stdout();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let mut lines: Vec<Value> = lines.collect();
        let last = lines.pop().expect("a verdict");
        assert_eq!(last["exitCode"], 2);
        let shown = run.stderr.lines().last().expect("a verdict");
        assert_eq!(last["verdict"], shown, "the last line of both");
        (lines, last)
    };
    let iam = |program: Program| program.env("IBMCLOUD_IAM_URL", "http://127.0.0.1:9");
    let (lines, last) = run(iam(stage.program(TARGET)));
    assert_eq!(
        last["verdict"],
        "failed for 1 of 1 objects, whose lines have the reason"
    );
    assert_eq!(lines.len(), 1, "{lines:?}");
    let failures = lines[0]["failures"].as_array().expect("failures");
    let key = stage.directory.path().join("key");
    for (failure, registry) in failures.iter().zip(["us", "de", "jp"]) {
        assert_eq!(failure["registry"], registry);
        let identity = format!(
            "the API key (icr with IBMCLOUD_API_KEY from {})",
            key.display()
        );
        assert_eq!(failure["identity"], identity);
        assert_eq!(failure["server"], "127.0.0.1:9");
        let (answer, next) = (text(&failure["answer"]), text(&failure["nextStep"]));
        assert!(
            answer.contains("cannot connect: Connection refused"),
            "{answer}"
        );
        assert!(next.starts_with("check host and port"), "{next}");
        let reason = text(&lines[0]["reason"]);
        let words = format!("registry {registry}: {answer}; {next}");
        assert!(reason.contains(&words), "{reason}");
    }
    assert_eq!(failures.len(), 3);
    let wrong = stage.kube.kubeconfig(stage.directory.path());
    let wrong = std::fs::read_to_string(wrong).expect("a kubeconfig");
    let wrong = stage.file("wrong", &wrong.replace("fake-cluster-token", "canary"));
    let (lines, last) = run(stage.program(TARGET).env("KUBECONFIG", &wrong));
    assert!(lines.is_empty(), "{lines:?}");
    let server = stage.kube.url().replace("http://", "the API server ");
    assert_eq!(
        last["failures"],
        json!([{
            "identity": format!("the user \"fake\" of the kubeconfig {}", wrong.display()),
            "server": server,
            "answer": "answered 401 Unauthorized to GET /api/v1/namespaces",
            "nextStep": "renew or correct the credentials",
        }])
    );
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
