//! Which API a registry's host leads to, seen from outside: the name that the plugin asks a proxy
//! for.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use regcred_tests::program::Running;
use regcred_tests::{FakeEcr, Program, Tls};

use super::{ACCOUNT, HOST, PLUGIN, key, password, peer, request, with_keys};

#[test]
fn each_host_asks_the_api_that_belongs_to_it() {
    let none: &[(&str, &str)] = &[];
    let mut asked: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (host, api) in [
        // aws
        (
            ".dkr.ecr.us-east-1.amazonaws.com",
            "api.ecr.us-east-1.amazonaws.com",
        ),
        (
            ".dkr.ecr.xx-new-9.amazonaws.com",
            "api.ecr.xx-new-9.amazonaws.com",
        ),
        (
            ".dkr.ecr-fips.us-east-2.amazonaws.com",
            "api.ecr-fips.us-east-2.amazonaws.com",
        ),
        (".dkr-ecr.us-west-2.on.aws", "ecr.us-west-2.api.aws"),
        (
            ".dkr-ecr-fips.us-west-1.on.aws",
            "ecr-fips.us-west-1.api.aws",
        ),
        // aws-us-gov
        (
            ".dkr.ecr.us-gov-west-1.amazonaws.com",
            "api.ecr.us-gov-west-1.amazonaws.com",
        ),
        (
            ".dkr.ecr-fips.us-gov-east-1.amazonaws.com",
            "api.ecr-fips.us-gov-east-1.amazonaws.com",
        ),
        (
            ".dkr-ecr-fips.us-gov-west-1.on.aws",
            "ecr-fips.us-gov-west-1.api.aws",
        ),
        // aws-cn
        (
            ".dkr.ecr.cn-north-1.amazonaws.com.cn",
            "api.ecr.cn-north-1.amazonaws.com.cn",
        ),
        (
            ".dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn",
            "ecr.cn-northwest-1.api.amazonwebservices.com.cn",
        ),
        // aws-eusc and the isolated ones
        (
            ".dkr.ecr.eusc-de-east-1.amazonaws.eu",
            "api.ecr.eusc-de-east-1.amazonaws.eu",
        ),
        (
            ".dkr.ecr.us-iso-east-1.c2s.ic.gov",
            "api.ecr.us-iso-east-1.c2s.ic.gov",
        ),
        (
            ".dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
            "api.ecr.us-isob-east-1.sc2s.sgov.gov",
        ),
        (
            ".dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
            "api.ecr.eu-isoe-west-1.cloud.adc-e.uk",
        ),
        (
            ".dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
            "api.ecr.us-isof-south-1.csp.hci.ic.gov",
        ),
    ] {
        asked
            .entry(api)
            .or_default()
            .push((format!("{ACCOUNT}{host}"), none));
    }
    for (host, api, vars) in [
        // An interface endpoint's own name.
        (
            "vpce-0a1b2c3d-x9y8z7.dkr.ecr.ap-south-1.vpce.amazonaws.com",
            "api.ecr.ap-south-1.amazonaws.com",
            none,
        ),
        (
            "public.ecr.aws",
            "api.ecr-public.us-east-1.amazonaws.com",
            none,
        ),
        ("ecr-public.aws.com", "ecr-public.us-east-1.api.aws", none),
        // What the operator says goes before what the name says.
        (HOST, "ecr-fips.us-east-1.api.aws", &[FIPS, DUAL_STACK]),
        (
            "123456789012.dkr-ecr.us-west-2.on.aws",
            "api.ecr.us-west-2.amazonaws.com",
            &[("AWS_USE_DUALSTACK_ENDPOINT", "false")],
        ),
        (
            "123456789012.dkr-ecr-fips.us-west-1.on.aws",
            "api.ecr.us-west-1.amazonaws.com",
            &[("REGCRED_ECR_PLAIN_ENDPOINT", "true")],
        ),
        // One endpoint for all FIPS names: an URL and what a name says never exclude each other.
        (
            "123456789012.dkr.ecr-fips.us-west-1.amazonaws.com",
            "vpce-1.example",
            &[("AWS_ENDPOINT_URL_ECR", "https://vpce-1.example")],
        ),
        (
            HOST,
            "vpce-2.example",
            &[("AWS_ENDPOINT_URL", "https://vpce-2.example")],
        ),
    ] {
        asked.entry(api).or_default().push((host.to_owned(), vars));
    }

    let proxy = Proxy::start();
    let mut all: Vec<Running> = Vec::new();
    for (host, vars) in asked.values().flatten() {
        let vars = vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let plugin = with_keys(Program::ours(PLUGIN)).env("HTTPS_PROXY", &proxy.url);
        all.push(plugin.envs(vars).stdin(request(host)).start());
    }
    let said: String = all
        .into_iter()
        .map(|running| running.finish().fails(7).to_owned() + "\n")
        .collect();
    let mut seen = proxy.seen.lock().expect("alive").clone();
    seen.sort();
    seen.dedup();
    let expected: Vec<_> = asked.keys().map(|api| format!("{api}:443")).collect();
    assert_eq!(seen, expected);
    // A person reads the same name in the message.
    for api in asked.keys() {
        assert!(said.contains(&format!("https://{api}")), "{api}: {said}");
    }
}

#[test]
fn a_setting_and_a_url_that_exclude_each_other_are_told() {
    let done = with_keys(Program::ours(PLUGIN))
        .env("AWS_ENDPOINT_URL_ECR", "https://vpce.example")
        .env(FIPS.0, FIPS.1)
        .stdin(request(HOST))
        .run();
    let said = done.fails(4);
    assert!(said.contains("AWS_USE_FIPS_ENDPOINT"), "{said}");
}

#[test]
fn look_alikes_get_nothing_and_nobody_is_asked() {
    let proxy = Proxy::start();
    for host in peer::HOSTS {
        for image in [
            format!("{host}.evil.example/app"),
            format!("evil.example/{host}/app"),
            format!("x{host}/app"),
        ] {
            let done = with_keys(Program::ours(PLUGIN))
                .env("HTTPS_PROXY", &proxy.url)
                .stdin(request(&image))
                .run();
            assert_eq!(done.json()["auth"], serde_json::json!({}), "{image}");
        }
    }
    assert!(proxy.seen.lock().expect("alive").is_empty());
}

#[test]
fn an_https_api_is_trusted_by_the_named_bundle_only() {
    let tls = Tls::loopback();
    let ecr = FakeEcr::start_tls(ACCOUNT, &[key()], &tls);
    let plugin = || with_keys(Program::ours(PLUGIN)).envs(ecr.env());
    for variable in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let done = plugin()
            .env(variable, tls.ca_file())
            .stdin(request(HOST))
            .run();
        assert!(ecr.logins().accepts("AWS", &password(&done)));
    }
    // Not through a proxy: it is on this machine.
    let done = plugin()
        .env("AWS_CA_BUNDLE", tls.ca_file())
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .stdin(request(HOST))
        .run();
    assert!(ecr.logins().accepts("AWS", &password(&done)));
    let calls = ecr.server().count("/");
    let done = plugin().stdin(request(HOST)).run();
    let said = done.fails(7).to_lowercase();
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(ecr.server().count("/"), calls, "nothing was sent");
}

/// A proxy that writes down where it was to connect to and refuses.
struct Proxy {
    url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let log = Arc::clone(&log);
                std::thread::spawn(move || refuse(&stream, &log));
            }
        });
        Self {
            url: format!("http://{address}"),
            seen,
        }
    }
}

fn refuse(mut stream: &TcpStream, log: &Mutex<Vec<String>>) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    if let Some(target) = first.strip_prefix("CONNECT ") {
        let target = target.split(' ').next().unwrap_or_default();
        log.lock().expect("alive").push(target.to_owned());
    }
    let _ = lines.find(String::is_empty);
    let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
}

const FIPS: (&str, &str) = ("AWS_USE_FIPS_ENDPOINT", "true");
const DUAL_STACK: (&str, &str) = ("AWS_USE_DUALSTACK_ENDPOINT", "true");
