//! The kubelet's face: a request on stdin, an answer on stdout.

use regcred_api::{ApiVersion, GoDuration};
use serde_json::{Value, json};

use super::{CANARY, FOREIGN, Plugin, request};

pub(super) fn check(plugin: &Plugin<'_>) {
    for version in ApiVersion::ALL {
        let (_, version) = version.as_str().split_once('/').expect("a group");
        answers(plugin, version, &[]);
    }
    answers(plugin, "v1", &["get-credentials"]);
    serves_nobody_else(plugin);
    refuses_bad_input(plugin);
    keeps_a_service_account_token(plugin);
}

/// After the cloud went wrong: an exit code that says so, an empty stdout, one line.
pub(super) fn check_failure(plugin: &Plugin<'_>) {
    let request = request("v1", plugin.cloud.image()).to_string();
    let done = plugin.run(plugin.start().stdin(request));
    let code = done.code().unwrap_or(-1);
    assert!((5..=8).contains(&code), "exit code {code}: {}", done.stderr);
    done.fails(code);
}

fn answers(plugin: &Plugin<'_>, version: &str, args: &[&str]) {
    let request = request(version, plugin.cloud.image());
    let done = plugin.run(plugin.start().args(args).stdin(request.to_string()));
    let answer = done.json();
    assert_eq!(done.stderr, "", "a success says nothing");
    assert!(done.stdout().ends_with("}\n"), "one line and its end");
    assert_eq!(done.stdout().lines().count(), 1);

    assert_eq!(answer["kind"], "CredentialProviderResponse");
    assert_eq!(answer["apiVersion"], request["apiVersion"]);
    let scope = answer["cacheKeyType"].as_str().unwrap_or_default();
    assert!(["Image", "Registry", "Global"].contains(&scope), "{scope}");
    let duration = answer["cacheDuration"].as_str().unwrap_or_default();
    let duration: GoDuration = duration.parse().expect("a Go duration");
    assert!(duration.0 > 0, "a fresh token may be kept for a while");

    let text = done.stdout();
    let order = [
        "kind",
        "apiVersion",
        "cacheKeyType",
        "cacheDuration",
        "auth",
    ];
    let places: Vec<_> = order.map(|key| text.find(&format!("\"{key}\":"))).into();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}");
    let members = answer.as_object().map_or(0, serde_json::Map::len);
    assert_eq!(members, order.len());

    let login = plugin.login(&answer);
    plugin.assert_issued(&login["username"], &login["password"]);
}

fn serves_nobody_else(plugin: &Plugin<'_>) {
    let calls = plugin.cloud.calls();
    let look_alike = format!("{}.evil.example/app", plugin.host());
    for image in [&format!("{FOREIGN}/app"), "nginx", &look_alike] {
        let request = request("v1", image).to_string();
        let answer = plugin.run(plugin.start().stdin(request)).json();
        assert_eq!(answer["auth"], json!({}), "{image}");
        assert_eq!(answer["cacheDuration"], "0s", "{image}");
    }
    assert_eq!(plugin.cloud.calls(), calls, "the cloud was not to be asked");
}

fn refuses_bad_input(plugin: &Plugin<'_>) {
    let calls = plugin.cloud.calls();
    let sound = request("v1", plugin.cloud.image());
    let with = |member: &str, value: Value| {
        let mut request = sound.clone();
        request[member] = value;
        request.to_string().into_bytes()
    };
    let mut cut = sound.to_string().into_bytes();
    cut.pop();
    let inputs: Vec<Vec<u8>> = vec![
        Vec::new(),
        b" \n".to_vec(),
        b"hello".to_vec(),
        b"\xff\xfe{}".to_vec(),
        b"[]".to_vec(),
        b"{}".to_vec(),
        cut,
        with("kind", json!("CredentialProviderResponse")),
        with("apiVersion", json!("credentialprovider.kubelet.k8s.io/v9")),
        with("apiVersion", json!("v1")),
        with("image", json!("")),
        with("image", json!({ "secret": CANARY })),
    ];
    for input in inputs {
        let shown = String::from_utf8_lossy(&input).into_owned();
        let done = plugin.run(plugin.start().stdin(input));
        assert_eq!(done.code(), Some(2), "{shown:?}: {}", done.stderr);
        done.fails(2);
    }

    let mut huge = b"{\"kind\":\"".to_vec();
    huge.resize(100 << 20, b'a');
    let done = plugin.start().stdin(huge).run();
    done.fails(2);
    assert!(done.taken < 4 << 20, "it read {} bytes", done.taken);
    assert_eq!(plugin.cloud.calls(), calls, "the cloud was not to be asked");
}

/// Whatever a plugin makes of a pod's token, it never repeats it.
fn keeps_a_service_account_token(plugin: &Plugin<'_>) {
    let mut request = request("v1", plugin.cloud.image());
    request["serviceAccountToken"] = json!(format!("eyJhbGciOiJSUzI1NiJ9.{CANARY}.c2ln"));
    request["serviceAccountAnnotations"] = json!({"example.com/any": "value"});
    let done = plugin.run(plugin.start().stdin(request.to_string()));
    assert!(!done.stdout().contains(CANARY), "a token on stdout");
}
