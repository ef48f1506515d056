use super::*;
use crate::fake::CANARY;
use crate::run::testing::Started;

fn helper(action: &str, stdin: &str) -> Started {
    Started::new("docker-credential-fake-login", action)
        .stdin(stdin)
        .run()
}

#[test]
fn get_answers_with_the_url_as_asked() {
    for url in ["fake.io", "https://fake.io", "https://fake.io/v2/"] {
        let answer = helper("get", &format!("{url}\n"));
        assert_eq!(
            answer.stdout,
            format!("{{\"ServerURL\":\"{url}\",\"Username\":\"AWS\",\"Secret\":\"{CANARY}\"}}\n")
        );
        assert_eq!((answer.code, &*answer.stderr), (0, ""));
    }
}

#[test]
fn the_plugin_has_the_same_face_as_a_command() {
    let answer = Started::new("fake-credential-provider", "docker get")
        .stdin("fake.io")
        .run();
    assert!(answer.stdout.contains(CANARY));
}

#[test]
fn refusals_are_the_protocols_texts_on_stdout() {
    for (action, stdin, text) in [
        ("get", "evil.io", NOT_FOUND),
        ("get", "https://index.docker.io/v1/", NOT_FOUND),
        ("get", "user@fake.io", NOT_FOUND),
        ("get", "", NO_SERVER_URL),
        ("get", " \n", NO_SERVER_URL),
        ("erase", "", NO_SERVER_URL),
        ("store", "", "EOF"),
        ("store", r#"{"Username":"u","Secret":"s"}"#, NO_SERVER_URL),
        ("store", r#"{"ServerURL":"h","Secret":"s"}"#, NO_USERNAME),
        (
            "store",
            r#"{"ServerURL":"h","Username":"u","Secret":"s"}"#,
            "not implemented",
        ),
        ("erase", "fake.io", "not implemented"),
        (
            "burn",
            "",
            "docker-credential-fake-login: unknown action: burn",
        ),
        (
            "",
            "",
            "Usage: docker-credential-fake-login <store|get|erase|list|version>",
        ),
        (
            "get twice",
            "",
            "Usage: docker-credential-fake-login <store|get|erase|list|version>",
        ),
    ] {
        let answer = helper(action, stdin);
        assert_eq!(answer.stdout, format!("{text}\n"), "{action} {stdin}");
        assert_eq!(answer.code, 1);
    }
}

#[test]
fn a_kubelet_reads_the_cause_on_standard_error() {
    let request = r#"{"apiVersion":"credentialprovider.kubelet.k8s.io/v1",
        "kind":"CredentialProviderRequest","image":"fake.io/app"}"#;
    for (action, text) in [
        (
            "",
            "answers a kubelet only with the argument get-credentials",
        ),
        ("get twice", "answers a kubelet only with"),
        ("plugin", "answers a kubelet only with"),
        (
            "get",
            "standard input is JSON: expected a server's URL; docker-",
        ),
    ] {
        let answer = helper(action, request);
        assert_eq!(answer.code, 1, "{action}");
        assert!(answer.stderr.contains(text), "{action}: {}", answer.stderr);
        assert_eq!(answer.stderr.lines().count(), 1);
        assert!(!answer.stdout.contains(CANARY), "{action}");
    }
    for action in ["get-credentials", "kubelet"] {
        let answer = helper(action, request);
        assert_eq!((answer.code, &*answer.stderr), (0, ""), "{action}");
        assert!(
            answer
                .stdout
                .contains("\"kind\":\"CredentialProviderResponse\"")
        );
        assert!(answer.stdout.contains(CANARY), "{action}");
    }
}

#[test]
fn an_answer_without_credentials_is_not_found() {
    let answer = Started::new("docker-credential-fake-login", "get")
        .env(&[("FAKE_MODE", "empty")])
        .stdin("fake.io")
        .run();
    assert_eq!(answer.stdout, format!("{NOT_FOUND}\n"));
    assert_eq!(
        answer.stderr,
        "fake: no credentials for fake.io: pulls from it need no login\n"
    );
}

#[test]
fn the_cause_for_a_foreign_registry_is_on_standard_error() {
    for url in ["evil.io", "https://index.docker.io/v1/"] {
        let answer = helper("get", url);
        assert_eq!(answer.stdout, format!("{NOT_FOUND}\n"));
        for text in [
            " is not a registry of Fake Registry; ",
            "add it with FAKE_ALSO_SERVE\n",
        ] {
            assert!(answer.stderr.contains(text), "{}", answer.stderr);
        }
    }
    let two = Started::new("docker-credential-regcred", "get")
        .clouds(&[&crate::fake::SPEC, &crate::fake::OTHER])
        .stdin("evil.io")
        .run();
    assert_eq!(two.stdout, format!("{NOT_FOUND}\n"));
    assert_eq!(two.stderr.lines().count(), 1, "{}", two.stderr);
}

#[test]
fn a_person_at_the_terminal_reads_what_is_expected() {
    for (action, expected) in [
        ("get", "a server URL"),
        ("erase", "a server URL"),
        ("store", "credentials as JSON"),
        ("get-credentials", "a CredentialProviderRequest as JSON"),
    ] {
        let answer = Started::new("docker-credential-fake-login", action)
            .terminal()
            .stdin("fake.io")
            .run();
        let note = format!("waiting on standard input for {expected}; Ctrl-D ends it\n");
        assert!(answer.stderr.starts_with(&note), "{}", answer.stderr);
        assert!(!answer.stdout.contains("waiting"), "{}", answer.stdout);
    }
}

#[test]
fn a_failure_is_reported_except_under_the_name_of_a_silent_helper() {
    let failed = |program| {
        Started::new(program, "get")
            .env(&[("FAKE_MODE", "denied")])
            .stdin("fake.io")
            .run()
    };
    let loud = failed("docker-credential-fake-login");
    let silent = failed("docker-credential-silent-login");
    let artefact = failed("docker-credential-silent-login-linux-amd64");
    assert_eq!(loud.stdout, "fake: the role may not\n");
    assert_eq!(silent.stdout, format!("{NOT_FOUND}\n"));
    assert_eq!(artefact.stdout, format!("{NOT_FOUND}\n"));
    for answer in [loud, silent, artefact] {
        assert_eq!(answer.stderr, "fake: the role may not\n");
        assert_eq!(answer.code, 1);
    }
}

#[test]
fn storing_passes_when_it_is_to_be_ignored() {
    for (action, stdin) in [
        ("store", r#"{"ServerURL":"h","Username":"u","Secret":"s"}"#),
        ("erase", "fake.io"),
    ] {
        for name in ["REGCRED_IGNORE_CREDS_STORAGE", "FAKE_IGNORE_CREDS_STORAGE"] {
            let answer = Started::new("docker-credential-fake-login", action)
                .env(&[(name, "true")])
                .stdin(stdin)
                .run();
            assert_eq!((answer.code, &*answer.stdout), (0, ""), "{action}");
        }
    }
}

#[test]
fn list_shows_what_is_cached_and_no_secret() {
    let root = tempfile::tempdir().unwrap();
    let cache = root.path().join("cache");
    let vars = [("REGCRED_CACHE", cache.to_str().unwrap())];
    let run = |action, stdin| {
        Started::new("docker-credential-fake-login", action)
            .env(&vars)
            .stdin(stdin)
            .run()
    };
    assert_eq!(run("list", "").stdout, "{}\n");
    assert_eq!(run("get", "fake.io").code, 0);
    assert_eq!(run("list", "").stdout, "{\"https://fake.io\":\"AWS\"}\n");
}

#[test]
fn versions_have_dockers_form() {
    for action in ["version", "--version", "-v"] {
        let answer = helper(action, "");
        assert_eq!(
            answer.stdout,
            format!(
                "docker-credential-fake-login (regcred) {}\n",
                env!("CARGO_PKG_VERSION")
            )
        );
        assert_eq!(answer.code, 0);
    }
}

#[test]
fn the_action_is_suggested_for_a_mistyped_one() {
    let answer = Started::new("docker-credential-fake-login", "gte").run();
    let start = "unknown action \"gte\"; did you mean get; ";
    assert!(answer.stderr.starts_with(start), "{}", answer.stderr);
}
