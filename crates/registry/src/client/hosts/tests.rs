use std::fs;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret as _;

use super::*;
use crate::client::capability::Capability;

mod containerd;

const PEM: &str = "-----BEGIN CERTIFICATE-----";

struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("directory"))
    }

    fn with(self, name: &str, text: &str) -> Self {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("directory");
        fs::write(path, text).expect("file");
        self
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// The servers of a configuration without a warning.
    fn lookup(&self, registry: &str) -> Vec<HostConfig> {
        let found = self.try_lookup(registry).expect("sound configuration");
        assert_eq!(found.warnings, Vec::<String>::new(), "{registry}");
        found.servers
    }

    fn try_lookup(&self, registry: &str) -> Result<RegistryHosts, HostsError> {
        Hosts::new([self.path().to_owned()]).lookup(registry)
    }
}

fn urls(hosts: &[HostConfig]) -> Vec<&str> {
    hosts.iter().map(|host| host.url.as_str()).collect()
}

#[test]
fn without_configuration_the_registry_is_asked() {
    for (registry, expected) in [
        ("gcr.io", vec!["https://gcr.io/v2"]),
        ("docker.io", vec!["https://registry-1.docker.io/v2"]),
        ("10.0.0.1:5000", vec!["https://10.0.0.1:5000/v2"]),
        (
            "localhost:5000",
            vec!["https://localhost:5000/v2", "http://localhost:5000/v2"],
        ),
        (
            "[::1]:5000",
            vec!["https://[::1]:5000/v2", "http://[::1]:5000/v2"],
        ),
        ("127.0.0.1.evil.com", vec!["https://127.0.0.1.evil.com/v2"]),
    ] {
        let hosts = Hosts::none().lookup(registry).expect("address").servers;
        assert_eq!(urls(&hosts), expected, "{registry}");
        assert!(
            hosts
                .iter()
                .all(|h| h.is_registry && h.namespace.is_none() && !h.cleartext)
        );
    }
}

#[test]
fn an_insecure_registry_with_a_port_may_have_no_tls() {
    let lookup = |registry: &str| {
        let found = Hosts::none().insecure(true).lookup(registry);
        found.expect("servers").servers
    };
    let both = lookup("registry.corp:5000");
    let expected = [
        "https://registry.corp:5000/v2",
        "http://registry.corp:5000/v2",
    ];
    assert_eq!(urls(&both), expected);
    let [https, http] = &both[..] else {
        panic!("two servers");
    };
    assert!(http.cleartext && http.schemes == Schemes::PlainAfterHttps);
    assert!(https.schemes == Schemes::HttpsFirst { has_port: true } && !https.cleartext);
    assert_eq!(https.trust.skip_verify, Some(true));
    let one = lookup("registry.corp");
    assert_eq!(urls(&one), ["https://registry.corp/v2"]);
    assert_eq!(one[0].trust.skip_verify, Some(true));
    let configured = Root::new().with("registry.corp/hosts.toml", "server = \"https://other\"\n");
    let hosts = Hosts::new([configured.path().to_owned()]).insecure(true);
    let servers = hosts.lookup("registry.corp").expect("servers").servers;
    let is_verified = |server: &HostConfig| server.trust.skip_verify.is_none();
    assert!(servers.iter().all(is_verified));
}

#[test]
fn the_directory_names_are_tried_in_containerds_order() {
    let server = |name: &str| format!("server = \"https://{name}\"");
    let mut root = Root::new().with("reg.io/hosts.toml", &server("without-port"));
    let names = ["_default", "reg.io:5000", "reg.io_5000_"];
    let mut expected = Vec::new();
    for (n, name) in names.iter().enumerate() {
        root = root.with(&format!("{name}/hosts.toml"), &server(&format!("s{n}")));
        expected.push(format!("https://s{n}/v2"));
        assert_eq!(
            urls(&root.lookup("reg.io:5000")),
            [expected[n].as_str()],
            "{name}"
        );
    }
    assert_eq!(urls(&root.lookup("reg.io")), ["https://without-port/v2"]);
    assert_eq!(urls(&root.lookup("reg.io:443")), ["https://s0/v2"]);
    assert_eq!(urls(&root.lookup("other.io")), ["https://s0/v2"]);
}

#[test]
fn the_first_directory_with_an_entry_for_the_registry_or_a_default_decides() {
    let first = Root::new().with("reg.io/hosts.toml", "server = \"https://first\"");
    let second = Root::new()
        .with("reg.io/hosts.toml", "server = \"https://second\"")
        .with("_default/hosts.toml", "server = \"https://default\"");
    let missing = first.path().join("missing");
    let hosts = Hosts::new([missing, first.path().to_owned(), second.path().to_owned()]);
    for (registry, expected) in [
        ("reg.io", "https://first/v2"),
        ("a.io", "https://default/v2"),
    ] {
        let found = hosts.lookup(registry).expect("configuration");
        assert_eq!(urls(&found.servers), [expected]);
    }
    let file = first.path().join("reg.io/hosts.toml");
    let error = Hosts::new([file]).lookup("reg.io").expect_err("a file");
    assert!(error.to_string().starts_with("cannot read "), "{error}");
}

#[test]
fn mirrors_come_in_the_files_order_and_the_server_last() {
    let root = Root::new().with(
        "docker.io/hosts.toml",
        r#"
server = "https://registry-1.docker.io"

[host."https://z.example"]
  capabilities = ["pull"]
[host."http://a.example:5000/v2/"]
  capabilities = ["pull", "resolve"]
[host."https://m.example/v2/hub"]
  override_path = true
  [host."https://m.example/v2/hub".header]
    X-One = "1"
    X-Two = ["2", "3"]
"#,
    );
    let hosts = root.lookup("docker.io");
    assert_eq!(
        urls(&hosts),
        [
            "https://z.example/v2",
            "http://a.example:5000/v2",
            "https://m.example/v2/hub",
            "https://registry-1.docker.io/v2"
        ]
    );
    let flags: Vec<_> = hosts
        .iter()
        .map(|h| {
            (
                h.has(Capability::Pull),
                h.has(Capability::Resolve),
                h.is_registry,
                h.cleartext,
            )
        })
        .collect();
    assert_eq!(
        flags,
        [
            (true, false, false, false),
            (true, true, false, true),
            (true, true, false, false),
            (true, true, true, false)
        ]
    );
    assert_eq!(hosts[2].headers.len(), 3);
    let namespaces: Vec<_> = hosts.iter().map(|h| h.namespace.as_deref()).collect();
    assert_eq!(
        namespaces,
        [
            Some("docker.io"),
            Some("docker.io"),
            Some("docker.io"),
            None
        ]
    );
}

#[test]
fn only_the_registrys_own_address_counts_as_the_registry() {
    let root = Root::new().with(
        "reg.io/hosts.toml",
        r#"
[host."https://reg.io"]
[host."https://reg.io:443"]
[host."https://reg.io:5000"]
[host."http://reg.io"]
[host."https://x.reg.io"]
"#,
    );
    let own: Vec<_> = root
        .lookup("reg.io")
        .iter()
        .map(|h| h.is_registry)
        .collect();
    assert_eq!(own, [true, true, false, false, false, true]);
    let root = Root::new().with("[fd00::1]/hosts.toml", "[host.\"http://[fd00::1]\"]");
    let own = root.lookup("[fd00::1]");
    assert!(!own[0].is_registry && own[1].is_registry);
}

#[test]
fn a_server_elsewhere_counts_as_the_registry() {
    let root = Root::new().with("reg.io/hosts.toml", "server = \"proxy.corp:8443\"");
    let hosts = root.lookup("reg.io");
    assert_eq!(urls(&hosts), ["https://proxy.corp:8443/v2"]);
    assert!(hosts[0].is_registry);
    assert_eq!(hosts[0].namespace.as_deref(), Some("reg.io"));
}

#[test]
fn trust_is_read_next_to_the_file() {
    let root = Root::new()
        .with(
            "reg.io/hosts.toml",
            r#"
ca = "own.pem"
skip_verify = true
dial_timeout = "1500ms"
[host."https://m.example"]
ca = ["a.pem", "b.pem"]
client = [["c.pem", "k.pem"]]
"#,
        )
        .with("reg.io/own.pem", PEM)
        .with("reg.io/a.pem", &format!("a {PEM}"))
        .with("reg.io/b.pem", &format!("b {PEM}"))
        .with("reg.io/c.pem", "C")
        .with("reg.io/k.pem", "K");
    let hosts = root.lookup("reg.io");
    let [a, b] = ["a", "b"].map(|name| format!("{name} {PEM}").into_bytes());
    assert_eq!(hosts[0].trust.ca, [a, b]);
    assert!(hosts[0].trust.client.is_some() && hosts[0].trust.skip_verify.is_none());
    assert_eq!(hosts[1].trust.ca, [PEM.as_bytes()]);
    assert_eq!(hosts[1].trust.skip_verify, Some(true));
    assert_eq!(hosts[1].connect_timeout, Some(Duration::from_millis(1500)));
}

#[test]
fn a_dial_timeout_is_any_duration_that_go_reads() {
    for (text, milliseconds) in [
        ("1m30s", 90_000),
        ("1h0m0s", 3_600_000),
        (".5s", 500),
        ("2m", 120_000),
    ] {
        let root = Root::new().with("reg.io/hosts.toml", &format!("dial_timeout = {text:?}"));
        let timeout = root.lookup("reg.io")[0].connect_timeout;
        assert_eq!(timeout, Some(Duration::from_millis(milliseconds)), "{text}");
    }
    for text in ["", "0", "0s"] {
        let root = Root::new().with("reg.io/hosts.toml", &format!("dial_timeout = {text:?}"));
        assert_eq!(root.lookup("reg.io")[0].connect_timeout, None, "{text}");
    }
    let root = Root::new().with("reg.io/hosts.toml", "dial_timeout = \"-1s\"");
    let timeout = root.lookup("reg.io")[0].connect_timeout.expect("set");
    assert!(timeout < Duration::from_millis(1), "it has passed");
}

#[test]
fn bare_certificates_are_enough() {
    let root = Root::new()
        .with("localhost:5000/ca.crt", PEM)
        .with("localhost:5000/client.cert", "C")
        .with("localhost:5000/client.key", "K");
    let hosts = root.lookup("localhost:5000");
    assert_eq!(
        urls(&hosts),
        ["https://localhost:5000/v2", "http://localhost:5000/v2"]
    );
    assert!(hosts[0].trust.client.is_some());
}

#[test]
fn a_client_certificate_may_hold_its_key_and_a_key_alone_does_not_count() {
    let root = Root::new()
        .with("reg.io/client.cert", "C and K")
        .with("key.io/client.key", "K")
        .with("dir.io/ca.crt/file", PEM);
    let pem = root.lookup("reg.io").remove(0).trust.client.expect("both");
    assert_eq!(pem.expose_secret(), b"C and K");
    for registry in ["key.io", "dir.io"] {
        assert!(root.lookup(registry)[0].trust.is_default(), "{registry}");
    }
}

#[test]
fn certificates_that_cannot_be_used_are_an_error_that_names_them() {
    for text in ["ca = \"missing.pem\"", "ca = \"key.pem\"", "client = \"\""] {
        let root = Root::new()
            .with("reg.io/hosts.toml", text)
            .with("reg.io/key.pem", "canary");
        let error = root.try_lookup("reg.io").expect_err(text);
        let shown = regcred_core::report(&error);
        assert!(shown.contains("reg.io"), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    let root = Root::new().with("reg.io/ca.crt", "canary");
    let error = root.try_lookup("reg.io").expect_err("no certificate");
    assert!(error.to_string().contains("ca.crt\" holds no certificate"));
}

#[test]
fn a_file_is_read_whole_or_not_at_all() {
    let text = format!("[host.\"https://m.corp\"]\n{}", "#\n".repeat(600_000));
    let root = Root::new().with("reg.io/hosts.toml", &text);
    let error = root.try_lookup("reg.io").expect_err("too long");
    let text = regcred_core::report(&error);
    assert!(text.ends_with("it is larger than 1 MiB"), "{text}");
}
