//! What containerd's loader makes of a `hosts.toml`: the cases of its tests, and verdicts of its code.

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
    assert!(hosts[1].trust.skip_verify);
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
    assert_eq!(
        found.warnings,
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
