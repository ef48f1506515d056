//! The people's face: `token`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_api::docker_config::BadEntries;
use regcred_api::pull_secret;
use serde_json::{Value, json};

use super::{FOREIGN, Plugin};

pub(super) fn check(plugin: &Plugin<'_>) {
    for asked in [plugin.cloud.image(), plugin.host()] {
        let token = plugin
            .run_printing(plugin.start().args(["token", asked]))
            .success();
        plugin.assert_issued(&json!(plugin.cloud.username()), &json!(token.trim_end()));
        assert_eq!(token.lines().count(), 1, "a token alone on its line");
    }
    let output = |form: &str| {
        let args = ["token", plugin.host(), "--output", form];
        let program = plugin.start().args(args);
        if form == "kubernetes-secret" {
            plugin.run_printing(program)
        } else {
            plugin.run(program)
        }
    };
    let answer = output("json").json();
    plugin.assert_issued(&answer["username"], &answer["password"]);

    check_docker_config(plugin, &output("docker-config").json());

    let secret = output("kubernetes-secret").success();
    assert!(secret.contains("kubernetes.io/dockerconfigjson"));
    let secrets = pull_secret::parse(secret.as_bytes(), BadEntries::RejectFile);
    let [secret] = &secrets.expect("a manifest")[..] else {
        panic!("not one Secret");
    };
    assert!(matches!(secret.content, pull_secret::Content::Config(_)));

    assert_eq!(output("poetry").code(), Some(2));
    let done = plugin.run(plugin.start().args(["token", FOREIGN]));
    done.fails(3);
}

/// After the cloud went wrong: the exit codes of the kubelet's face.
pub(super) fn check_failure(plugin: &Plugin<'_>) {
    let done = plugin.run(plugin.start().args(["token", plugin.host()]));
    let code = done.code().unwrap_or(-1);
    assert!((5..=8).contains(&code), "exit code {code}: {}", done.stderr);
    done.fails(code);
}

fn check_docker_config(plugin: &Plugin<'_>, config: &Value) {
    let auths = config["auths"].as_object().expect("an object");
    let auth = auths[plugin.host()]["auth"].as_str().expect("a text");
    let plain = STANDARD.decode(auth).expect("base64");
    let plain = String::from_utf8(plain).expect("text");
    let (username, password) = plain.split_once(':').expect("two parts");
    plugin.assert_issued(&json!(username), &json!(password));
}
