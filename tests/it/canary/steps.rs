//! Commands whose registry refuses at one step after the other, and repeats what it was sent.

use std::path::Path;

use regcred_tests::canary::VERBOSE;
use regcred_tests::registry::Access;
use regcred_tests::{
    Asks, Canary, Finished, Image, Node, Program, Registry, Repeating, Repeats, repeating_program,
};
use serde_json::json;
use tempfile::TempDir;

/// How the registry refuses: one way for each step, in turn.
const WAYS: [(Repeats, Asks); 6] = [
    (Repeats::Json(401), Asks::Login),
    (Repeats::Json(403), Asks::Token),
    (Repeats::Page(403), Asks::Login),
    (Repeats::Json(503), Asks::Token),
    (Repeats::Text(404), Asks::Token),
    (Repeats::Json(400), Asks::Login),
];

/// What a command wrote, where its files are, and the secrets that no child of it may have.
struct Ended {
    done: Vec<Finished>,
    /// The number of the one whose requests are counted.
    command: usize,
    directory: TempDir,
    more: Vec<String>,
}

/// Runs a command again and again: the first request with a login is refused, the second one, and so on until
/// none is.
fn walk(
    canary: &mut Canary,
    authority: &str,
    name: &str,
    run: impl Fn(usize, &Repeating) -> Ended,
) {
    let mut shown = String::new();
    for step in 0..MOST_STEPS {
        let (repeats, asks) = WAYS[step % WAYS.len()];
        let context = format!("{name}, {step} requests pass, then {repeats:?}, {asks:?}");
        let registry = Repeating::registry_before(authority, repeats, asks);
        let ended = run(step, &registry);
        let sent = registry.repeated();
        assert!(sent.contains(PASSWORD), "{context}: the login was not sent");
        let all = || sent.iter().chain(&ended.more).cloned();
        canary.look_for(all(), &context);
        for done in &ended.done {
            canary.search_output(&context, done);
            shown += &(done.stdout() + &done.stderr);
        }
        canary.search_files(&context, ended.directory.path());
        if registry.refused() > 0 {
            continue;
        }
        let command = &ended.done[ended.command];
        assert_eq!(command.code(), Some(0), "{context}: {}", command.stderr);
        assert!(step > 0 && shown.contains("[secret]"), "{context}: {shown}");
        return;
    }
    panic!("{name} takes more than {MOST_STEPS} requests");
}

/// A registry with an image under `team/app:v1`.
fn with_image() -> Option<(Registry, Image)> {
    let registry = Registry::start(&Access::Open)?;
    let image = Image::single(71, 2, 2_000);
    registry.push(&image, "team/app:v1", None)?;
    Some((registry, image))
}

#[test]
fn nothing_that_a_registry_or_a_plugin_repeats_is_shown_by_a_pull_or_an_explanation() {
    let Some((registry, _)) = with_image() else {
        return;
    };
    let mut canary = Canary::default();
    let commands: [(&str, &[&[&str]]); 3] = [
        ("pull", &[&["pull", IMAGE], &["images"], &["export", IMAGE]]),
        ("pull --json", &[&["pull", "--json", IMAGE]]),
        (
            "explain --try",
            &[
                &["explain", "--try", IMAGE],
                &["explain", "--try", "--json", IMAGE],
                &["check", IMAGE],
            ],
        ),
    ];
    for (name, lines) in commands {
        walk(&mut canary, registry.authority(), name, |step, server| {
            let stage = Stage::set(server);
            let mut done = Vec::new();
            for line in lines {
                // What was not pulled is not listed.
                if done.is_empty() || line[0] == "explain" || server.refused() == 0 {
                    server.pass(step);
                    done.push(stage.run(line));
                }
            }
            let written = done.iter().map(|done| done.stdout() + &done.stderr);
            let written: String = written.collect();
            assert!(written.contains("exit status 3"), "no plugin in: {written}");
            stage.ended(done)
        });
    }
    canary.end(100_000);
}

#[test]
fn nothing_that_a_registry_repeats_is_shown_by_login_and_manifest() {
    let Some((registry, image)) = with_image() else {
        return;
    };
    let mut canary = Canary::default();
    let mut run_all = |name: &str, prepared: &[&[&str]], line: &[&str]| {
        walk(&mut canary, registry.authority(), name, |step, server| {
            let home = tempfile::tempdir().expect("a directory");
            image.write_layout(&home.path().join("layout"), "v1");
            let host = server.server().authority();
            let run = |line: &[&str]| {
                let fill = |word: &&str| {
                    word.replace(
                        "{layout}",
                        &home.path().join("layout").display().to_string(),
                    )
                    .replace("{host}", &host)
                    .replace("{step}", &step.to_string())
                };
                let program = Program::ours("regcred").args(line.iter().map(fill));
                let program = program.env("HOME", home.path()).stdin(PASSWORD);
                program
                    .env("DOCKER_CONFIG", home.path())
                    .env("REGCRED_LOG", VERBOSE)
                    .run()
            };
            if line[0] != "login" {
                let auth = json!({"auths": {&*host: {"username": "alice", "password": PASSWORD}}});
                private(&home.path().join("config.json"), &auth.to_string());
            }
            let mut done: Vec<_> = prepared.iter().map(|line| run(line)).collect();
            for done in &done {
                assert_eq!(done.code(), Some(0), "{name}: {}", done.stderr);
            }
            server.pass(step);
            done.push(run(line));
            Ended {
                done,
                command: prepared.len(),
                directory: home,
                more: Vec::new(),
            }
        });
    };
    let login = ["login", "{host}", "--username", "alice", "--password-stdin"];
    run_all("login", &[], &login);
    run_all(
        "manifest inspect",
        &[],
        &["manifest", "inspect", "{host}/team/app:v1"],
    );
    let list = "{host}/team/list-{step}:v1";
    let create = ["manifest", "create", list, "{host}/team/app:v1"];
    run_all("manifest create", &[], &create);
    let annotate = [
        "manifest",
        "annotate",
        "--os",
        "linux",
        list,
        "{host}/team/app:v1",
    ];
    let push = ["manifest", "push", list];
    run_all("manifest push that mounts", &[&create, &annotate], &push);
    let layout = "{host}/team/new-{step}:v1";
    let create = ["manifest", "create", layout, "oci:{layout}:v1"];
    run_all(
        "manifest push that uploads",
        &[&create],
        &["manifest", "push", layout],
    );
    canary.end(200_000);
}

/// They change the lists of this machine: a registry that refuses everything has no part in it.
#[test]
fn annotate_and_rm_of_a_manifest_list_send_no_login() {
    let Some((registry, _)) = with_image() else {
        return;
    };
    let mut canary = Canary::default();
    let server = Repeating::registry_before(registry.authority(), Repeats::Json(403), Asks::Login);
    let host = server.server().authority();
    let home = tempfile::tempdir().expect("a directory");
    let auth = json!({"auths": {&*host: {"username": "alice", "password": PASSWORD}}});
    private(&home.path().join("config.json"), &auth.to_string());
    let (list, image) = (
        format!("{host}/team/list:v1"),
        format!("{host}/team/app:v1"),
    );
    let mut run = |line: &[&str], code: i32| {
        let program = Program::ours("regcred").arg("manifest").args(line);
        let program = program.env("DOCKER_CONFIG", home.path());
        let done = program.env("REGCRED_LOG", VERBOSE).run();
        assert_eq!(done.code(), Some(code), "{line:?}: {}", done.stderr);
        canary.look_for([PASSWORD.to_owned()], line[0]);
        canary.search_output(line[0], &done);
        canary.search_files(line[0], home.path());
    };
    run(&["create", &list, &image], 0);
    let before = server.server().seen().len();
    server.pass(0);
    run(&["annotate", "--os", "linux", &list, &image], 0);
    run(&["annotate", "--os", "linux", &list, &list], 2);
    run(&["annotate", "--arch", "z80", &list, &image], 2);
    run(&["rm", &list], 0);
    run(&["annotate", "--os", "linux", &list, &image], 2);
    assert_eq!(server.server().seen().len(), before);
    canary.end(2_000);
}

/// A node with a login for the registry, and a plugin that fails and repeats its input and environment.
struct Stage {
    node: Node,
    directory: TempDir,
}

impl Stage {
    fn set(registry: &Repeating) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut node = Node::at(directory.path());
        repeating_program(
            &node.bin_dir().join(PLUGIN),
            &directory.path().join("children"),
        );
        let env = [("PLUGIN_SECRET".to_owned(), OF_PLUGIN.to_owned())];
        node.add_provider(PLUGIN, &[HOST], &env);
        let config = std::fs::read_to_string(node.config()).expect("the node's configuration");
        let attributes = "    tokenAttributes:\n      serviceAccountTokenAudience: a\n      \
                          cacheType: Token\n      requireServiceAccount: true\n";
        private(&node.config(), &(config + attributes));
        node.map_host(HOST, &registry.server().url());
        private(&directory.path().join("token"), &of_pod());
        let login = json!({"auths": {HOST: {"username": "alice", "password": PASSWORD}}});
        private(&directory.path().join("login.json"), &login.to_string());
        Self { node, directory }
    }

    fn run(&self, line: &[&str]) -> Finished {
        let root = self.directory.path();
        let store = ["--store".into(), self.node.store()];
        if matches!(line[0], "images" | "export") {
            let archive = ["--output".into(), root.join("archive.tar")];
            let program = Program::ours("regcred").args(line).args(store);
            let program = program.args(archive.iter().filter(|_| line[0] == "export"));
            return program.env("REGCRED_LOG", VERBOSE).run();
        }
        let program = self.node.regcred(line[0]).env("REGCRED_LOG", VERBOSE);
        let program = program
            .args(&line[1..])
            .args(store.iter().filter(|_| line[0] == "pull"));
        let program = program.arg("--pull-secret").arg(root.join("login.json"));
        let program = program
            .arg("--service-account-token")
            .arg(root.join("token"));
        program.env("PATH", "/usr/bin:/bin").run()
    }

    /// Of the plugin's secrets its own is in its environment, and the node's are not.
    fn ended(self, done: Vec<Finished>) -> Ended {
        let children = self.directory.path().join("children");
        let text = std::fs::read(&children).expect("a child ran");
        let text = String::from_utf8_lossy(&text).replace(OF_PLUGIN, "");
        std::fs::write(&children, text).expect("a file");
        Ended {
            done,
            command: 0,
            directory: self.directory,
            more: vec![of_pod(), OF_PLUGIN.to_owned()],
        }
    }
}

/// Writes a file that others cannot read.
fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, "").expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    std::fs::write(path, text).expect("a file");
}

/// A token of a pod, as long as a cluster's.
fn of_pod() -> String {
    format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", "cG9kLWM0bjRyeS1".repeat(20))
}

const PLUGIN: &str = "repeating-plugin";
const HOST: &str = "registry.canary.test";
const IMAGE: &str = "registry.canary.test/team/app:v1";
const PASSWORD: &str = "p4ss?/\"+&word-c4n4ry-1e77";
/// A word: what is read from others does not have it either.
const OF_PLUGIN: &str = "zebrastripe";
const MOST_STEPS: usize = 40;
