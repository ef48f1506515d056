//! `regcred-refresh` as a program: its command line, its exit codes, its pages, and how it grows with
//! the cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use regcred_tests::icr::{API_KEY, FakeIam};
use regcred_tests::need::find;
use regcred_tests::program::Running;
use regcred_tests::{FakeKube, Program};
use serde_json::{Value, json};

/// A configuration with one IBM registry for each host, and files and variables that lead to the
/// fakes.
struct Stage {
    iam: FakeIam,
    kube: FakeKube,
    directory: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let stage = Self {
            iam: FakeIam::start(),
            kube: FakeKube::start(),
            directory: tempfile::tempdir().expect("a directory"),
        };
        stage.file("key", API_KEY);
        stage
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    /// The program with the cluster, the cloud and a configuration with these targets.
    fn program(&self, targets: &str) -> Program {
        let key = self.directory.path().join("key");
        let mut text = String::from(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n\
             limits: {requestsPerSecond: 0}\nregistries:\n",
        );
        for name in ["us", "de", "jp"] {
            text.push_str(&format!(
                "- {{name: {name}, provider: icr, hosts: [{name}.icr.io], \
                 envFiles: {{IBMCLOUD_API_KEY: {}}}}}\n",
                key.display()
            ));
        }
        text.push_str(targets);
        let config = self.file("config.yaml", &text);
        self.bare().arg("--config").arg(config)
    }

    fn bare(&self) -> Program {
        Program::ours(PROGRAM)
            .env("KUBECONFIG", self.kube.kubeconfig(self.directory.path()))
            .envs(self.iam.env())
    }

    fn secrets(&self) -> Vec<Value> {
        self.kube.objects("secrets")
    }
}

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
    assert!(nowhere.fails(2).contains("kubeconfig"));
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
            why.starts_with("the namespaces cannot be listed: GET /api/v1/namespaces")
                && why.contains("the API server 127.0.0.1:9 cannot be reached: Connection refused"),
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
        "401 Unauthorized: the API server {server} does not accept the credentials of the user \"ann\" of the \
         kubeconfig FILE; renew or correct them"
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
fn the_daemon_logs_json_without_tokens_and_stops_on_sigterm() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let daemon = stage
        .program(TARGET)
        .env("REGCRED_LOG", "trace,kube=trace,hyper=debug");
    let daemon = daemon.args(["--daemon", "--listen", "127.0.0.1:0"]).start();
    until("the Secret", || stage.secrets().len() == 1);
    let lease = stage
        .kube
        .object("leases", "kube-system", "regcred-refresh")
        .expect("a Lease");
    assert_ne!(lease["spec"]["holderIdentity"], "");
    terminate(&daemon);
    let finished = daemon.finish();
    assert_eq!(finished.code(), Some(0), "{}", finished.stderr);
    let lease = stage
        .kube
        .object("leases", "kube-system", "regcred-refresh")
        .expect("a Lease");
    assert!(lease["spec"]["holderIdentity"].is_null(), "released");
    let secret = stage.secrets().remove(0);
    let data = secret["data"][".dockerconfigjson"].as_str().expect("data");
    let config: Value = serde_json::from_slice(&decode(data)).expect("JSON");
    for line in finished.stderr.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        assert!(line["time"].is_string() && line["level"].is_string());
    }
    for host in ["us.icr.io", "de.icr.io", "jp.icr.io"] {
        let password = config["auths"][host]["password"].as_str().expect("a login");
        assert!(!finished.stderr.contains(password));
        for kind in ["events", "leases", "serviceaccounts"] {
            for object in stage.kube.objects(kind) {
                assert!(!object.to_string().contains(password), "{object}");
            }
        }
        assert!(!secret["metadata"].to_string().contains(password));
        assert!(
            stage
                .kube
                .lines()
                .iter()
                .all(|line| !line.contains(password))
        );
    }
    assert!(!finished.stderr.contains(API_KEY) && !finished.stderr.contains(data));
    assert!(!finished.stderr.contains("fake-cluster-token"));
}

#[test]
fn a_browser_shows_the_status_page() {
    let browsers = [
        "chromium",
        "chromium-browser",
        "google-chrome",
        "headless_shell",
    ];
    let found = browsers.iter().find_map(|name| find(name));
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    let (mut daemon, url) = listening(&stage, TARGET);
    until("the first pass", || {
        get(&url, "/").contains("Up to date: 1 of 1 objects")
    });
    let html = match &found {
        Some(browser) => Program::new(browser)
            .env("HOME", stage.directory.path())
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--virtual-time-budget=1000",
                "--dump-dom",
                url.as_str(),
            ])
            .run()
            .success(),
        None => {
            println!("no Chromium on PATH: the page is read by an HTTP client only");
            get(&url, "/")
        }
    };
    for text in [
        "regcred-refresh",
        "ready",
        "us.icr.io",
        "everywhere",
        "Registries",
        "in 59 min",
    ] {
        assert!(html.contains(text), "{text}: {html}");
    }
    daemon.kill();
}

/// Three Secrets in each namespace; how many namespaces says how time and memory grow.
#[test]
fn thousands_of_namespaces_cost_three_tokens_and_one_write_each() {
    let mut figures = Vec::new();
    for namespaces in [500, 5_000] {
        let stage = Stage::new();
        for n in 0..namespaces {
            stage.kube.namespace(&format!("tenant-{n:05}"), json!({}));
        }
        let secrets = namespaces * 3;
        let target = "targets:\n- name: all\n  secret: {name: '{registry}-pull'}\n  \
                      namespaces: {include: ['tenant-*']}\n";
        let started = Instant::now();
        let (mut daemon, url) = listening(&stage, target);
        let done = format!("secrets_managed{{target=\"all\"}} {secrets}");
        while !get(&url, "/metrics").contains(&done) {
            std::thread::sleep(Duration::from_millis(200));
        }
        let took = started.elapsed();
        assert_eq!(stage.iam.calls(), 3, "one token for each registry");
        assert_eq!(
            stage.kube.asked("patch", "secrets"),
            secrets,
            "one write for each Secret"
        );
        assert_eq!(stage.kube.count("secrets"), secrets);
        // From one renewal of the Lease to the next but one: nothing else, and a watch whose time has
        // ended.
        let renewals =
            |counts: &BTreeMap<String, usize>| counts.get("update leases").copied().unwrap_or(0);
        let next = || {
            let before = renewals(&stage.kube.counts());
            until("a renewal", || renewals(&stage.kube.counts()) > before);
        };
        next();
        let (version, requests) = (stage.kube.version(), stage.kube.counts());
        next();
        next();
        let changed = stage.kube.version() - version;
        let now = stage.kube.counts();
        let quiet = |what: &str| what.ends_with(" leases") || what.starts_with("watch ");
        for (what, count) in now.iter().filter(|(what, _)| !quiet(what)) {
            assert_eq!(
                requests.get(what),
                Some(count),
                "{what} was repeated though nothing is due"
            );
        }
        let renewed = (renewals(&now) - renewals(&requests)) as u64;
        // One may have been under way when its version was read.
        assert!(changed <= renewed + 1, "only the Lease changes: {changed}");
        let memory = resident(daemon.id());
        daemon.kill();
        figures.push((namespaces, secrets, took, memory));
        println!(
            "{namespaces} namespaces, {secrets} Secrets: {:.1} s, peak memory {:.1} MiB",
            took.as_secs_f64(),
            memory as f64 / 1024.0
        );
    }
    let [small, large] = figures[..] else {
        unreachable!("two sizes");
    };
    let growth = large.3.saturating_sub(small.3) as f64 / (large.1 - small.1) as f64;
    println!("{growth:.2} KiB of memory for each further Secret");
    assert!(growth < 4.0, "{growth} KiB for each Secret");
    assert!(large.3 < 160 * 1024, "{} KiB", large.3);
}

/// Starts the daemon; returns the address of its pages.
fn listening(stage: &Stage, targets: &str) -> (Running, String) {
    let address = free_address();
    let daemon = stage.program(targets).limit(Duration::from_secs(600));
    let daemon = daemon.args(["--daemon", "--listen", &address]).start();
    let url = format!("http://{address}");
    until("the pages", || {
        std::net::TcpStream::connect(&address).is_ok()
    });
    (daemon, url)
}

/// Below the ports that the system gives to whoever asks for any, so that none of the servers of
/// other tests can take it before the daemon does.
fn free_address() -> String {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    let candidates = std::iter::repeat_with(|| {
        let number = std::process::id() + TAKEN.fetch_add(1, Ordering::Relaxed);
        format!("127.0.0.1:{}", 20_000 + number % 12_000)
    });
    candidates
        .take(100)
        .find(|address| std::net::TcpListener::bind(address).is_ok())
        .expect("a free port")
}

fn get(url: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let authority = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(authority).expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("read");
    text
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < HANGS, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn terminate(program: &Running) {
    let stop = format!("kill -TERM {}", program.id());
    let _ = Program::new("/bin/sh").args(["-c", &stop]).run().success();
}

/// Peak resident memory in KiB.
fn resident(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let line = text
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("KiB")
}

fn decode(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}

/// A test that hangs says on what before the test runner ends it.
const HANGS: Duration = Duration::from_secs(500);
const PROGRAM: &str = "regcred-refresh";
const TARGET: &str = "targets:
- name: everywhere
  secret: {name: regcred}
  namespaces: {include: ['*'], exclude: ['kube-*', default]}
  serviceAccounts: {names: [default]}
";
