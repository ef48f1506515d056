//! A real containerd, of this machine: it needs root, and no network.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regcred_core::Env;
use regcred_tests::program::{Program, Running};
use regcred_tests::server::{Reply, Seen, Server};
use regcred_tests::{Logins, Node, need, until};
use serde_json::json;

use super::{HOST, lines};
use crate::node::containerd::Containerd;
use crate::node::image::{MANIFEST, Runnable};

/// A containerd with a directory of its own.
struct Stage {
    node: Node,
    program: PathBuf,
    registry: Server,
}

impl Stage {
    /// `None` without root, and where containerd is not installed and need not be.
    #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
    fn set() -> Option<Self> {
        let named = Env::process().path("REGCRED_TEST_CONTAINERD");
        let program = named.map_or_else(|| need("containerd"), Some)?;
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        if !status.lines().any(|line| line.starts_with("Uid:\t0\t")) {
            eprintln!("SKIPPED: containerd runs only as root");
            return None;
        }
        let node = Node::new();
        let registry = registry();
        let url = registry.url();
        let hosts = node.hosts_dir().join(HOST);
        fs::create_dir_all(&hosts).expect("a directory");
        // containerd 1.6 takes no file without a host in it.
        let text =
            format!("server = {url:?}\n[host.{url:?}]\ncapabilities = [\"pull\", \"resolve\"]\n");
        fs::write(hosts.join("hosts.toml"), text).expect("a file");
        Some(Self {
            node,
            program,
            registry,
        })
    }

    fn socket(&self) -> PathBuf {
        self.node.root().join("containerd.sock")
    }

    /// Starts containerd, and waits until its CRI answers.
    fn start(&self) -> Running {
        let root = self.node.root();
        let config = Containerd {
            data: &root.join("data"),
            state: &root.join("state"),
            socket: &self.socket(),
            hosts: &self.node.hosts_dir(),
            pause: "localhost/pause:1",
        }
        .config(&self.program);
        let file = root.join("containerd.toml");
        fs::write(&file, config).expect("a file");
        let beside = self
            .program
            .parent()
            .unwrap_or(Path::new("/"))
            .display()
            .to_string();
        let path = Env::process().get("PATH").unwrap_or_default().to_owned();
        let started = Program::new(&self.program)
            .env("PATH", format!("{beside}:{path}"))
            .arg("--config")
            .arg(file)
            .limit(Duration::from_secs(600))
            .start();
        // Its socket is there before its CRI.
        until("containerd's CRI", || {
            let checked = self.prepull(&["--check", HOST]).run();
            self.socket().exists() && checked.code() != Some(7)
        });
        started
    }

    /// Imports an archive of images with the words of the page.
    fn import(&self, options: &[&str], archive: &Path) {
        let ctr = Program::new(self.program.with_file_name("ctr"));
        let ctr = ctr.arg("--address").arg(self.socket());
        let import = ctr.args(["-n", "k8s.io", "images", "import"]).args(options);
        let _ = import.arg(archive).run().success();
    }

    /// Waits until the CRI, which hears of images by events, has it.
    fn until_present(&self, image: &str) {
        until("the image in the CRI", || {
            self.prepull(&["--check", image]).run().code() == Some(0)
        });
    }

    fn prepull(&self, args: &[&str]) -> Program {
        let endpoint = format!("unix://{}", self.socket().display());
        let prepull = self
            .node
            .regcred("prepull")
            .args(["--runtime-endpoint", &endpoint]);
        prepull.args(["--json"]).args(args)
    }
}

/// Images with one layer, for alice alone.
fn registry() -> Server {
    let logins = Logins::of("alice", "c4n4ry");
    let image = Runnable::new(b"not run", &["x"]);
    Server::start(move |request: &Seen| {
        if logins.user_of(request).is_none() {
            let refused = Reply::new(401);
            return refused.header("www-authenticate", "Basic realm=\"test\"");
        }
        let rest = request.path.strip_prefix("/v2/").unwrap_or_default();
        let what: Vec<&str> = rest.split('/').collect();
        let (media_type, bytes) = match what[..] {
            ["team", "app", "manifests", "v1"] => (MANIFEST, Some(&image.manifest[..])),
            ["team", "app", "manifests", digest] => (MANIFEST, image.blob(digest)),
            ["team", "app", "blobs", digest] => ("application/octet-stream", image.blob(digest)),
            _ => (MANIFEST, None),
        };
        match bytes {
            Some(bytes) => Reply::typed(200, media_type, bytes.to_vec()).header(
                "docker-content-digest",
                regcred_tests::image::digest_of(bytes),
            ),
            None => Reply::new(404),
        }
    })
}

/// The archive of a pull goes into containerd as the page has it, and a kubelet finds the image there.
#[test]
fn an_export_is_imported_by_ctr_and_present_for_the_cri() {
    let Some(stage) = Stage::set() else { return };
    let (image, root) = (format!("{HOST}/team/app:v1"), stage.node.root());
    let login = root.join("login.json");
    let config = json!({"auths": {HOST: {"username": "alice", "password": "c4n4ry"}}});
    fs::write(&login, config.to_string()).expect("a file");
    let pull = stage.node.pull(&image).arg("--docker-config").arg(&login);
    let _ = pull.run().success();
    let archive = root.join("image.tar");
    let export = Program::ours("regcred").arg("export").arg(&image);
    let export = export.arg("--store").arg(stage.node.store());
    let _ = export.arg("--output").arg(&archive).run().success();

    let mut containerd = stage.start();
    let asked = stage.registry.seen().len();
    let missing = stage.prepull(&["--check", &image]).run();
    assert_eq!(missing.code(), Some(1), "{}", missing.stderr);
    stage.import(&["--no-unpack"], &archive);
    stage.until_present(&image);
    assert_eq!(stage.registry.seen().len(), asked, "no registry was asked");
    containerd.kill();
}

/// The images of a release go into containerd as the page has it, which unpacks their layers, and a kubelet finds them by the
/// names that the page has.
#[test]
fn the_images_of_a_release_are_imported_by_ctr_and_present_for_the_cri() {
    let Some(stage) = Stage::set() else { return };
    let archive = images_of_a_release(&stage.node.root().join("release"));
    let mut containerd = stage.start();
    stage.import(&["--snapshotter", "native"], &archive);
    for program in ["regcred", "regcred-refresh"] {
        let name = format!("{program}:{VERSION}");
        stage.until_present(&name);
        stage.until_present(&format!("docker.io/library/{name}"));
    }
    let other = stage.prepull(&["--check", "regcred:other"]).run();
    assert_eq!(other.code(), Some(1), "{}", other.stderr);
    containerd.kill();
}

/// Packs a release of small files in the place of programs.
fn images_of_a_release(directory: &Path) -> PathBuf {
    let write = |name: &str| {
        let file = directory.join(name);
        fs::create_dir_all(file.parent().expect("a directory")).expect("a directory");
        fs::write(&file, name).expect("a file");
        file
    };
    for provider in regcred_providers::all() {
        let _ = write(&format!("{}-credential-provider", provider.name));
    }
    for name in ["regcred", "regcred-refresh"] {
        let _ = write(name);
    }
    for name in ["man/regcred.1", "regcred.bash", "regcred.fish", "_regcred"] {
        let _ = write(&format!("pages/{name}"));
    }
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let dist = Program::ours("regcred-dist")
        .current_dir(need::workspace())
        .env("SOURCE_DATE_EPOCH", "1000000000")
        .arg(target)
        .args([directory, &directory.join("pages"), &write("roots.pem")])
        .arg(directory.join("out"));
    let _ = dist.run().success();
    let architecture = regcred_tests::image::host_architecture();
    let archive = format!("out/regcred-images-{VERSION}-{architecture}.tar");
    directory.join(archive)
}

#[test]
fn containerd_pulls_with_the_second_login_and_keeps_the_image_over_a_restart() {
    let Some(stage) = Stage::set() else { return };
    let mut containerd = stage.start();
    let login = |name: &str, password: &str| {
        let file = stage.node.root().join(name);
        let config = json!({"auths": {HOST: {"username": "alice", "password": password}}});
        fs::write(&file, config.to_string()).expect("a file");
        file.display().to_string()
    };
    let (stale, good) = (login("stale.json", "old"), login("good.json", "c4n4ry"));
    let image = format!("{HOST}/team/app:v1");
    let missing = format!("{HOST}/team/none:v1");
    let both = ["--pull-secret", &stale, "--pull-secret", &good, &image];

    let said = lines(&stage.prepull(&both).run().success());
    assert_eq!(said[0]["event"], "pulled", "{said:?}");
    assert_eq!(
        said[0]["refusedBefore"].as_array().map(Vec::len),
        Some(1),
        "{said:?}"
    );
    let source = said[0]["credential"]["source"].as_str().unwrap_or_default();
    assert!(source.contains("good.json"), "{source}");
    assert_eq!(said[1]["runtime"], "containerd", "{said:?}");

    let asked = stage.registry.seen().len();
    let said = lines(&stage.prepull(&both).run().success());
    assert_eq!(said[0]["event"], "present", "{said:?}");
    assert_eq!(stage.registry.seen().len(), asked, "no registry was asked");

    // Refused, and not found: final, in containerd's own words.
    let done = stage
        .prepull(&["--policy", "Always", "--pull-secret", &stale, &image])
        .run();
    assert_eq!(done.code(), Some(6), "{}", done.stderr);
    let done = stage.prepull(&["--pull-secret", &good, &missing]).run();
    assert_eq!(done.code(), Some(6), "{}", done.stderr);
    assert!(done.stderr.contains("not found"), "{}", done.stderr);

    containerd.kill();
    let _ = containerd.finish();
    let _ = fs::remove_file(stage.socket());
    let done = stage.prepull(&["--check", &image]).run();
    assert_eq!(done.code(), Some(7), "{}", done.stderr);
    let mut containerd = stage.start();
    let _ = stage.prepull(&["--check", &image]).run().success();
    containerd.kill();
}

/// The version of the workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");
