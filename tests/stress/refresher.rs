//! The refresher: runs and daemons at once over one cluster and one docker configuration file.

use std::fs::{self, File};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_tests::icr::{API_KEY, FakeIam};
use regcred_tests::{FakeKube, Program, until};
use serde_json::{Value, json};

use super::race::{Race, rounds};

#[test]
fn a_refresher_keeps_every_login_and_the_next_one_takes_over() {
    let iam = FakeIam::start();
    rounds("refresher", |random| {
        let stage = Stage::new(&iam);
        let runs = (0..6).map(|_| stage.program("--once"));
        let daemons = (0..3).map(|_| stage.program("--daemon"));
        let race = Race::with_endless(runs.collect(), daemons.collect(), 900, random);
        for (_, done) in &race.ended {
            let _ = done.success();
        }
        // Whatever was written is whole, and everything else stayed.
        for secret in stage.kube.objects("secrets") {
            let text = secret["data"][".dockerconfigjson"].as_str().expect("data");
            let text = STANDARD.decode(text).expect("base64");
            stage.check(&serde_json::from_slice(&text).expect("JSON"), 3);
        }
        let written = stage.read();
        assert_eq!(written["auths"]["kept.example"], json!({"auth": "YTpi"}));
        assert_eq!(written["currentContext"], "x");
        let entries = written["auths"].as_object().map(serde_json::Map::len);
        assert!(matches!(entries, Some(1 | 4)), "{written}");
        if !race.ended.is_empty() {
            assert_eq!(entries, Some(4), "a run that ended wrote them");
        }
        stage.check(&written, entries.unwrap_or_default() - 1);
        File::open(stage.directory())
            .expect("a directory")
            .try_lock()
            .expect("no lock is left");
        // The Lease of a killed daemon is taken over, and what it left is done.
        stage.kube.namespace("late", json!({}));
        let daemon = stage.program("--daemon").start();
        until("every Secret", || {
            stage.kube.objects("secrets").len() == NAMESPACES + 1
        });
        let terminated = Program::new("kill").arg(daemon.id().to_string()).run();
        let _ = terminated.success();
        let daemon = daemon.finish();
        assert_eq!(daemon.code(), Some(0), "{}", daemon.stderr);
        let lease = stage
            .kube
            .object("leases", "kube-system", "regcred-refresh");
        let holder = &lease.expect("a Lease")["spec"]["holderIdentity"];
        assert!(holder.is_null(), "released: {holder}");
        let version = stage.kube.version();
        let again = stage.program("--once").arg("--if-needed").run();
        let _ = again.success();
        assert_eq!(stage.kube.version(), version, "nothing is left to do");
        stage.check(&stage.read(), 3);
        let left = stage.directory().read_dir().expect("a directory").count();
        assert_eq!(left, 1, "no temporary file stays");
        race
    });
}

/// A cluster with namespaces, and a docker configuration file.
struct Stage<'a> {
    iam: &'a FakeIam,
    kube: FakeKube,
    root: tempfile::TempDir,
}

impl<'a> Stage<'a> {
    fn new(iam: &'a FakeIam) -> Self {
        let (kube, root) = (FakeKube::start(), tempfile::tempdir().expect("a directory"));
        for at in 0..NAMESPACES {
            kube.namespace(&format!("team-{at}"), json!({}));
        }
        let stage = Self { iam, kube, root };
        fs::create_dir(stage.directory()).expect("a directory");
        let before = r#"{"auths":{"kept.example":{"auth":"YTpi"}},"currentContext":"x"}"#;
        let file = stage.directory().join("config.json");
        fs::write(&file, before).expect("written");
        let key = stage.root.path().join("key");
        fs::write(&key, API_KEY).expect("written");
        let registries = HOSTS.map(|host| {
            format!(
                "- {{name: {}, provider: icr, hosts: [{host}], envFiles: {{IBMCLOUD_API_KEY: {}}}}}\n",
                &host[..2],
                key.display()
            )
        });
        let text = format!(
            "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n\
             limits: {{requestsPerSecond: 0}}\nleaderElection: {{leaseDuration: 2s}}\n\
             registries:\n{}targets:\n\
             - name: everywhere\n  secret: {{name: regcred}}\n  namespaces: {{include: ['team-*', late]}}\n  \
             serviceAccounts: {{names: [default]}}\n\
             - {{name: file, dockerConfig: {{path: {}}}}}\n",
            registries.concat(),
            file.display()
        );
        fs::write(stage.root.path().join("config.yaml"), text).expect("written");
        stage
    }

    fn directory(&self) -> std::path::PathBuf {
        self.root.path().join("docker")
    }

    fn program(&self, what: &str) -> Program {
        let root: &Path = self.root.path();
        let program = Program::ours("regcred-refresh")
            .env("KUBECONFIG", self.kube.kubeconfig(root))
            .envs(self.iam.env())
            .env("REGCRED_CACHE", root.join("cache"));
        let program = program
            .arg(what)
            .arg("--config")
            .arg(root.join("config.yaml"));
        if what == "--daemon" {
            program.args(["--listen", "127.0.0.1:0"])
        } else {
            program
        }
    }

    fn read(&self) -> Value {
        let text = fs::read(self.directory().join("config.json")).expect("the file");
        serde_json::from_slice(&text).expect("JSON")
    }

    /// The logins of so many hosts, each one that was issued.
    #[track_caller]
    fn check(&self, config: &Value, count: usize) {
        let mut found = 0;
        for host in HOSTS {
            if let Some(auth) = config["auths"][host]["auth"].as_str() {
                let login = STANDARD.decode(auth).expect("base64");
                let login = String::from_utf8(login).expect("text");
                let (user, password) = login.split_once(':').expect("a login");
                assert!(self.iam.logins().accepts(user, password), "{host}: {user}");
                found += 1;
            }
        }
        assert_eq!(found, count, "{config}");
    }
}

const NAMESPACES: usize = 4;
const HOSTS: [&str; 3] = ["us.icr.io", "de.icr.io", "jp.icr.io"];
