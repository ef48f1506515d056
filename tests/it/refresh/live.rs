//! Two daemons against a real API server, with tenants that edit without pause, slow clients on the pages, and a
//! server that goes away. See docs/refresh.md, "Testing against a real API server".

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use regcred_core::Env;
use regcred_tests::Program;
use regcred_tests::program::Running;
use serde_json::{Value, json};

use super::Stage;
use super::daemon::{free_address, get, resident, until};

#[test]
#[ignore = "needs a test cluster in REGCRED_TEST_KUBECONFIG"]
fn live_load_and_faults_cost_two_daemons_few_requests_and_little_memory() {
    let cluster = Cluster::of_environment();
    let stage = Stage::new();
    for n in 0..TENANTS {
        cluster.namespace(&format!("t{n}"));
    }
    let way = free_address();
    let mut on_the_way = cluster.proxy(&way);
    let kubeconfig = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{way}")}}],
        "users": [{"name": "c", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    });
    let kubeconfig = stage.file("live", &kubeconfig.to_string());
    let id = &cluster.id;
    let target = format!(
        "leaderElection: {{name: {id}, namespace: {id}-t0, leaseDuration: 5s}}\n\
         targets: [{{name: all, secret: {{name: regcred}}, namespaces: {{include: ['{id}-*']}}}}]\n"
    );
    let start = || {
        let address = free_address();
        let program = stage.program(&target).env("KUBECONFIG", &kubeconfig);
        let program = program.args(["--daemon", "--listen", &address]);
        let daemon = program.limit(Duration::from_secs(600)).start();
        until("the pages", || TcpStream::connect(&address).is_ok());
        (daemon, format!("http://{address}"))
    };
    let mut daemons = [start(), start()];
    let metrics = |url: &str| get(url, "/metrics");
    let leads = |url: &str| metrics(url).contains("_leader 1\n");
    let serves = |count: usize| {
        let line = format!("secrets_managed{{target=\"all\"}} {count}\n");
        until("every Secret", || {
            daemons.iter().any(|(_, url)| metrics(url).contains(&line))
        });
    };
    serves(TENANTS);
    let requests = || {
        daemons
            .iter()
            .map(|(_, url)| sum(&metrics(url), "api_requests_total"))
            .sum::<u64>()
    };

    // Slow clients hold their connections until the end.
    let mut slow = Vec::new();
    for (_, url) in &daemons {
        for _ in 0..200 {
            let mut stream =
                TcpStream::connect(url.trim_start_matches("http://")).expect("connected");
            stream
                .write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n")
                .expect("sent");
            slow.push(stream);
        }
    }
    let (before, started, edits) = (requests(), Instant::now(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for n in 0..HOSTILE {
            let (cluster, edits) = (&cluster, &edits);
            scope.spawn(move || {
                let path = format!("{}/secrets/regcred", cluster.path(&format!("t{n}")));
                let mut at = 0;
                while started.elapsed() < EDITING {
                    at += 1;
                    let change = json!({"data": {".dockerconfigjson": "e30="}, "metadata": {"annotations": {"x": at.to_string()}}});
                    cluster.call("PATCH", &path, Some(&change));
                    edits.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        cluster.namespace("quiet");
        serves(TENANTS + 1);
    });
    for (_, url) in &daemons {
        assert!(get(url, "/healthz").starts_with("HTTP/1.1 200 "));
    }
    let (seconds, edits) = (started.elapsed().as_secs(), edits.into_inner() as u64);
    let asked = requests() - before;
    // Ten turns of each at once, then one in 20 s, each of a few requests; two daemons look at the Lease.
    let most = HOSTILE * (11 + seconds / 20) * 4 + 4 * seconds;
    println!("{edits} edits in {seconds} s, {asked} requests of two daemons");
    assert!(
        edits > 2 * most && asked <= most,
        "{asked} requests for {edits} edits"
    );

    // The server is away, and comes back.
    on_the_way.kill();
    let _ = on_the_way.finish();
    until("neither is ready", || {
        daemons
            .iter()
            .all(|(_, url)| get(url, "/readyz").starts_with("HTTP/1.1 503 "))
    });
    let (before, started) = (requests(), Instant::now());
    std::thread::sleep(AWAY);
    let tries = requests() - before;
    println!(
        "{tries} requests while the server was away for {:?}",
        started.elapsed()
    );
    assert!(tries <= 20 * AWAY.as_secs(), "{tries} tries");
    let _way = cluster.proxy(&way);
    cluster.namespace("back");
    serves(TENANTS + 2);

    // The leader is lost: the other one goes on.
    let leader = daemons
        .iter()
        .position(|(_, url)| leads(url))
        .expect("a leader");
    daemons[leader].0.kill();
    cluster.namespace("after");
    let (other, url) = &daemons[1 - leader];
    until("the other one", || {
        let line = format!("secrets_managed{{target=\"all\"}} {}\n", TENANTS + 3);
        leads(url) && metrics(url).contains(&line)
    });
    assert_eq!(sum(&metrics(url), "panics_total"), 0);
    let memory = resident(other.id());
    println!("peak memory {:.1} MiB", memory as f64 / 1024.0);
    assert!(memory < 64 * 1024, "{memory} KiB");
    assert_eq!(
        stage.iam.calls() as u64 / 3,
        2,
        "one token for each registry and leader"
    );
}

/// A real cluster, and the namespaces of one test in it.
struct Cluster {
    kubeconfig: PathBuf,
    id: String,
    address: String,
    /// Where kubectl may write.
    home: tempfile::TempDir,
    _proxy: Running,
}

impl Cluster {
    fn of_environment() -> Self {
        let kubeconfig = Env::process().path("REGCRED_TEST_KUBECONFIG");
        let kubeconfig =
            kubeconfig.expect("REGCRED_TEST_KUBECONFIG names a kubeconfig for a test cluster");
        let address = free_address();
        let home = tempfile::tempdir().expect("a directory");
        let proxy = proxy(&kubeconfig, home.path(), &address);
        Self {
            kubeconfig,
            id: format!("rt-{}", std::process::id()),
            address,
            home,
            _proxy: proxy,
        }
    }

    /// Plain http to the server at this address, for as long as it runs.
    fn proxy(&self, address: &str) -> Running {
        proxy(&self.kubeconfig, self.home.path(), address)
    }

    fn path(&self, name: &str) -> String {
        format!("/api/v1/namespaces/{}-{name}", self.id)
    }

    fn namespace(&self, name: &str) {
        let object = json!({"metadata": {"name": format!("{}-{name}", self.id)}});
        self.call("POST", "/api/v1/namespaces", Some(&object));
    }

    /// Its answer is not read further than its first line.
    fn call(&self, method: &str, path: &str, body: Option<&Value>) {
        let body = body.map(Value::to_string).unwrap_or_default();
        let of = if method == "PATCH" {
            "merge-patch+json"
        } else {
            "json"
        };
        let mut stream = TcpStream::connect(&self.address).expect("connected");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/{of}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        assert!(
            answer.starts_with("HTTP/1.1 2"),
            "{method} {path}: {answer}"
        );
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let names = (0..TENANTS).map(|n| format!("t{n}"));
        for name in names.chain(["quiet", "back", "after"].map(str::to_owned)) {
            let delete = Program::new("kubectl").args([
                "delete",
                "namespace",
                "--ignore-not-found",
                "--wait=false",
            ]);
            let delete = delete.arg(format!("{}-{name}", self.id));
            let _ = delete
                .env("KUBECONFIG", &self.kubeconfig)
                .env("HOME", self.home.path())
                .run();
        }
    }
}

fn proxy(kubeconfig: &Path, home: &Path, address: &str) -> Running {
    let port = address.rsplit(':').next().unwrap_or_default();
    let kubectl = Program::new("kubectl").args(["proxy", "--port", port]);
    let kubectl = kubectl.env("KUBECONFIG", kubeconfig).env("HOME", home);
    let running = kubectl.limit(Duration::from_secs(900)).start();
    until("kubectl proxy", || TcpStream::connect(address).is_ok());
    running
}

/// The sum of a metric over its labels.
fn sum(metrics: &str, name: &str) -> u64 {
    let lines = metrics
        .lines()
        .filter(|line| !line.starts_with('#') && line.contains(name));
    let numbers = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
    numbers.sum()
}

const TENANTS: usize = 30;
const HOSTILE: u64 = 5;
const EDITING: Duration = Duration::from_secs(30);
const AWAY: Duration = Duration::from_secs(10);
