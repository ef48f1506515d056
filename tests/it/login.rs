//! `regcred login` and `logout`: what they write, docker's and podman's readers use.

use std::fs;
use std::path::Path;

use regcred_tests::cloud::Cloud as _;
use regcred_tests::ecr::EcrCloud;
use regcred_tests::program::script;
use regcred_tests::registry::Access;
use regcred_tests::{ClosedPort, Image, Program, Registry, Skopeo};
use serde_json::{Value, json};
use tempfile::tempdir;

fn regcred(line: &str) -> Program {
    Program::ours("regcred").args(line.split_whitespace())
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the file")).expect("JSON")
}

#[test]
fn the_login_of_a_provider_is_stored_and_removed_and_the_rest_of_the_file_stays() {
    let cloud = EcrCloud::start();
    let host = cloud.image().split('/').next().expect("a host").to_owned();
    let dir = tempdir().expect("a directory");
    let before = "{\n\t\"auths\": {\n\t\t\"h.io\": {\n\t\t\t\"auth\": \"YTpi\"\n\t\t}\n\t},\n\t\"currentContext\": \"x\"\n}\n";
    let file = dir.path().join("config.json");
    fs::write(&file, before).expect("written");
    let run = |line: String| {
        let program = regcred(&line).env("DOCKER_CONFIG", dir.path());
        program.envs(cloud.env()).run()
    };
    let said = run(format!("login {host}")).success();
    assert!(
        said.starts_with(&format!("logged in to {host} as AWS: ")),
        "{said}"
    );
    assert!(said.contains("it expires at 20"), "{said}");
    let written = read(&file);
    let auth = &written["auths"][&*host];
    assert!(auth["auth"].as_str().is_some_and(|auth| auth.len() > 20));
    assert_eq!(auth.as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(written["auths"]["h.io"], json!({ "auth": "YTpi" }));

    let said = run(format!("logout https://{host}")).success();
    assert!(said.contains("is removed from"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("the file"), before);
    let said = run(format!("logout {host}")).success();
    assert!(
        said.starts_with(&format!("not logged in to {host}: ")),
        "{said}"
    );
    let _ = run("logout --all".to_owned()).success();
    assert_eq!(read(&file), json!({ "auths": {}, "currentContext": "x" }));
}

#[test]
fn a_given_login_is_stored_only_if_the_registry_accepts_it() {
    let access = Access::Htpasswd("alice", "s3cret");
    let Some(registry) = Registry::start(&access) else {
        return;
    };
    let image = Image::single(41, 1, 1_000);
    let Some(()) = registry.push(&image, "team/app:v1", Some(("alice", "s3cret"))) else {
        return;
    };
    let dir = tempdir().expect("a directory");
    let file = dir.path().join("auth.json");
    let host = registry.authority();
    let line = format!("login {host} --username alice --password-stdin --podman");
    let login = |password: &str| {
        let program = regcred(&line).env("REGISTRY_AUTH_FILE", &file);
        program.stdin(password).run()
    };
    let wrong = login("c4n4ry");
    let error = wrong.fails(6);
    assert!(
        error.starts_with(&format!("{host} does not accept the login of alice: ")),
        "{error}"
    );
    assert!(!error.contains("c4n4ry"), "{error}");
    assert!(!file.exists());

    let said = login("s3cret\n").success();
    assert_eq!(
        said,
        format!(
            "logged in to {host} as alice: stored in {}\n",
            file.display()
        )
    );
    let skopeo = Skopeo::find().expect("it pushed");
    let reference = format!("docker://{host}/team/app:v1");
    let authfile = file.display().to_string();
    let args = [
        "inspect",
        "--raw",
        "--tls-verify=false",
        "--authfile",
        &authfile,
        &reference,
    ];
    let _ = skopeo.run(&args);

    let logout = regcred(&format!("logout {host} --authfile {authfile}"));
    let _ = logout.run().success();
    assert_eq!(read(&file), json!({ "auths": {} }));
}

#[test]
fn where_docker_asks_a_helper_the_helper_stores_and_erases() {
    let Some(registry) = Registry::start(&Access::Open) else {
        return;
    };
    let dir = tempdir().expect("a directory");
    script(
        &dir.path().join("docker-credential-x"),
        &format!(
            "printf '%s ' \"$1\" >> {0}/log; cat >> {0}/log",
            dir.path().display()
        ),
    );
    let file = dir.path().join("config.json");
    let before = "{\n\t\"credsStore\": \"x\"\n}\n";
    fs::write(&file, before).expect("written");
    let host = registry.authority();
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let run = |line: String| {
        let program = regcred(&line)
            .env("PATH", &path)
            .env("DOCKER_CONFIG", dir.path());
        program.stdin("s3cret").run()
    };
    let done = run(format!("login {host} --username alice --password-stdin"));
    assert!(
        done.stderr.contains("answers without a login"),
        "{}",
        done.stderr
    );
    let said = done.success();
    assert!(said.ends_with("stored in docker-credential-x\n"), "{said}");
    let said = run(format!("logout {host}")).success();
    assert!(said.contains("removed from docker-credential-x"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("the file"), before);
    let log = fs::read_to_string(dir.path().join("log")).expect("the helper's log");
    let stored = format!(r#"{{"ServerURL":"{host}","Username":"alice","Secret":"s3cret"}}"#);
    // Under every key that docker may have used.
    let erased = format!("erase {host}erase http://{host}erase https://{host}");
    assert_eq!(log, format!("store {stored}\n{erased}"));

    fs::write(&file, r#"{"credsStore":"missing"}"#).expect("written");
    let error = run(format!("logout {host}"));
    assert!(error.fails(4).contains("docker-credential-missing"));
    fs::write(&file, r#"{"credHelpers":{"h.io":"ecr-login"}}"#).expect("written");
    let error = run("logout h.io".to_owned());
    assert!(error.fails(4).contains("stores no login"));
}

#[test]
fn logout_of_all_registries_empties_the_helpers_too() {
    let dir = tempdir().expect("a directory");
    let log = dir.path().join("log");
    for (name, list) in [("x", "{}"), ("y", r#"{"https://s.io":"u","t.io":"v"}"#)] {
        let body = format!(
            "if [ \"$1\" = list ]; then echo '{list}'; else echo \"{name} $1 $(cat)\" >> {}; fi",
            log.display()
        );
        script(&dir.path().join(format!("docker-credential-{name}")), &body);
    }
    let file = dir.path().join("config.json");
    let before = r#"{"auths":{"f.io":{"auth":"dTpw"}},"credHelpers":{"h.io":"x","e.io":"ecr-login"},"credsStore":"y"}"#;
    fs::write(&file, before).expect("written");
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let run = || {
        let program = regcred("logout --all").env("PATH", &path);
        program.env("DOCKER_CONFIG", dir.path()).run()
    };
    let said = run().success();
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(
        said.contains("the login of https://s.io is removed from docker-credential-y"),
        "{said}"
    );
    let erased = fs::read_to_string(&log).expect("the helpers' log");
    assert_eq!(erased, "x erase h.io\ny erase https://s.io\ny erase t.io\n");
    let after = serde_json::json!({
        "auths": {},
        "credHelpers": {"h.io": "x", "e.io": "ecr-login"},
        "credsStore": "y",
    });
    assert_eq!(read(&file), after);

    script(&dir.path().join("docker-credential-y"), "echo no; exit 1");
    let done = run();
    assert_eq!(done.code(), Some(4));
    assert!(
        done.stderr.contains("docker-credential-y list failed"),
        "{}",
        done.stderr
    );
    let said = done.stdout();
    assert_eq!(
        said,
        "the login of h.io is removed from docker-credential-x\n"
    );
    let erased = fs::read_to_string(&log).expect("the helpers' log");
    assert!(erased.ends_with("t.io\nx erase h.io\n"), "{erased}");
}

#[test]
fn what_cannot_be_a_login_ends_with_its_reason_and_without_a_file() {
    let closed = ClosedPort::take().authority();
    let dir = tempdir().expect("a directory");
    for (line, code, part) in [
        (
            "login h.io/team --username a --password-stdin".to_owned(),
            2,
            "has a path",
        ),
        (
            "login h.io --username a".to_owned(),
            2,
            "pass it with --password-stdin",
        ),
        (
            "login h.io --username a:b --password-stdin".to_owned(),
            2,
            "without colons",
        ),
        (
            "login h.io".to_owned(),
            3,
            "or pass a login with --username",
        ),
        (
            format!("login {closed} --username a --password-stdin"),
            7,
            "was not asked whether it accepts the login of a",
        ),
    ] {
        let program = regcred(&line).env("DOCKER_CONFIG", dir.path());
        let done = program.stdin("s3cret").run();
        let error = done.fails(code);
        assert!(error.contains(part), "{line}: {error}");
    }
    assert!(!dir.path().join("config.json").exists());
    let homeless = regcred("logout h.io").run();
    assert!(homeless.fails(4).contains("--authfile"));
}
