//! The plugin for other registries with each of its sources: it has the login at the protocol's place alone,
//! and what an exchange repeats is shown nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_tests::canary::VERBOSE;
use regcred_tests::generic::{Account, Cluster, ConfigDir, FakeExchange, exchanges};
use regcred_tests::program::script;
use regcred_tests::{Canary, Finished, Program, Repeating, Repeats, plugin_request_with};
use serde_json::{Value, json};

#[test]
fn the_login_of_every_source_is_at_its_place_and_nothing_that_is_repeated_is_shown() {
    let cluster = Cluster::new();
    let mut canary = Canary::default();
    let exchange = FakeExchange::start(&cluster, HOST);
    let mut sources = exchanges(&exchange.server().url());
    let of_files = |name, source: &str, user| (name, source.to_owned(), user);
    sources.extend([
        of_files("passThrough", "passThrough: {username: jwt}", "jwt"),
        of_files(
            "static",
            "static: {username: alice, passwordFile: password}",
            "alice",
        ),
        of_files("dockerConfig", "static: {dockerConfig: docker.json}", "bob"),
        of_files(
            "helper",
            "helper: {program: HELPER, env: {HELPER_KEY: a-key-c4n4ry}}",
            "eve",
        ),
    ]);
    for (name, source, user) in &sources {
        let stage = Stage::set(&cluster, source);
        for (face, done) in stage.faces(&FACES) {
            let context = format!("{name}, {face}");
            if !is_local(face) {
                let stdout = done.success();
                assert!(
                    stdout.contains(user) || face != "kubelet",
                    "{context}: {stdout}"
                );
            }
            let issued = exchange.logins().passwords();
            canary.look_for(stage.secrets().into_iter().chain(issued), &context);
            match face {
                "token" => canary.search("standard error", &context, &done.stderr),
                _ => canary.search_answer(&context, &done),
            }
            canary.search_files(&context, stage.cache.path());
            stage.search_children(&mut canary, &context);
        }
    }
    let ways = [
        Repeats::Json(401),
        Repeats::Page(403),
        Repeats::Text(503),
        Repeats::Numbers,
    ];
    for repeats in ways {
        let server = Repeating::start(repeats);
        for (name, source, _) in exchanges(&server.server().url()) {
            let stage = Stage::set(&cluster, &source);
            for (face, done) in stage.faces(&["kubelet", "token", "docker get"]) {
                let context = format!("{name}, {face} and {repeats:?}");
                canary.look_for(
                    server.repeated().into_iter().chain(stage.secrets()),
                    &context,
                );
                canary.search_output(&context, &done);
                canary.search_files(&context, stage.cache.path());
                assert_ne!(done.code(), Some(0), "{context}: {}", done.stdout());
            }
        }
    }
    canary.end(100_000);
}

/// Logins at places where no docker configuration has them, and files that are not one.
#[test]
fn nothing_of_a_docker_configuration_that_cannot_be_copied_is_shown() {
    let mut canary = Canary::default();
    let pair = |login: &str| STANDARD.encode(login);
    let whole = json!({"auth": pair(&format!("alice:{PASSWORD}"))});
    let long = PASSWORD.repeat(20);
    let entry = |member: &str, value: Value| json!({"auths": {HOST: {member: value}}}).to_string();
    let address = format!(
        "https://alice:{}@{HOST}/v1?token={}",
        "p4ss-c4n4ry-5d02", "t0ken-c4n4ry"
    );
    let files = [
        json!({"auths": {HOST: whole}}).to_string(),
        json!({"auths": {&*address: whole}}).to_string(),
        json!({"auths": {PASSWORD: whole}}).to_string(),
        json!({"auths": {HOST: PASSWORD}}).to_string(),
        json!({"auths": [HOST, PASSWORD]}).to_string(),
        json!({"auths": PASSWORD}).to_string(),
        json!(PASSWORD).to_string(),
        entry("auth", json!(PASSWORD)),
        entry("auth", json!(long)),
        entry("auth", json!(pair(PASSWORD))),
        entry("auth", json!([pair(&format!("alice:{PASSWORD}"))])),
        entry("password", json!([PASSWORD])),
        entry("password", json!({"value": PASSWORD})),
        entry("identitytoken", json!(PASSWORD)),
        entry("registrytoken", json!({"value": PASSWORD})),
        entry("username", json!({"password": PASSWORD})),
        json!({"auths": {HOST: {"username": "alice", "password": PASSWORD}}, "credsStore": PASSWORD}).to_string(),
        json!({"auths": {}, "credHelpers": {HOST: PASSWORD}}).to_string(),
        json!({HOST: {"username": "alice", "password": PASSWORD}}).to_string(),
        format!("{{\"auths\": {{\"{HOST}\": {{\"password\": {}", json!(PASSWORD)),
        format!("{{\"auths\": {{\"{HOST}\": {{\"password\": {}}}}}}}, ]", json!(PASSWORD)),
        format!("{{\"auths\": {{\"{HOST}\": {{\"auth\": 7, \"password\": {}}}, \"b\": 7}}}}", json!(PASSWORD)),
        format!("password: {PASSWORD}\n"),
        format!("{HOST} alice {PASSWORD}\n"),
        PASSWORD.to_owned(),
    ];
    let home = tempfile::tempdir().expect("a directory");
    let file = home.path().join("config.json");
    for (at, text) in files.iter().enumerate() {
        std::fs::write(&file, text).expect("a file");
        for from in [&*file.display().to_string(), "-"] {
            for form in ["docker-config", "kubernetes-secret"] {
                for more in [&[][..], &[HOST]] {
                    let program = Program::ours("regcred").args(["token", "--output", form]);
                    let program = program.args(["--from-file", from]).args(more);
                    let program = program.stdin(text.as_str()).env("HOME", home.path());
                    let done = program.env("REGCRED_LOG", VERBOSE).run();
                    let context = format!("file {at} from {from}, {form}, {more:?}");
                    let secrets = [PASSWORD, "p4ss-c4n4ry-5d02", "t0ken-c4n4ry"];
                    canary.look_for(secrets.map(str::to_owned), &context);
                    canary.search("standard error", &context, &done.stderr);
                    assert!(
                        !done.stderr.contains("a panic"),
                        "{context}: {}",
                        done.stderr
                    );
                    if done.code() != Some(0) {
                        canary.search("standard output", &context, &done.stdout());
                    }
                }
            }
        }
    }
    canary.end(20_000);
}

/// Whether a face asks no source.
fn is_local(face: &str) -> bool {
    matches!(face, "docker list" | "docker store")
}

/// A configuration with one source, and the files that it names.
struct Stage {
    config: ConfigDir,
    cache: tempfile::TempDir,
    token: String,
}

impl Stage {
    fn set(cluster: &Cluster, source: &str) -> Self {
        let config = ConfigDir::new("");
        let sends = !["static", "helper"]
            .iter()
            .any(|one| source.starts_with(one));
        let fallback = if sends {
            format!("  audience: {HOST}\n  fallback: {{tokenFile: token}}\n")
        } else {
            String::new()
        };
        let helper = config.path().join("helper").display().to_string();
        let source = source.replace("HELPER,", &format!("{helper},"));
        config.rewrite(&format!("- matchImages: [{HOST}]\n{fallback}  {source}\n"));
        let token = cluster.token(&Account::new("shop", "puller"), HOST, 3000);
        let login = json!({"auths": {HOST: {"username": "bob", "password": PASSWORD}}});
        for (name, text) in [
            ("token", token.as_str()),
            ("password", PASSWORD),
            ("client-secret", "s3cret of the client"),
            ("docker.json", &login.to_string()),
        ] {
            let _ = config.write(name, text);
        }
        let login = json!({"ServerURL": HOST, "Username": "eve", "Secret": PASSWORD});
        let children = config.path().join("children");
        script(
            &config.path().join("helper"),
            &format!(
                "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline >> {}\n\
                 echo \"$HELPER_KEY\" >&2\necho '{login}' >&2\necho '{login}'",
                children.display()
            ),
        );
        Self {
            config,
            cache: tempfile::tempdir().expect("a directory"),
            token,
        }
    }

    /// Each of these faces with what the program wrote.
    fn faces(&self, faces: &[&'static str]) -> Vec<(&'static str, Finished)> {
        let image = format!("{HOST}/team/app");
        let run = |face: &&'static str| {
            let (args, stdin): (&[&str], String) = match *face {
                "kubelet" => {
                    let of_pod =
                        json!({"serviceAccountToken": self.token, "serviceAccountAnnotations": {}});
                    (&[], plugin_request_with(&image, of_pod))
                }
                "docker get" => (&["docker", "get"], HOST.to_owned()),
                "docker list" => (&["docker", "list"], String::new()),
                "docker store" => {
                    let login = json!({"ServerURL": HOST, "Username": "u", "Secret": PASSWORD});
                    (&["docker", "store"], login.to_string())
                }
                "token" => (&["token", HOST], String::new()),
                form => (&["token", HOST, "--output", form], String::new()),
            };
            let program = Program::ours("generic-credential-provider").args(args);
            let program = program.envs(self.config.env()).stdin(stdin);
            let program = program.env("REGCRED_CACHE", self.cache.path().join("cache"));
            let program = program.env("PATH", "/usr/bin:/bin");
            (*face, program.env("REGCRED_LOG", VERBOSE).run())
        };
        faces.iter().map(run).collect()
    }

    /// What is in its files.
    fn secrets(&self) -> Vec<String> {
        let fixed = [PASSWORD, "s3cret of the client", "a-key-c4n4ry"];
        let fixed = fixed.map(str::to_owned).into_iter();
        fixed.chain([self.token.clone()]).collect()
    }

    /// A helper has the variables of its entry, and no other secret.
    fn search_children(&self, canary: &mut Canary, context: &str) {
        let children = std::fs::read(self.config.path().join("children")).unwrap_or_default();
        let children = String::from_utf8_lossy(&children).replace("a-key-c4n4ry", "");
        canary.search("command lines and environments", context, &children);
    }
}

const FACES: [&str; 7] = [
    "kubelet",
    "token",
    "json",
    "docker-config",
    "docker get",
    "docker list",
    "docker store",
];
const HOST: &str = "registry.corp.test";
const PASSWORD: &str = "p4ss?/\"+&word-c4n4ry-5d02";
