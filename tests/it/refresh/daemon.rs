//! The daemon: its log, its pages, and how it grows with the cluster.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use regcred_tests::Program;
use regcred_tests::icr::API_KEY;
use regcred_tests::need::find;
use regcred_tests::program::Running;
use serde_json::{Value, json};

use super::{Stage, TARGET, decode};

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
fn a_logged_failure_has_the_identity_the_server_the_answer_and_the_next_step() {
    let stage = Stage::new();
    stage.kube.namespace("shop", json!({}));
    stage.kube.put(
        "secrets",
        json!({"metadata": {"namespace": "other", "name": "regcred"}, "type": "Opaque"}),
    );
    stage.kube.namespace("other", json!({}));
    let address = free_address();
    let daemon = stage
        .program(TARGET)
        .env("IBMCLOUD_IAM_URL", "http://127.0.0.1:9");
    let daemon = daemon.args(["--daemon", "--listen", &address]).start();
    until("the pages", || {
        std::net::TcpStream::connect(&address).is_ok()
    });
    let url = format!("http://{address}");
    let none = [
        "errors_total{target=\"everywhere\",reason=\"foreign\"} 0\n",
        "token_refresh_total{source=\"us\",result=\"unreachable\"} 0\n",
    ];
    until("both failures", || {
        let metrics = get(&url, "/metrics");
        metrics.contains("errors_total{") && none.iter().all(|none| !metrics.contains(none))
    });
    terminate(&daemon);
    let log = daemon.finish().stderr;
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let of = |message: &str, name: &str, value: &str| {
        let mut lines = lines.iter();
        let found = lines.find(|line| {
            line["message"]
                .as_str()
                .is_some_and(|text| text.starts_with(message))
                && line[name] == value
        });
        found.unwrap_or_else(|| panic!("{message}: {log}")).clone()
    };
    let issued = of("no token issued: ", "registry", "us");
    let key = stage.directory.path().join("key");
    let identity = format!(
        "the API key (icr with IBMCLOUD_API_KEY from {})",
        key.display()
    );
    assert_eq!(issued["identity"], identity);
    assert_eq!(issued["server"], "127.0.0.1:9");
    assert!(
        issued["answer"]
            .as_str()
            .is_some_and(|text| text.contains("Connection refused"))
    );
    assert!(
        issued["next_step"]
            .as_str()
            .is_some_and(|text| text.starts_with("check host"))
    );
    let foreign = of("not up to date", "namespace", "other");
    assert_eq!(foreign["answer"], "it was created by another owner");
    let step = "set ownership, or annotate it with refresh.regcred.dev/adopt=true";
    assert_eq!(foreign["next_step"], step);
}

#[test]
fn a_daemon_that_cannot_start_ends_with_a_line_of_json_that_has_the_reason() {
    let stage = Stage::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("bound").to_string();
    let kubeconfig = stage.file("bad-kubeconfig", "clusters: 7\n");
    let kubeconfig = kubeconfig.to_str().expect("a plain path");
    for (env, start, part) in [
        (
            None,
            "cannot listen on ",
            "name another address with --listen",
        ),
        (
            Some(("KUBECONFIG", kubeconfig)),
            "the kubeconfig ",
            "correct the file",
        ),
        (
            Some(("REGCRED_LOG", "nope")),
            "REGCRED_LOG: ",
            "TARGET=LEVEL",
        ),
    ] {
        let mut daemon = stage.program(TARGET);
        let mut address = &*taken;
        if let Some((name, value)) = env {
            daemon = daemon.env(name, value);
            address = "127.0.0.1:0";
        }
        let ended = daemon.args(["--daemon", "--listen", address]).run();
        let line = ended.stderr.lines().last().expect("a line");
        let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let message = line["message"].as_str().expect("a message");
        assert!(
            message.starts_with(start) && message.contains(part),
            "{line}"
        );
        assert_eq!(line["level"], "error");
        assert_eq!(line["exit_code"].as_i64(), ended.code().map(i64::from));
        assert!(
            line["answer"].is_string() && line["time"].is_string(),
            "{line}"
        );
    }
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
pub(super) fn free_address() -> String {
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

pub(super) fn get(url: &str, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let authority = url.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(authority).expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("read");
    text
}

pub(super) fn until(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < HANGS, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(super) fn terminate(program: &Running) {
    let stop = format!("kill -TERM {}", program.id());
    let _ = Program::new("/bin/sh").args(["-c", &stop]).run().success();
}

/// Peak resident memory in KiB.
pub(super) fn resident(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/status")).expect("a process");
    let line = text
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("a peak");
    let number = line.split_whitespace().nth(1).expect("a number");
    number.parse().expect("KiB")
}

/// A test that hangs says on what before the test runner ends it.
const HANGS: Duration = Duration::from_secs(500);
