use regcred_api::docker_config::BadEntries;
use regcred_api::pull_secret::{self, Content};
use secrecy::ExposeSecret as _;

use super::*;

const CANARY: &str = "canary-password";

struct Done {
    code: u8,
    stdout: String,
    stderr: String,
}

fn run(import: &Import, output: TokenOutput, secret: &SecretName, stdin: &[u8]) -> Done {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut input = stdin;
    let mut streams = Streams {
        stdin: &mut input,
        stdout: &mut stdout,
        stderr: &mut stderr,
        terminal: stdin == TERMINAL,
    };
    let done = super::run(import, output, secret, &mut streams);
    let (code, line) = match done {
        Ok(()) => (0, String::new()),
        Err(failure) => (failure.exit_code(), regcred_core::report(&failure)),
    };
    Done {
        code,
        stdout: String::from_utf8(stdout).expect("text"),
        stderr: String::from_utf8(stderr).expect("text") + &line,
    }
}

const TERMINAL: &[u8] = b"typed";

fn login(server: &str, username: &str) -> Import {
    Import::Login {
        server: server.to_owned(),
        username: username.to_owned(),
        email: String::new(),
    }
}

/// A file with these logins, and an import of some of them.
fn file(text: &str, registries: &[&str]) -> (tempfile::TempDir, Import) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    std::fs::write(&path, text).expect("a file");
    let registries = registries.iter().map(|&r| r.to_owned()).collect();
    (dir, Import::File { path, registries })
}

#[test]
fn a_dash_is_standard_input() {
    let registries = vec!["h.io".to_owned()];
    let import = Import::File {
        path: "-".into(),
        registries,
    };
    let secret = SecretName::default();
    let done = run(
        &import,
        TokenOutput::DockerConfig,
        &secret,
        CONFIG.as_bytes(),
    );
    assert_eq!((done.code, &*done.stderr), (0, ""));
    assert!(done.stdout.contains("\"h.io\""), "{}", done.stdout);
    for (stdin, why) in [
        (
            "",
            "standard input is empty: expected a docker configuration",
        ),
        (
            "{canary",
            "--from-file: standard input is not a docker configuration: ",
        ),
        ("{}", "standard input has no login for h.io"),
    ] {
        let done = run(
            &import,
            TokenOutput::DockerConfig,
            &secret,
            stdin.as_bytes(),
        );
        assert_ne!(done.code, 0);
        assert!(!done.stderr.contains("canary"));
        if stdin != "{}" {
            assert!(done.stderr.starts_with(why), "{}", done.stderr);
        }
    }
}

/// Keys, users and passwords that a kubelet finds in the manifest.
fn logins(manifest: &str) -> Vec<(String, String, String)> {
    let parsed = pull_secret::parse(manifest.as_bytes(), BadEntries::RejectFile);
    let [secret] = &parsed.expect("a manifest")[..] else {
        panic!("one Secret");
    };
    let Content::Config(config) = &secret.content else {
        panic!("a pull secret");
    };
    let entries = config.entries.iter();
    entries
        .map(|e| {
            let password = e.password.expose_secret().to_owned();
            (e.server.clone(), e.username.clone(), password)
        })
        .collect()
}

const CONFIG: &str = r#"{"auths":{"https://index.docker.io/v1/":{"auth":"aHViOmNhbmFyeS1wYXNzd29yZA=="},
    "h.io":{"username":"u","password":"canary-password","email":"me@h.io"},
    "token.io":{"identitytoken":"canary-password"},"bad.io":{"auth":"canary-password"}},
    "credHelpers":{"x.io":"y"},"HttpHeaders":{"a":"b"}}"#;

#[test]
fn a_login_becomes_what_kubectl_makes() {
    let import = Import::Login {
        server: "h.io".to_owned(),
        username: "u".to_owned(),
        email: "me@h.io".to_owned(),
    };
    let secret = SecretName {
        name: Some("regcred".to_owned()),
        namespace: Some("shop".to_owned()),
    };
    let done = run(&import, TokenOutput::KubernetesSecret, &secret, b"p w\n");
    assert_eq!((done.code, &*done.stderr), (0, ""));
    assert_eq!(
        done.stdout,
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: \"regcred\"\n  namespace: \"shop\"\n\
         type: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: \
         eyJhdXRocyI6eyJoLmlvIjp7InVzZXJuYW1lIjoidSIsInBhc3N3b3JkIjoicCB3IiwiZW1haWwiOiJtZUBoLmlvIiwi\
         YXV0aCI6ImRUcHdJSGM9In19fQ==\n"
    );
    let expected = ("h.io".to_owned(), "u".to_owned(), "p w".to_owned());
    assert_eq!(logins(&done.stdout), [expected]);
}

#[test]
fn a_password_of_many_lines_loses_one_final_line_break() {
    let key = "{\n\t\"type\": \"service_account\"\n}";
    for (stdin, password) in [
        (format!("{key}\n"), key.to_owned()),
        (format!("{key}\r\n"), key.to_owned()),
        (key.to_owned(), key.to_owned()),
        (format!("{key}\n\n"), format!("{key}\n")),
        (" p \n".to_owned(), " p ".to_owned()),
    ] {
        let import = login("gcr.io", "_json_key");
        let secret = SecretName::default();
        let form = TokenOutput::KubernetesSecret;
        let done = run(&import, form, &secret, stdin.as_bytes());
        let is_odd = password.trim() != password;
        assert_eq!(done.code, 0, "{stdin:?}");
        let noted = done.stderr.starts_with("gcr.io: the password ");
        assert_eq!(noted, is_odd, "{}", done.stderr);
        assert!(!done.stderr.contains("service_account"));
        let expected = ("gcr.io".to_owned(), "_json_key".to_owned(), password);
        assert_eq!(logins(&done.stdout), [expected], "{stdin:?}");
    }
}

#[test]
fn a_configuration_is_a_form_too() {
    let default = SecretName::default();
    let import = login("https://index.docker.io/v1/", "me");
    let done = run(&import, TokenOutput::DockerConfig, &default, b"p\r\n");
    assert_eq!(
        done.stdout,
        "{\"auths\":{\"https://index.docker.io/v1/\":{\"username\":\"me\",\"password\":\"p\",\
         \"auth\":\"bWU6cA==\"}}}\n"
    );
}

#[test]
fn a_file_is_copied_without_entries_that_are_not_logins() {
    let (_dir, import) = file(CONFIG, &[]);
    let default = SecretName::default();
    let done = run(&import, TokenOutput::KubernetesSecret, &default, b"");
    assert_eq!(done.code, 0, "{}", done.stderr);
    let expected = [("https://index.docker.io/v1/", "hub"), ("h.io", "u")]
        .map(|(key, user)| (key.to_owned(), user.to_owned(), CANARY.to_owned()));
    assert_eq!(logins(&done.stdout), expected);
    for key in ["token.io is left out: ", "bad.io is left out: "] {
        assert!(done.stderr.contains(key), "{}", done.stderr);
    }
    assert!(!done.stderr.contains(CANARY), "{}", done.stderr);
}

#[test]
fn an_odd_login_is_copied_with_a_note() {
    // `echo u:canary-password | base64`
    let odd = r#"{"auths":{"odd.io":{"auth":"dTpjYW5hcnktcGFzc3dvcmQK"},"h.io":{"auth":"dTpw"}}}"#;
    let default = SecretName::default();
    for (registries, noted) in [(&[][..], true), (&["odd.io"], true), (&["h.io"], false)] {
        let (_dir, import) = file(odd, registries);
        let done = run(&import, TokenOutput::KubernetesSecret, &default, b"");
        assert_eq!(done.code, 0, "{}", done.stderr);
        let note = "odd.io: the password ends in a line end, as `echo` writes one: ";
        assert_eq!(done.stderr.starts_with(note), noted, "{}", done.stderr);
        assert!(!done.stderr.contains(CANARY), "{}", done.stderr);
    }
}

#[test]
fn registries_that_are_named_are_copied_alone() {
    let default = SecretName::default();
    let (_dir, import) = file(CONFIG, &["docker.io"]);
    let done = run(&import, TokenOutput::KubernetesSecret, &default, b"");
    assert_eq!((done.code, &*done.stderr), (0, ""));
    let found = logins(&done.stdout);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "https://index.docker.io/v1/");
}

#[test]
fn mistakes_are_reported_and_nothing_is_written() {
    let default = SecretName::default();
    let bad_name = SecretName {
        name: Some("Reg_Cred".to_owned()),
        namespace: None,
    };
    let secret = TokenOutput::KubernetesSecret;
    let good = &login("h.io", "u");
    let (_dir, missing) = &file(CONFIG, &["h.io", "other.io"]);
    let (_dir2, broken) = &file("{\"auths\": canary-password", &[]);
    let absent = &Import::File {
        path: "/nowhere/config.json".into(),
        registries: Vec::new(),
    };
    let large = vec![b'x'; (1 << 20) + 1];
    for (import, output, name, stdin, code, text) in [
        (
            good,
            TokenOutput::Text,
            &default,
            &b"p"[..],
            2,
            "add --output",
        ),
        (good, TokenOutput::Json, &default, b"p", 2, "add --output"),
        (
            good,
            TokenOutput::DockerConfig,
            &bad_name,
            b"p",
            2,
            "belong to",
        ),
        (
            good,
            secret,
            &bad_name,
            b"p",
            2,
            "is not a name in Kubernetes",
        ),
        (
            good,
            secret,
            &default,
            TERMINAL,
            2,
            "the terminal would show",
        ),
        (good, secret, &default, b"", 2, "standard input is empty"),
        (good, secret, &default, b"\n", 2, "standard input is empty"),
        (good, secret, &default, b"\xff", 2, "is not UTF-8 text"),
        (good, secret, &default, &large, 2, "more than 1 MiB"),
        (
            &login("h.io", "a:b"),
            secret,
            &default,
            b"p",
            2,
            "--username",
        ),
        (&login("h.io", ""), secret, &default, b"p", 2, "--username"),
        (
            &login("u@h.io", "u"),
            secret,
            &default,
            b"p",
            2,
            "user information",
        ),
        (&login("h.io /x", "u"), secret, &default, b"p", 2, "h.io /x"),
        (
            missing,
            secret,
            &default,
            b"",
            4,
            "has no login for other.io",
        ),
        (
            broken,
            secret,
            &default,
            b"",
            4,
            "is not a docker configuration",
        ),
        (
            absent,
            secret,
            &default,
            b"",
            4,
            "--from-file: cannot read /nowhere",
        ),
    ] {
        let done = run(import, output, name, stdin);
        assert_eq!(
            (done.code, &*done.stdout),
            (code, ""),
            "{text}: {}",
            done.stderr
        );
        assert!(done.stderr.contains(text), "{text}: {}", done.stderr);
        assert!(!done.stderr.contains(CANARY), "{}", done.stderr);
    }
}
