use proptest::prelude::*;
use proptest::sample::select;
use secrecy::ExposeSecret as _;

use super::*;

/// A keyring whose entries have their number as user name.
fn numbered(servers: &[&str]) -> Keyring {
    let mut keyring = Keyring::new();
    fill(&mut keyring, servers);
    keyring
}

fn fill(keyring: &mut Keyring, servers: &[&str]) {
    let source = CredentialSource::plugin("test");
    for (number, server) in servers.iter().enumerate() {
        keyring.add(server, Credentials::new(number.to_string(), "p"), &source);
    }
}

fn names(found: &[Candidate]) -> Vec<usize> {
    found
        .iter()
        .map(|c| c.credentials.username.parse().expect("number"))
        .collect()
}

#[test]
fn lookups_give_every_match_in_order() {
    for (servers, image, expected) in [
        // Descending byte order: of equal beginnings the longer, exact hosts before globs.
        (
            &["h.io", "h.io/team", "h.io/team/app"][..],
            "h.io/team/app",
            &[2, 1, 0][..],
        ),
        (&["*.io/team/app", "h.io"], "h.io/team/app", &[1, 0]),
        (&["*.io", "h*.io", "h.io"], "h.io/x", &[2, 1, 0]),
        (&["*.*", "*.io"], "h.io/x", &[1, 0]),
        // The order is not by length.
        (&["r.h.io", "*.h.io/longer"], "r.h.io/longer/x", &[0, 1]),
        // A port sorts above a path: ':' is 0x3a, '/' is 0x2f.
        (&["h.io:80/a", "h.io:80"], "h.io:80/a", &[0, 1]),
        // One key, many spellings: insertion order.
        (
            &["https://h.io/v1/", "h.io", "http://h.io/v2/", "h.io/"],
            "h.io/x",
            &[0, 1, 2, 3],
        ),
        (
            &["h.io/a", "https://h.io/v2/a", "h.io/v1/a"],
            "h.io/a/b",
            &[0, 1, 2],
        ),
        // Paths are plain prefixes.
        (&["h.io/foo"], "h.io/foobar", &[0]),
        (&["h.io/foo/"], "h.io/foobar", &[]),
        (&["https://h.io/v1"], "h.io/x", &[]),
        (&["h.io/*"], "h.io/x", &[]),
        // Ports are equal as texts.
        (&["h.io:443"], "h.io/x", &[]),
        (&["h.io"], "h.io:443/x", &[]),
        (&["h.io:080", "h.io:80"], "h.io:80/x", &[1]),
        (&["*.io:80"], "h.io:80/x", &[0]),
        // Labels are counted, and case counts.
        (&["*.io", "*"], "a.b.io/x", &[]),
        (&["*"], "localhost/x", &[0]),
        (&["H.io"], "h.io/x", &[]),
        (&["[fe80::1]:5000"], "[fe80::1]:5000/x", &[0]),
        // Dead entries.
        (
            &["HTTPS://h.io", "oci://h.io", "", "https://"],
            "h.io/x",
            &[],
        ),
        (&["h.io/%25zz"], "h.io/%zz", &[]),
        // Nothing at all.
        (&[], "h.io/x", &[]),
        (&["h.io"], "", &[]),
        (&["h.io"], "h.io:port/x", &[]),
    ] {
        let found = numbered(servers).lookup(image);
        assert_eq!(names(&found), expected, "{servers:?} {image}");
    }
}

#[test]
fn the_default_registry_serves_what_no_key_matches() {
    let hub = "https://index.docker.io/v1/";
    for (servers, image, kubelet, docker_io_only) in [
        (&[hub][..], "docker.io/library/nginx", &[0][..], &[0][..]),
        (&["index.docker.io", hub], "docker.io/a/b", &[0, 1], &[0, 1]),
        (&["index.docker.io/v1/"], "docker.io/a/b", &[0], &[0]),
        (&[hub], "index.docker.io/a/b", &[0], &[0]),
        (&[hub], "nginx", &[0], &[0]),
        // The kubelet's rule reaches further.
        (&[hub], "localhost/x", &[0], &[]),
        (&[hub], "HOST/x", &[0], &[]),
        (&[hub], "localhost:5000/x", &[], &[]),
        (&[hub], "h.io/x", &[], &[]),
        (&[hub], "/x", &[], &[]),
        (&[hub], "", &[], &[]),
        // Any match suppresses it.
        (&[hub, "docker.io"], "docker.io/a/b", &[1], &[1]),
        (&[hub, "docker.io/a"], "docker.io/a/b", &[1], &[1]),
        (&[hub, "docker.io/c"], "docker.io/a/b", &[0], &[0]),
        (&[hub, "*.io"], "docker.io/a/b", &[1], &[1]),
        // Only that very key.
        (&["https://index.docker.io/v1"], "docker.io/a/b", &[], &[]),
        (&["index.docker.io/a"], "docker.io/a/b", &[], &[]),
        (&["registry-1.docker.io"], "docker.io/a/b", &[], &[]),
        (&["registry.hub.docker.com"], "docker.io/a/b", &[], &[]),
        (&["index.docker.io:443"], "docker.io/a/b", &[], &[]),
    ] {
        for (rule, expected) in [(false, kubelet), (true, docker_io_only)] {
            let mut keyring = Keyring::with_rules(KeyringRules {
                docker_hub_only: rule,
                ..KeyringRules::default()
            });
            fill(&mut keyring, servers);
            let found = keyring.lookup(image);
            assert_eq!(names(&found), expected, "{servers:?} {image} {rule:?}");
        }
    }
}

#[test]
fn candidates_say_key_and_source() {
    let source = CredentialSource::docker_config("/c.json");
    let mut keyring = Keyring::new();
    keyring.extend(
        &source,
        [(
            "https://h.io/v2/team".to_owned(),
            Credentials::new("u", "p"),
        )],
    );
    let found = keyring.lookup("h.io/team/app");
    assert_eq!(found[0].key, "h.io/team");
    assert_eq!(found[0].source, source);
    assert_eq!(found[0].credentials.password.expose_secret(), "p");
}

#[test]
fn equal_logins_are_all_given() {
    let mut keyring = Keyring::new();
    let source = CredentialSource::plugin("a");
    for server in ["h.io", "h.io", "*.io"] {
        keyring.add(server, Credentials::new("u", "p"), &source);
    }
    assert_eq!(keyring.lookup("h.io/x").len(), 3);
}

#[test]
fn a_bare_ip_literal_is_an_address_only_on_request() {
    let keyring = |literal_ipv6| {
        let rules = KeyringRules {
            literal_ipv6,
            ..KeyringRules::default()
        };
        let mut keyring = Keyring::with_rules(rules);
        let login = Credentials::new("u", "p");
        keyring.add("[fe80::1]/team", login, &CredentialSource::plugin("a"));
        keyring
    };
    let image = "[fe80::1]/team/app";
    assert!(keyring(false).lookup(image).is_empty());
    assert_eq!(keyring(true).lookup(image).len(), 1);
    let verdict = |literal| keyring(literal).inspect(image)[0].verdict.to_string();
    assert!(verdict(false).contains("takes its brackets for a glob"));
    assert_eq!(verdict(true), "matches");
}

#[test]
fn servers_that_are_no_url_are_kept_apart() {
    let keyring = numbered(&["h.io:port", "h.io", "a b"]);
    assert_eq!(names(&keyring.lookup("h.io/x")), [1]);
    let rejected: Vec<_> = keyring
        .rejected()
        .iter()
        .map(|r| (&*r.server, r.error.to_string()))
        .collect();
    assert_eq!(
        rejected,
        [
            (
                "h.io:port",
                "parse \"https://h.io:port\": invalid port \":port\" after host".to_owned()
            ),
            (
                "a b",
                "parse \"https://a b\": invalid character \" \" in host name".to_owned()
            ),
        ]
    );
    assert!(!keyring.is_empty());
    assert!(numbered(&["a b"]).is_empty());
}

#[test]
fn debug_hides_passwords() {
    let mut keyring = Keyring::new();
    let login = Credentials::new("u", "canary");
    keyring.add("h.io", login, &CredentialSource::plugin("a"));
    let found = keyring.lookup("h.io/x");
    let shown = format!("{keyring:?} {found:?} {:?}", keyring.inspect("h.io/x"));
    assert!(!shown.contains("canary"), "{shown}");
}

/// The kubelet's own way: all keys sorted, each tried.
fn scan(servers: &[String], image: &str) -> Vec<usize> {
    let mut keys: Vec<_> = servers
        .iter()
        .enumerate()
        .filter_map(|(number, server)| Some((key::normalise(server).ok()?, number)))
        .collect();
    keys.sort_by(|(a, _), (b, _)| b.cmp(a));
    let matching: Vec<_> = keys
        .iter()
        .filter(|(key, _)| {
            let pattern = ImagePattern::parse(key);
            pattern.is_ok_and(|p| p.with_brackets_as_glob().matches(image))
        })
        .map(|(_, number)| *number)
        .collect();
    if matching.is_empty() && Keyring::new().is_default_registry(image) {
        let hub = keys.iter().filter(|(key, _)| key == "index.docker.io");
        return hub.map(|(_, number)| *number).collect();
    }
    matching
}

fn server() -> impl Strategy<Value = String> {
    let scheme = select(vec!["", "", "", "https://", "http://", "oci://", "u:p@"]);
    let host = select(vec![
        "h.io",
        "*.io",
        "h.*",
        "*",
        "*.*",
        "a.h.io",
        "*.h.io",
        "localhost",
        "docker.io",
        "index.docker.io",
        "[::1]",
        "h%2eio",
        "H.io",
        "a b",
        "",
    ]);
    let port = select(vec!["", "", "", ":80", ":080", ":", ":x"]);
    let path = select(vec![
        "", "", "/", "/v1/", "/v2/a", "/v1", "/a", "/a/", "/a/b", "/ab", "/a%2fb", "/%25zz", "?q",
        "/*",
    ]);
    (scheme, host, port, path).prop_map(|(s, h, po, pa)| format!("{s}{h}{po}{pa}"))
}

fn image() -> impl Strategy<Value = String> {
    let host = select(vec![
        "h.io",
        "a.h.io",
        "localhost",
        "docker.io",
        "index.docker.io",
        "[::1]",
        "H.io",
        "HOST",
        "",
    ]);
    let port = select(vec!["", "", ":80", ":x"]);
    let path = select(vec![
        "/a",
        "/a/b",
        "/ab/c",
        "/library/nginx",
        "/%zz",
        "/",
        "",
    ]);
    (host, port, path).prop_map(|(h, po, pa)| format!("{h}{po}{pa}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn the_index_finds_what_a_scan_finds(
        servers in prop::collection::vec(server(), 0..12), image in image(),
    ) {
        let texts: Vec<_> = servers.iter().map(String::as_str).collect();
        let found = numbered(&texts).lookup(&image);
        prop_assert_eq!(names(&found), scan(&servers, &image));
    }

    #[test]
    fn the_order_is_total_and_stable(
        servers in prop::collection::vec(server(), 0..12), image in image(),
    ) {
        let texts: Vec<_> = servers.iter().map(String::as_str).collect();
        let keyring = numbered(&texts);
        let found = keyring.lookup(&image);
        let order: Vec<_> = found.iter().zip(names(&found)).collect();
        for pair in order.windows(2) {
            let ((a, first), (b, second)) = (pair[0], pair[1]);
            prop_assert!(a.key > b.key || (a.key == b.key && first < second), "{order:?}");
        }
        prop_assert_eq!(keyring.lookup(&image), found);
    }

    #[test]
    fn inspection_and_lookup_agree(
        servers in prop::collection::vec(server(), 0..12), image in image(),
    ) {
        let texts: Vec<_> = servers.iter().map(String::as_str).collect();
        let keyring = numbered(&texts);
        let inspection = keyring.inspect(&image);
        let used: Vec<usize> = inspection
            .iter()
            .filter(|key| key.is_used())
            .flat_map(|key| &key.entries)
            .map(|entry| entry.username.parse().expect("number"))
            .collect();
        prop_assert_eq!(used, names(&keyring.lookup(&image)));
        let entries: usize = inspection.iter().map(|key| key.entries.len()).sum();
        prop_assert_eq!(entries + keyring.rejected().len(), servers.len());
    }

    #[test]
    fn no_text_panics(servers in prop::collection::vec("\\PC{0,20}|[a-z*.:/%\\[\\]@?#]{0,20}", 0..6), image in "\\PC{0,30}|[a-z.:/%\\[\\]@?#]{0,30}") {
        let texts: Vec<_> = servers.iter().map(String::as_str).collect();
        let keyring = numbered(&texts);
        prop_assert_eq!(names(&keyring.lookup(&image)), scan(&servers, &image));
        for key in keyring.inspect(&image) {
            prop_assert!(!key.verdict.to_string().is_empty());
        }
    }
}
