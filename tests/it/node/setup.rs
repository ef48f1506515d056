//! The node: directories, configurations, a fake of ECR, a registry behind ECR's host name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use regcred_core::Env;
use regcred_tests::program::Running;
use regcred_tests::server::{Reply, Seen, Server};
use regcred_tests::sigv4::AccessKey;
use regcred_tests::{FakeEcr, Logins, Node, Program};
use tempfile::TempDir;

use super::Programs;
use super::containerd::Containerd;
use super::image::{MANIFEST, Runnable};

/// The host whose images are private.
pub(super) const ACCOUNT_HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";

/// Everything but the two daemons.
pub(super) struct Stage {
    dir: TempDir,
    pub(super) node: Node,
    pub(super) ecr: FakeEcr,
    registry: Server,
    logins: Logins,
}

impl Stage {
    pub(super) fn set(programs: &Programs) -> Self {
        let key = AccessKey {
            id: "AKIDNODE".to_owned(),
            secret: "node-secret".to_owned(),
            session: None,
        };
        let ecr = FakeEcr::start("123456789012", std::slice::from_ref(&key));
        let logins = ecr.logins().clone();
        let registry = registry(programs, logins.clone());
        let mut node = Node::new();
        let mut env = ecr.env();
        env.push(("AWS_ACCESS_KEY_ID".to_owned(), key.id));
        env.push(("AWS_SECRET_ACCESS_KEY".to_owned(), key.secret));
        env.push(("AWS_EC2_METADATA_DISABLED".to_owned(), "true".to_owned()));
        env.push(("REGCRED_CACHE".to_owned(), "off".to_owned()));
        node.add_plugin(
            "ecr-credential-provider",
            &["*.dkr.ecr.*.amazonaws.com"],
            &env,
        );
        node.map_host(ACCOUNT_HOST, &registry.url());
        // containerd 1.6 takes no file without a host in it.
        let hosts = node.hosts_dir().join(ACCOUNT_HOST).join("hosts.toml");
        let url = registry.url();
        let text =
            format!("server = {url:?}\n[host.{url:?}]\ncapabilities = [\"pull\", \"resolve\"]\n");
        fs::write(hosts, text).expect("a file");
        let stage = Self {
            dir: tempfile::tempdir().expect("a directory"),
            node,
            ecr,
            registry,
            logins,
        };
        for name in ["pods", "logs", "kubelet", "state", "data"] {
            fs::create_dir(stage.path(name)).expect("a directory");
        }
        stage
    }

    pub(super) fn image(&self) -> String {
        format!("{ACCOUNT_HOST}/team/app:v1")
    }

    pub(super) fn containerd_socket(&self) -> PathBuf {
        self.path("containerd.sock")
    }

    pub(super) fn pod_logs(&self) -> PathBuf {
        self.path("logs")
    }

    pub(super) fn kubelet_dir(&self) -> PathBuf {
        self.path("kubelet")
    }

    /// Who asked for the private image and was let in.
    pub(super) fn users_of_private_requests(&self) -> Vec<String> {
        let seen = self.registry.seen();
        let private = seen.iter().filter(|r| r.path.starts_with("/v2/team/app/"));
        private.filter_map(|r| self.logins.user_of(r)).collect()
    }

    pub(super) fn start_containerd(&self, programs: &Programs) -> Running {
        let config = Containerd {
            data: &self.path("data"),
            state: &self.path("state"),
            socket: &self.containerd_socket(),
            hosts: &self.node.hosts_dir(),
            pause: &format!("{ACCOUNT_HOST}/public/pause:1"),
        }
        .config(&programs.containerd);
        let file = self.write("containerd.toml", &config);
        daemon(&programs.containerd)
            .arg("--config")
            .arg(file)
            .start()
    }

    /// With more lines of its configuration.
    pub(super) fn start_kubelet(&self, programs: &Programs, more: &str) -> Running {
        let config = format!(
            "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n\
             staticPodPath: {pods:?}\npodLogsDir: {logs:?}\n\
             containerRuntimeEndpoint: unix://{socket}\nfailCgroupV1: false\nfailSwapOn: false\n\
             cgroupDriver: cgroupfs\ncgroupsPerQOS: false\nenforceNodeAllocatable: []\n\
             localStorageCapacityIsolation: false\nmakeIPTablesUtilChains: false\nenableServer: false\nhealthzPort: 0\n\
             authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}}}\n\
             authorization: {{mode: AlwaysAllow}}\n{more}",
            pods = self.path("pods"),
            logs = self.pod_logs(),
            socket = self.containerd_socket().display(),
        );
        let file = self.write("kubelet.yaml", &config);
        daemon(&programs.kubelet)
            .arg("--config")
            .arg(file)
            .arg("--root-dir")
            .arg(self.kubelet_dir())
            .arg("--image-credential-provider-config")
            .arg(self.node.config())
            .arg("--image-credential-provider-bin-dir")
            .arg(self.node.bin_dir())
            .args(["--hostname-override", "regcred-node"])
            .start()
    }

    pub(super) fn write_pod(&self, policy: &str) {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: private, namespace: default}}\nspec:\n  \
             hostNetwork: true\n  restartPolicy: Never\n  containers:\n  \
             - {{name: app, image: {:?}, imagePullPolicy: {policy}}}\n",
            self.image()
        );
        self.write("pods/private.yaml", &pod);
    }

    /// The kubelet ends the pod then, and nothing of it outlives the test.
    pub(super) fn remove_pod(&self) {
        fs::remove_file(self.path("pods/private.yaml")).expect("the pod's file");
    }

    /// How many containers containerd still runs.
    pub(super) fn tasks(&self) -> usize {
        let tasks = self.path("state/io.containerd.runtime.v2.task/k8s.io");
        tasks.read_dir().map_or(0, Iterator::count)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a file");
        path
    }
}

impl Drop for Stage {
    /// The kubelet mounts its directory on itself, and leaves the mount to the caller to remove.
    fn drop(&mut self) {
        let umount = Program::new("/bin/umount").arg("-l");
        let _ = umount.arg(self.kubelet_dir()).run();
    }
}

/// A private image under `team/`, and for everybody the one that holds a pod's namespaces.
fn registry(programs: &Programs, logins: Logins) -> Server {
    let program = fs::read(&programs.busybox).expect("a static program");
    let app = Arc::new(Runnable::new(&program, &["echo", "SUCCESS"]));
    let pause = Arc::new(Runnable::new(&program, &["sleep", "86400"]));
    Server::start(move |request: &Seen| {
        let rest = request.path.strip_prefix("/v2/").unwrap_or_default();
        let (image, rest) = match rest.split_once('/') {
            Some(("team", rest)) if logins.user_of(request).is_some() => (&app, rest),
            Some(("public", rest)) => (&pause, rest),
            _ => {
                let refused = Reply::new(401);
                return refused.header(
                    "www-authenticate",
                    "Basic realm=\"https://ecr\",service=\"ecr\"",
                );
            }
        };
        let what: Vec<&str> = rest.split('/').collect();
        let (kind, bytes) = match what[..] {
            [_, "manifests", "v1" | "1"] => (MANIFEST, Some(&image.manifest[..])),
            [_, "manifests", digest] => (MANIFEST, image.blob(digest)),
            [_, "blobs", digest] => ("application/octet-stream", image.blob(digest)),
            _ => (MANIFEST, None),
        };
        match bytes {
            Some(bytes) => Reply::typed(200, kind, bytes.to_vec()).header(
                "docker-content-digest",
                regcred_tests::image::digest_of(bytes),
            ),
            None => Reply::new(404),
        }
    })
}

/// A daemon with a path on which it finds its helpers: those next to it, then the machine's.
fn daemon(program: &Path) -> Program {
    let beside = program.parent().unwrap_or(Path::new("/"));
    let path = Env::process().get("PATH").unwrap_or_default().to_owned();
    Program::new(program)
        .env("PATH", format!("{}:{path}", beside.display()))
        .env("HOME", "/root")
        .limit(Duration::from_secs(600))
}
