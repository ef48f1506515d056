//! One run: what it writes, prints and reports, with and without a cluster.

use regcred_tests::Program;
use regcred_tests::icr::API_KEY;
use serde_json::{Value, json};

use super::{PROGRAM, Stage, TARGET, decode};

#[test]
fn a_run_writes_and_reports_and_has_nothing_to_do_the_second_time() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let first = stage.program(TARGET).args(["--once", "--if-needed"]).run();
    let text = first.success();
    assert!(
        text.contains("shop Secret regcred: create, hosts us.icr.io de.icr.io jp.icr.io"),
        "{text}"
    );
    assert!(text.contains("ServiceAccount default: update"), "{text}");
    assert_eq!(stage.iam.calls(), 3);
    let version = stage.kube.version();
    let again = stage
        .program(TARGET)
        .args(["--once", "--if-needed", "--output=json"])
        .run();
    let line: Value = serde_json::from_str(again.success().trim()).expect("one line of JSON");
    assert_eq!(line["action"], "unchanged");
    assert_eq!((stage.iam.calls(), stage.kube.version()), (3, version));
    // The program cannot know when it runs next unless it is told.
    let warned = stage
        .program(TARGET)
        .args(["--once", "--if-needed", "--period=4h"])
        .run();
    let _ = warned.success();
    assert!(
        warned.stderr.contains("before the next run"),
        "{}",
        warned.stderr
    );
    let removed = stage.program(TARGET).arg("--cleanup").run().success();
    assert!(removed.contains("regcred: delete"), "{removed}");
    assert!(stage.secrets().is_empty());
}

#[test]
fn the_server_checks_a_dry_run_and_stores_nothing() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    for form in ["--dry-run", "--dry-run=server"] {
        let text = stage.program(TARGET).args(["--once", form]).run().success();
        assert!(
            text.contains("shop Secret regcred: create"),
            "{form}: {text}"
        );
        assert!(stage.secrets().is_empty(), "{form}");
    }
    assert!(
        stage.kube.asked("patch", "secrets") > 0,
        "the server was asked"
    );
}

#[test]
fn the_renewers_variables_are_enough() {
    let stage = Stage::new();
    for name in ["team-a", "team-b", "other"] {
        stage.kube.namespace(name, json!({}));
    }
    let run = stage
        .bare()
        .env("DOCKER_SECRET_NAME", "renewed")
        .env("TARGET_NAMESPACE", "team-*")
        .env("EXCLUDE_NAMESPACE", "team-b")
        .env("DOCKER_REGISTRIES", "https://us.icr.io,https://de.icr.io")
        .env("IBMCLOUD_API_KEY", API_KEY)
        .arg("--once")
        .run();
    let text = run.success();
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("team-a Secret renewed: create"), "{text}");
}

#[test]
fn files_are_kept_fresh_and_printed_without_a_cluster() {
    let stage = Stage::new();
    let theirs =
        "{\n\t\"auths\": {\n\t\t\"x.io\": {\"auth\": \"eA==\"}\n\t},\n\t\"credsStore\": \"y\"\n}\n";
    let path = stage.file("config.json", theirs);
    let target = format!(
        "targets: [{{name: f, registries: [us], dockerConfig: {{path: {}, mode: '0640'}}}}]\n",
        path.display()
    );
    let program = || stage.program(&target).env("KUBECONFIG", "/nonexistent");
    let text = program().arg("--once").run().success();
    assert!(
        text.contains("config.json: update, hosts us.icr.io"),
        "{text}"
    );
    let written = std::fs::read_to_string(&path).expect("a file");
    assert!(written.contains("\"x.io\": {\"auth\": \"eA==\"}") && written.contains("credsStore"));
    let config: Value = serde_json::from_str(&written).expect("JSON");
    let password = config["auths"]["us.icr.io"]["password"]
        .as_str()
        .expect("a login");
    assert!(stage.iam.owner(password).is_some());
    let printed = program().args(["--print", "--target", "f"]).run().json();
    assert_eq!(printed["auths"]["us.icr.io"]["username"], "iambearer");
    assert!(printed["auths"]["de.icr.io"].is_null());
    let removed = program().arg("--cleanup").run().success();
    assert!(
        removed.contains("config.json: update: without the entries of us.icr.io"),
        "{removed}"
    );
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), theirs);
}

#[test]
fn relative_paths_count_from_the_configuration_and_check_shows_what_is_selected() {
    let stage = Stage::new();
    stage.file("password", "p\n");
    let text = "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
                - {name: q, provider: static, hosts: [quay.io/team], login: {username: u, passwordFile: password}}\n\
                targets:\n- {name: f, dockerConfig: {path: out/config.json}}\n\
                - name: s\n  secret: {name: pull}\n  namespaces:\n    exclude: [kube-system, 'tmp-*']\n\
                \x20   selector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: NotIn, values: [d, e]}]}\n\
                \x20 serviceAccounts: {names: [default, robot]}\n";
    let config = stage.file("own.yaml", text);
    let program = || Program::ours(PROGRAM).arg("--config").arg(&config);
    let summary = program().arg("--check").run().success();
    let out = stage.directory.path().join("out/config.json");
    for line in [
        "registry q (static): quay.io/team\n",
        "target s: Secret pull from q in *, except kube-system tmp-*, with labels a=b,c notin (d,e); \
         service accounts default robot\n",
        &format!("target f: file {} from q\n", out.display()),
    ] {
        assert!(summary.contains(line), "{line}: {summary}");
    }
    let printed = program().args(["--print", "--target", "f"]).run().json();
    assert_eq!(printed["auths"]["quay.io/team"]["password"], "p");
}

#[test]
fn an_existing_docker_configuration_becomes_a_manifest() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("config.json");
    std::fs::write(
        &path,
        r#"{"auths":{"x.io":{"auth":"dTpw"}},"credsStore":"y"}"#,
    )
    .expect("a file");
    let run = Program::ours(PROGRAM)
        .args([
            "--print",
            "--secret",
            "imported",
            "--namespace",
            "shop",
            "--from-file",
        ])
        .arg(&path)
        .run();
    let text = run.success();
    let data = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(".dockerconfigjson: "));
    let config: Value = serde_json::from_slice(&decode(data.expect("data"))).expect("JSON");
    assert_eq!(config["auths"]["x.io"]["password"], "p");
    assert!(
        text.contains("name: \"imported\"") && text.contains("namespace: \"shop\""),
        "{text}"
    );
}
