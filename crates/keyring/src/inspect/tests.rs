use regcred_core::Credentials;

use super::*;

fn keyring(servers: &[&str]) -> Keyring {
    let mut keyring = Keyring::new();
    for server in servers {
        let login = Credentials::new("u", "p");
        keyring.add(server, login, &CredentialSource::plugin("test"));
    }
    keyring
}

#[test]
fn verdicts_name_the_first_difference() {
    for (server, image, text) in [
        ("h.io", "h.io/x", "matches"),
        (
            "h.io:8080",
            "h.io/x",
            "the port differs: `8080`, the image has none",
        ),
        (
            "h.io",
            "h.io:443/x",
            "the port differs: none, the image has `443`",
        ),
        (
            "other.io:1/y",
            "h.io:2/x",
            "the port differs: `1`, the image has `2`",
        ),
        (
            "*.io",
            "a.h.io/x",
            "the number of host labels differs: 2, the image has 3",
        ),
        (
            "*.dkr.ecr.*.amazonaws.com",
            "1.dkr.ecr.cn-north-1.amazonaws.com.cn/x",
            "the number of host labels differs: 6, the image has 7",
        ),
        (
            "a*.io/path",
            "h.io/x",
            "host label 1 `a*` does not match `h`",
        ),
        ("h.io", "h.com/x", "host label 2 `io` does not match `com`"),
        ("H.io", "h.io/x", "host label 1 `H` does not match `h`"),
        ("h.io/*", "h.io/x", "the path `/*` is not a prefix of `/x`"),
        (
            "https://h.io/v1",
            "h.io/x",
            "the path `/v1` is not a prefix of `/x`",
        ),
        ("*.io/y", "h.io/x", "the path `/y` is not a prefix of `/x`"),
        (
            "h.io/%25zz",
            "h.io/x",
            "parse \"https://h.io/%zz\": invalid URL escape \"%zz\"",
        ),
        (
            "h.io",
            "h.io:port/x",
            "the image name is not of the form HOST/PATH",
        ),
        (
            "index.docker.io",
            "docker.io/a/b",
            "serves as the default registry, since no key matches",
        ),
        (
            "index.docker.io",
            "h.io/x",
            "the number of host labels differs: 3, the image has 2",
        ),
    ] {
        let found = keyring(&[server]).inspect(image);
        assert_eq!(found[0].verdict.to_string(), text, "{server} {image}");
    }
}

#[test]
fn the_default_registry_steps_back() {
    let found = keyring(&["index.docker.io", "docker.io"]).inspect("docker.io/a/b");
    let shown: Vec<_> = found
        .iter()
        .map(|key| format!("{}: {}", key.key, key.verdict))
        .collect();
    assert_eq!(
        shown,
        [
            "index.docker.io: serves as the default registry only when no other key matches",
            "docker.io: matches"
        ]
    );
}

#[test]
fn entries_show_everything_but_the_password() {
    let mut keyring = Keyring::new();
    let source = CredentialSource::docker_config("/c.json");
    for (server, username, password) in [
        ("https://h.io/v1/", "u", "canary"),
        ("h.io", "", "canary"),
        ("h.io/", "u", ""),
        ("h.io", "u", "canary\n"),
        ("h.io", "", ""),
        ("h.io:x", "u", "canary"),
    ] {
        keyring.add(server, Credentials::new(username, password), &source);
    }
    let found = keyring.inspect("h.io/x");
    let entry = |server: &str, username: &str, note: &str| InspectedEntry {
        server: server.into(),
        source: Arc::clone(&source),
        username: username.into(),
        notes: (!note.is_empty())
            .then(|| note.into())
            .into_iter()
            .collect(),
    };
    assert_eq!(
        found[..1],
        [InspectedKey {
            key: "h.io".into(),
            verdict: Verdict::Matched,
            entries: vec![
                entry("https://h.io/v1/", "u", ""),
                entry("h.io", "", "the user name is empty"),
                entry("h.io/", "u", "the password is empty"),
                entry(
                    "h.io",
                    "u",
                    "the password ends in a line end, as `echo` writes one: write the login again, \
                     with `printf %s`"
                ),
                entry("h.io", "", "user name and password are empty"),
            ],
        }]
    );
    assert_eq!(found[1].key, "h.io:x");
    assert!(!format!("{found:?}").contains("canary"));
}

#[test]
fn a_login_in_front_of_a_host_is_not_shown() {
    for server in ["https://me:canary@h.io/v1/", "me:canary@h.io:p"] {
        let found = keyring(&[server]).inspect("h.io/app");
        assert!(!format!("{found:?}").contains("canary"), "{found:?}");
    }
}

#[test]
fn other_names_for_docker_hub_are_not_its_keys() {
    let wrong = [
        "https://index.docker.io/v1",
        "https://registry-1.docker.io",
        "*.docker.io",
        "hub.docker.com",
        "https://registry.hub.docker.com/v2/",
        "docker.com",
    ];
    let hub = "docker.io/library/app";
    for server in wrong {
        let keyring = keyring(&[server]);
        let found = keyring.inspect(hub);
        assert_eq!(found[0].verdict, Verdict::NotDockerHub, "{server}");
        assert!(keyring.lookup(hub).is_empty(), "{server}");
        let elsewhere = keyring.inspect("quay.io/team/app");
        assert_ne!(elsewhere[0].verdict, Verdict::NotDockerHub, "{server}");
    }
    for server in [
        "docker.io",
        "https://index.docker.io/v1/",
        "index.docker.io",
    ] {
        assert!(keyring(&[server]).inspect(hub)[0].is_used(), "{server}");
    }
}
