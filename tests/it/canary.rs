//! What the engine's commands write when registries, plugins and the container runtime repeat the secrets
//! that they were sent. The same for calls to clouds is in `failed_tokens`, for the refresher in `refresh`.

use regcred_tests::canary::VERBOSE;
use regcred_tests::program::script;
use regcred_tests::{Asks, Canary, Finished, Node, Program, Repeating, Repeats};
use serde_json::json;

/// A node whose plugin fails and repeats its input and environment, with a login for a registry that
/// repeats it.
struct Stage {
    node: Node,
    registry: Repeating,
}

impl Stage {
    fn set(repeats: Repeats, asks: Asks) -> Self {
        let registry = Repeating::registry(repeats, asks);
        let mut node = Node::new();
        let children = node.root().join("children");
        script(
            &node.bin_dir().join(PLUGIN),
            &format!(
                "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline >> {}\n\
                 echo \"$PLUGIN_SECRET\" >&2\ncat >&2\nexit 3",
                children.display()
            ),
        );
        let env = [("PLUGIN_SECRET".to_owned(), OF_PLUGIN.to_owned())];
        node.add_provider(PLUGIN, &[HOST], &env);
        let config = std::fs::read_to_string(node.config()).expect("the node's configuration");
        let attributes = "    tokenAttributes:\n      serviceAccountTokenAudience: a\n      \
                          cacheType: Token\n      requireServiceAccount: true\n";
        std::fs::write(node.config(), config + attributes).expect("a file");
        node.map_host(HOST, &registry.server().url());
        let stage = Self { node, registry };
        stage.file("token", &of_pod());
        let login = json!({"auths": {HOST: {"username": "alice", "password": PASSWORD}}});
        stage.file("login.json", &login.to_string());
        stage
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.node.root().join(name);
        // Others cannot read it.
        let private = "umask 077 && cat > \"$1\"";
        let write = Program::new("/bin/sh")
            .args(["-c", private, "sh"])
            .arg(&path);
        let _ = write
            .env("PATH", "/usr/bin:/bin")
            .stdin(text)
            .run()
            .success();
        path.display().to_string()
    }

    fn run(&self, command: &str, args: &[&str]) -> Finished {
        let root = self.node.root();
        let mut program = self.node.regcred(command).env("REGCRED_LOG", VERBOSE);
        program = program.arg("--pull-secret").arg(root.join("login.json"));
        program = program
            .arg("--service-account-token")
            .arg(root.join("token"));
        if command == "pull" {
            program = program.arg("--store").arg(self.node.store());
        }
        program.args(args).run()
    }
}

#[test]
fn nothing_that_a_registry_or_a_plugin_repeats_is_shown_by_a_pull_or_an_explanation() {
    let mut canary = Canary::default();
    for (repeats, asks) in [
        (Repeats::Json(401), Asks::Login),
        (Repeats::Json(403), Asks::Token),
        (Repeats::Page(403), Asks::Login),
        (Repeats::Json(503), Asks::Token),
        (Repeats::Text(404), Asks::Token),
    ] {
        let stage = Stage::set(repeats, asks);
        let mut done = vec![
            stage.run("pull", &[IMAGE]),
            stage.run("explain", &["--try", IMAGE]),
        ];
        if repeats == Repeats::Json(401) {
            done.push(stage.run("pull", &["--json", IMAGE]));
            done.push(stage.run("explain", &["--try", "--json", IMAGE]));
            done.push(stage.run("check", &[IMAGE]));
        }
        let context = format!("{repeats:?}, {asks:?}");
        let sent = stage.registry.repeated();
        assert!(sent.contains(PASSWORD), "{context}: the login was not sent");
        let secrets = || sent.iter().cloned().chain([of_pod()]);
        canary.look_for(secrets().chain([OF_PLUGIN.to_owned()]), &context);
        let all: String = done
            .iter()
            .map(|done| done.stdout() + &done.stderr)
            .collect();
        assert!(
            all.contains("exit status 3"),
            "{context}: no plugin in: {all}"
        );
        assert!(
            all.contains("[secret]"),
            "{context}: nothing was repeated in: {all}"
        );
        for done in &done {
            canary.search_output(&context, done);
        }
        canary.look_for(secrets(), &context);
        let children = std::fs::read(stage.node.root().join("children")).expect("a child ran");
        let children = String::from_utf8_lossy(&children);
        assert!(
            children.contains(OF_PLUGIN) && children.contains("explain"),
            "{children}"
        );
        canary.search(
            "children's command lines and environments",
            &context,
            &children,
        );
        canary.search_files(&context, stage.node.root());
    }
    canary.end(20_000);
}

#[test]
fn nothing_that_a_registry_repeats_is_shown_by_login_and_manifest() {
    let mut canary = Canary::default();
    for (repeats, asks) in [
        (Repeats::Json(401), Asks::Login),
        (Repeats::Json(403), Asks::Token),
    ] {
        let registry = Repeating::registry(repeats, asks);
        let host = registry.server().authority();
        let home = tempfile::tempdir().expect("a directory");
        let run = |args: &[&str], stdin: &str| {
            let program = Program::ours("regcred").args(args).env("HOME", home.path());
            let program = program.env("DOCKER_CONFIG", home.path()).stdin(stdin);
            program.env("REGCRED_LOG", VERBOSE).run()
        };
        let line = ["login", &host, "--username", "alice", "--password-stdin"];
        let mut done = vec![run(&line, PASSWORD)];
        let auth = json!({"auths": {&*host: {"username": "alice", "password": PASSWORD}}});
        std::fs::write(home.path().join("config.json"), auth.to_string()).expect("a file");
        let image = format!("{host}/team/app:v1");
        done.push(run(&["manifest", "inspect", &image], ""));
        done.push(run(
            &["manifest", "create", &image, &format!("{host}/team/a:v1")],
            "",
        ));
        std::fs::remove_file(home.path().join("config.json")).expect("a file");
        let context = format!("{repeats:?}, {asks:?}");
        let sent = registry.repeated();
        assert!(sent.contains(PASSWORD), "{context}: the login was not sent");
        canary.look_for(sent, &context);
        for done in &done {
            assert_ne!(done.code(), Some(0), "{context}");
            canary.search_output(&context, done);
        }
        canary.search_files(&context, home.path());
    }
    canary.end(2_000);
}

/// A token of a pod, as long as a cluster's.
fn of_pod() -> String {
    format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", "cG9kLWM0bjRyeS1".repeat(20))
}

const PLUGIN: &str = "repeating-plugin";
const HOST: &str = "registry.canary.test";
const IMAGE: &str = "registry.canary.test/team/app:v1";
const PASSWORD: &str = "p4ss?/\"+&word-c4n4ry-1e77";
const OF_PLUGIN: &str = "plug1n-c4n4ry-9a31";
