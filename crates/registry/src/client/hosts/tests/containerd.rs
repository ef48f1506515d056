//! How containerd's loader reads a `hosts.toml`: the cases of its tests, and results of its code.

use super::*;

/// Each server with its letters: pull, resolve, push.
fn servers(hosts: &[HostConfig]) -> Vec<String> {
    let text = |host: &HostConfig| {
        let all = Capability::ALL.into_iter();
        let may = all.filter(|c| host.capabilities.contains(c));
        let may: Vec<_> = may.map(Capability::name).collect();
        format!("{} {}", host.url, may.join("+"))
    };
    hosts.iter().map(text).collect()
}

fn file(text: &str) -> Root {
    Root::new().with("reg.io/hosts.toml", text)
}

#[test]
fn a_file_with_every_field_is_read_in_the_order_of_its_headers() {
    let names = ["m.pem", "one.pem", "two.pem", "own.pem"];
    let root = names.iter().fold(Root::new(), |root, name| {
        root.with(&format!("reg.io/{name}"), PEM)
    });
    let root = root.with(
        "reg.io/hosts.toml",
        r#"
server = "https://default.example"
ca = "own.pem"
[header]
  x-own = "header of the server"

[host."https://mirror.example"]
  capabilities = ["pull"]
  ca = "m.pem"
  skip_verify = false
  [host."https://mirror.example".header]
    x-mirror = ["value1", "value2"]
[host."https://backup.example/us"]
  capabilities = ["PULL"]
  skip_verify = true
[host."http://mirror.example"]
  capabilities = ["pull"]
[host."https://a.example"]
  capabilities = ["pull", "resolve", "push", "referrers"]
  ca = ["one.pem", "two.pem"]
  client = [["one.pem", "two.pem"], ["one.pem", ""]]
[host."https://b.example"]
  client = "one.pem"
[host."https://c.example"]
  client = ["one.pem", "two.pem"]
[host."https://prefixed.example/v2/team"]
  capabilities = ["pull"]
  override_path = true
[host."https://bare.example"]
  override_path = true
[host."https://header.example".header]
  x-only = "a header"
[host."https://slow.example"]
  dial_timeout = "3s"
"#,
    );
    let hosts = root.lookup("reg.io");
    assert_eq!(
        servers(&hosts),
        [
            "https://mirror.example/v2 pull",
            "https://backup.example/us/v2 pull",
            "http://mirror.example/v2 pull",
            "https://a.example/v2 pull+resolve+push",
            "https://b.example/v2 pull+resolve+push",
            "https://c.example/v2 pull+resolve+push",
            "https://prefixed.example/v2/team pull",
            "https://bare.example/ pull+resolve+push",
            "https://header.example/v2 pull+resolve+push",
            "https://slow.example/v2 pull+resolve+push",
            "https://default.example/v2 pull+resolve+push",
        ]
    );
    let counts: Vec<_> = hosts
        .iter()
        .map(|h| (h.trust.ca.len(), h.trust.client.is_some(), h.headers.len()))
        .collect();
    let plain = (0, false, 0);
    assert_eq!(
        counts,
        [
            (1, false, 2),
            plain,
            plain,
            (2, true, 0),
            (0, true, 0),
            (0, true, 0),
            plain,
            plain,
            (0, false, 1),
            plain,
            (1, false, 1),
        ]
    );
    let skips: Vec<_> = hosts.iter().map(|h| h.trust.skip_verify).collect();
    assert_eq!(skips[..3], [Some(false), Some(true), None]);
    assert_eq!(hosts[9].connect_timeout, Some(Duration::from_secs(3)));
}

#[test]
fn capabilities_that_are_empty_or_of_a_registry_without_server_are_all() {
    let mirror = "[host.\"https://m.example\"]\ncapabilities = []";
    assert_eq!(
        servers(&file(mirror).lookup("reg.io")),
        [
            "https://m.example/v2 pull+resolve+push",
            "https://reg.io/v2 pull+resolve+push"
        ]
    );
    let root = file("capabilities = [\"pull\"]\noverride_path = true");
    assert_eq!(
        servers(&root.lookup("reg.io")),
        ["https://reg.io/v2 pull+resolve+push"]
    );
    let root = file("capabilities = [\"pull\"]\nserver = \"https://reg.io\"");
    assert_eq!(servers(&root.lookup("reg.io")), ["https://reg.io/v2 pull"]);
}

#[test]
fn a_host_is_seen_by_its_header_alone() {
    let root = file(
        r#"
host."https://dotted.example".capabilities = ["pull"]
[host."https://b.example"]
[host."https://a.example".header]
X-A = "1"
[host."https://b.example".header]
X-B = "1"
"#,
    );
    let hosts = root.lookup("reg.io");
    assert_eq!(
        urls(&hosts),
        [
            "https://b.example/v2",
            "https://a.example/v2",
            "https://reg.io/v2"
        ]
    );
    assert_eq!(hosts[0].headers.len(), 1);
    for text in [
        "host = { \"https://a.example\" = { capabilities = [\"pull\"] } }",
        "[host]\n\"https://a.example\" = {}",
        "[host]\n\"https://a.example\".skip_verify = true",
    ] {
        assert_eq!(urls(&file(text).lookup("reg.io")), ["https://reg.io/v2"]);
    }
}

#[test]
fn names_of_fields_fold_their_case_and_unknown_ones_are_ignored() {
    let root = file(
        "Server = \"https://s.example\"\nbogus = 1\n[host.\"https://a.example\"]\n\
         CAPABILITIES = [\"pull\"]\nServer = 1\n[[other]]\nx = 1",
    );
    assert_eq!(
        servers(&root.lookup("reg.io")),
        [
            "https://a.example/v2 pull",
            "https://s.example/v2 pull+resolve+push"
        ]
    );
}

#[test]
fn an_address_is_read_as_go_reads_it() {
    for (text, expected) in [
        ("https://u:p@m.example", "https://m.example/v2"),
        ("https://m.example/?a=b#c", "https://m.example/v2"),
        ("m.example:5000", "https://m.example:5000/v2"),
        ("u:p@m.example/x/", "https://m.example/x/v2"),
        ("https://m.example//a/./b/../v2/", "https://m.example/a/v2"),
        ("https://m.example/av2", "https://m.example/av2/v2"),
    ] {
        let hosts = file(&format!("server = {text:?}")).lookup("reg.io");
        assert_eq!(urls(&hosts), [expected], "{text}");
        assert_eq!(hosts[0].url.username(), "");
    }
    let explicit = file("[host.\"https://reg.io:443\"]").lookup("reg.io");
    let namespaces: Vec<_> = explicit.iter().map(|h| h.namespace.as_deref()).collect();
    assert_eq!(namespaces, [Some("reg.io"), None], "as it is written");
}

#[test]
fn an_address_that_cannot_be_asked_is_left_out_with_a_warning() {
    let root = file(
        "server = \"httpbin.example\"\n[host.\"httpx://u:canary@a.example\"]\n\
         [host.\"https://b.example\"]",
    );
    let found = root.try_lookup("reg.io").expect("used");
    assert_eq!(
        urls(&found.servers),
        ["https://b.example/v2", "https://reg.io/v2"]
    );
    let file = root.path().join("reg.io/hosts.toml");
    let prefix = format!("{file:?}: ");
    let warnings = found.warnings.iter().map(|one| one.strip_prefix(&prefix));
    let warnings: Option<Vec<_>> = warnings.collect();
    assert_eq!(
        warnings.expect("the file's name"),
        [
            "\"***@a.example\" is not an http:// or https:// address and is left out",
            "\"httpbin.example\" is not an http:// or https:// address and is ignored and reg.io \
             itself is asked",
        ]
    );
}

#[test]
fn an_unusable_file_is_a_warning_and_leaves_the_certificates_next_to_it() {
    for text in [
        "server = ",
        "\u{feff}server = \"https://a.example\"",
        "server = \"https://a.example",
        "server = \"a\"\nserver = \"b\"",
        "[host.\"https://a.example\".header]\nAuthorization = \"canary\" x",
        "[host.\"https://a.example\"]\n[host.\"https://a.example\"]",
        "[[host.\"https://a.example\"]]",
        "host = 1",
        "server = 1",
        "skip_verify = \"true\"",
        "override_path = 1",
        "dial_timeout = 5",
        "dial_timeout = \"soon\"",
        "dial_timeout = \"5\"",
        "capabilities = \"pull\"",
        "capabilities = [\"pull\", 1]",
        "[host.\"https://a.example\"]\ncapabilities = [\"pull\", \"fetch\"]",
        "ca = true",
        "ca = [1]",
        "client = [[\"one\", \"two\", \"three\"]]",
        "client = [1]",
        "header = \"canary\"",
        "header = { X = 1 }",
        "[host.\"https://u:canary@a.example:port\"]",
        "[host]\n\"https://a.example\" = { skip_verify = 1 }",
    ] {
        let root = file(text).with("reg.io/ca.crt", PEM);
        let found = root.try_lookup("reg.io").expect(text);
        assert_eq!(urls(&found.servers), ["https://reg.io/v2"], "{text}");
        assert_eq!(found.servers[0].trust.ca.len(), 1, "{text}");
        let [warning] = found.warnings.as_slice() else {
            panic!("{text}: {:?}", found.warnings);
        };
        assert!(
            warning.contains("reg.io/hosts.toml\" cannot be used: "),
            "{warning}"
        );
        assert!(!warning.contains("canary"), "{warning}");
    }
    let root = Root::new().with("reg.io/hosts.toml", "");
    fs::write(root.path().join("reg.io/hosts.toml"), b"# \xff").expect("file");
    let found = root.try_lookup("reg.io").expect("not UTF-8");
    assert_eq!(found.warnings.len(), 1);
}

#[test]
fn only_a_file_of_no_bytes_counts_as_absent() {
    for (text, certificates) in [("", 1), ("\n", 0), ("# nothing", 0)] {
        let root = file(text).with("reg.io/ca.crt", PEM);
        let hosts = root.lookup("reg.io");
        assert_eq!(urls(&hosts), ["https://reg.io/v2"]);
        assert_eq!(hosts[0].trust.ca.len(), certificates, "{text:?}");
    }
}

#[test]
fn a_registry_of_this_machine_is_asked_over_https_first_unless_its_port_is_that_of_one_scheme() {
    let asked = |registry: &str| {
        let hosts = Hosts::none().lookup(registry).expect("address").servers;
        let schemes = hosts.iter().map(|host| host.url.scheme().to_owned());
        let spared = hosts.iter().all(|host| host.trust.unverified_here);
        (schemes.collect::<Vec<_>>().join(" "), spared)
    };
    for (registry, schemes, is_spared) in [
        ("localhost:8080", "https http", true),
        ("localhost:5000", "https http", true),
        ("127.0.0.254:5000", "https http", true),
        ("[::1]:5000", "https http", true),
        ("localhost", "https", true),
        ("localhost:443", "https", true),
        ("127.0.0.254", "https", true),
        ("localhost:80", "http", false),
        ("127.0.0.1:80", "http", false),
        ("example.com", "https", false),
        ("example.com:5000", "https", false),
        ("example.com:80", "https", false),
        ("a.localhost:5000", "https", false),
    ] {
        let expected = (schemes.to_owned(), is_spared);
        assert_eq!(asked(registry), expected, "{registry}");
    }
}

#[test]
fn a_plain_address_with_settings_for_tls_is_asked_over_https_first() {
    let pair = ["https://m.example:5000/v2", "http://m.example:5000/v2"];
    for (address, field, expected) in [
        ("http://m.example:5000", "ca = \"ca.pem\"", &pair[..]),
        ("http://m.example:5000", "client = \"ca.pem\"", &pair),
        ("http://m.example:5000", "skip_verify = true", &pair),
        ("http://m.example:5000", "skip_verify = false", &pair),
        ("http://m.example:5000", "dial_timeout = \"3s\"", &pair[1..]),
        ("https://m.example:5000", "ca = \"ca.pem\"", &pair[..1]),
        (
            "http://m.example",
            "skip_verify = true",
            &["https://m.example/v2", "http://m.example/v2"],
        ),
        (
            "http://m.example:80",
            "skip_verify = true",
            &["http://m.example/v2"],
        ),
        ("http://localhost:5000", "", &["http://localhost:5000/v2"]),
    ] {
        for text in [
            format!("server = {address:?}\n{field}"),
            format!("server = \"https://x\"\n[host.{address:?}]\n{field}"),
        ] {
            let root = file(&text).with("reg.io/ca.pem", PEM);
            let mut hosts = root.lookup("reg.io");
            hosts.retain(|host| host.url.host_str() != Some("x"));
            assert_eq!(urls(&hosts), expected, "{text}");
            let is_cleartext = |host: &HostConfig| host.cleartext == (host.url.scheme() == "http");
            assert!(hosts.iter().all(is_cleartext), "{text}");
        }
    }
}

#[test]
fn certificates_next_to_a_registry_of_this_machine_leave_it_both_schemes() {
    let root = Root::new()
        .with("localhost:5000/ca.crt", PEM)
        .with("localhost:80/hosts.toml", "ca = \"ca.pem\"")
        .with("localhost:80/ca.pem", PEM);
    let hosts = root.lookup("localhost:5000");
    assert_eq!(
        urls(&hosts),
        ["https://localhost:5000/v2", "http://localhost:5000/v2"]
    );
    let trusts: Vec<_> = hosts.iter().map(|host| host.trust.ca.len()).collect();
    assert_eq!(trusts, [1, 1]);
    assert_eq!(urls(&root.lookup("localhost:80")), ["http://localhost/v2"]);
}
