//! Programs that plugins and commands start, and that repeat what they were given: it is shown nowhere, and
//! they are given no secret of others.

use std::path::{Path, PathBuf};

use regcred_tests::canary::VERBOSE;
use regcred_tests::cloud::Cloud as _;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::server::{Reply, Seen};
use regcred_tests::{
    Canary, FakeGoogle, Finished, Program, Server, clouds, plugin_request_with, repeating_program,
};
use serde_json::json;
use tempfile::TempDir;

/// A plugin whose identity a program has.
struct Row {
    name: &'static str,
    plugin: &'static str,
    image: String,
    env: Vec<(String, String)>,
}

#[test]
fn nothing_that_a_program_repeats_is_shown_and_no_program_has_the_secret_of_another() {
    let mut canary = Canary::default();
    let google = FakeGoogle::start();
    let (ecr, acr) = (EcrCloud::start(), clouds::start("acr"));
    let home = Home::new();
    let path = home.path("bin").display().to_string();
    let external = google.external_file(&json!({"executable":
        {"command": home.program("executable"), "timeout_millis": 20_000}}));
    let config = format!(
        "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
         - {{matchImages: [helper.test], helper: {{program: {}, env: {{HELPER_KEY: '{OF_PROGRAM}'}}}}}}\n",
        home.program("helper")
    );
    let process = format!(
        "[default]\ncredential_process = {}\n",
        home.program("process")
    );
    let vars = |vars: &[(&str, &str)]| -> Vec<(String, String)> {
        let owned = vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        owned.collect()
    };
    let rows = [
        Row {
            name: "AWS's credential_process",
            plugin: "ecr",
            image: ecr.image().to_owned(),
            env: [
                ecr.env(),
                vars(&[("AWS_CONFIG_FILE", &home.file("config", &process))]),
            ]
            .concat(),
        },
        Row {
            name: "a docker credential helper",
            plugin: "generic",
            image: "helper.test/app".to_owned(),
            env: vars(&[(
                "REGCRED_GENERIC_CONFIG",
                &home.file("generic.yaml", &config),
            )]),
        },
        Row {
            name: "Google's executable",
            plugin: "gcr",
            image: "us-docker.pkg.dev/p/team/app".to_owned(),
            env: [
                google.env(),
                vars(&[
                    ("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1"),
                    (
                        "GOOGLE_APPLICATION_CREDENTIALS",
                        &home.file("external.json", &external.to_string()),
                    ),
                ]),
            ]
            .concat(),
        },
        Row {
            name: "gcloud",
            plugin: "gcr",
            image: "us-docker.pkg.dev/p/team/app".to_owned(),
            env: [
                google.env(),
                vars(&[
                    ("REGCRED_GCR_TOKEN_SOURCES", "gcloud"),
                    ("CLOUDSDK_CONFIG", &home.path("").display().to_string()),
                ]),
            ]
            .concat(),
        },
        Row {
            name: "az",
            plugin: "acr",
            image: acr.image().to_owned(),
            env: [acr.env(), vars(&[("REGCRED_ACR_IDENTITY", "cli")])].concat(),
        },
    ];
    for row in &rows {
        let children = home.path("children");
        let _ = std::fs::remove_file(&children);
        let program = format!("{}-credential-provider", row.plugin);
        let host = row.image.split('/').next().unwrap_or_default();
        let of_pod = json!({"serviceAccountToken": OF_POD, "serviceAccountAnnotations": {}});
        let faces: [(&[&str], String); 3] = [
            (&[], plugin_request_with(&row.image, of_pod)),
            (&["token", host], String::new()),
            (&["docker", "get"], host.to_owned()),
        ];
        let mut shown = String::new();
        canary.look_for([OF_POD, OF_PROGRAM, INHERITED].map(str::to_owned), row.name);
        for (args, stdin) in faces {
            let program = Program::ours(&program).args(args).envs(row.env.clone());
            let program = program.env("PATH", format!("{path}:/usr/bin:/bin"));
            let program = program.env("HOME", home.path("")).stdin(stdin);
            let program = program.env("SOME_SECRET", INHERITED);
            let done = program.env("REGCRED_LOG", VERBOSE).run();
            assert_ne!(done.code(), Some(0), "{}: {}", row.name, done.stdout());
            canary.search_output(row.name, &done);
            shown += &(done.stdout() + &done.stderr);
        }
        assert!(shown.contains("[secret]"), "{}: {shown}", row.name);
        home.search_children(&mut canary, row.name);
    }
    canary.end(10_000);
}

#[test]
fn nothing_that_a_helper_repeats_is_shown_by_login_and_logout() {
    let mut canary = Canary::default();
    canary.look_for([OF_POD, OF_PROGRAM, INHERITED].map(str::to_owned), "login");
    let home = Home::new();
    let registry = Server::start(|_: &Seen| Reply::json(200, &json!({})));
    let host = registry.authority();
    let _ = home.file("config.json", "{\"credsStore\": \"x\"}");
    let run = |line: &[&str]| -> Finished {
        let path = format!("{}:/usr/bin:/bin", home.path("bin").display());
        let program = Program::ours("regcred").args(line).env("PATH", path);
        let program = program
            .env("DOCKER_CONFIG", home.path(""))
            .stdin(OF_PROGRAM);
        let program = program.env("SOME_SECRET", INHERITED);
        program.env("REGCRED_LOG", VERBOSE).run()
    };
    let login = ["login", &host, "--username", "a", "--password-stdin"];
    for line in [&login[..], &["logout", &host], &["logout", "--all"]] {
        let done = run(line);
        let shown = done.stdout() + &done.stderr;
        assert_ne!(done.code(), Some(0), "{line:?}: {shown}");
        assert!(shown.contains("[secret]"), "{line:?}: {shown}");
        canary.search_output(line[0], &done);
    }
    home.search_children(&mut canary, "login");
    canary.end(1_000);
}

/// A home directory with programs that repeat.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().expect("a directory"));
        std::fs::create_dir(home.path("bin")).expect("a directory");
        for name in PROGRAMS {
            repeating_program(&home.path("bin").join(name), &home.path("children"));
        }
        // gcloud has a login.
        let _ = home.file("credentials.db", "");
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(self.0.path(), name)
    }

    fn program(&self, name: &str) -> String {
        self.path("bin").join(name).display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).expect("a file");
        self.path(name).display().to_string()
    }

    /// A program inherits the environment, and has the variables that are written for it.
    fn search_children(&self, canary: &mut Canary, context: &str) {
        let children = std::fs::read(self.path("children")).expect("a child ran");
        let children = String::from_utf8_lossy(&children);
        assert!(children.contains(INHERITED), "{context}: {children}");
        let inherited = format!("SOME_SECRET={INHERITED}");
        let own = format!("HELPER_KEY={OF_PROGRAM}");
        let others = children.replace(&inherited, "").replace(&own, "");
        canary.search("command lines and environments", context, &others);
    }
}

const PROGRAMS: [&str; 6] = [
    "executable",
    "helper",
    "process",
    "gcloud",
    "az",
    "docker-credential-x",
];
const OF_POD: &str =
    "eyJhbGciOiJSUzI1NiJ9.cG9kLWM0bjRyeS1wb2QtYzRuNHJ5LXBvZA.c2ln-c4n4ry-of-the-pod";
const OF_PROGRAM: &str = "pr0gram?/\"+-c4n4ry-31c8";
/// A word: what is read from others does not have it either.
const INHERITED: &str = "giraffesneck";
