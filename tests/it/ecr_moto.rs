//! The ECR plugin against moto's ECR and STS, with boto3 as the second client of the same server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_tests::{Finished, Moto, Program, need};
use serde_json::{Value, json};

#[test]
fn the_plugin_gets_what_boto3_gets() {
    let Some(moto) = Moto::start() else { return };
    let request = request(json!({}));
    let answer = plugin(&moto).stdin(request).run();
    let login = &answer.json()["auth"][HOST];
    let ours = format!("{}:{}", text(&login["username"]), text(&login["password"]));

    let program = "import boto3\n\
                   client = boto3.client('ecr', 'us-east-1')\n\
                   data = client.get_authorization_token()['authorizationData']\n\
                   print(data[0]['authorizationToken'])";
    let python = need("moto_server")
        .expect("it runs")
        .with_file_name("python3");
    let theirs = Program::new(python)
        .args(["-c", program])
        .envs(moto.env())
        .run();
    let theirs = STANDARD.decode(theirs.success().trim()).expect("base64");
    assert_eq!(ours.as_bytes(), theirs);
    assert_eq!(ours, "AWS:123456789012-auth-token");
    // moto's tokens ended in 2015: nobody may keep them.
    assert_eq!(answer.json()["cacheDuration"], "0s");
    assert!(!answer.stderr.contains(Moto::SECRET));
}

#[test]
fn a_pods_token_becomes_the_role_that_its_annotation_names() {
    let Some(moto) = Moto::start() else { return };
    let pod = json!({
        "serviceAccountToken": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "serviceAccountAnnotations": {
            "eks.amazonaws.com/ecr-role-arn": "arn:aws:iam::999988887777:role/pull",
        },
    });
    let answer = plugin(&moto).stdin(request(pod)).run();
    // moto names the account of whoever asks in the token, and takes it from the role.
    assert_eq!(password(&answer), "999988887777-auth-token");
}

#[test]
fn a_profile_that_assumes_a_role_is_followed() {
    let Some(moto) = Moto::start() else { return };
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("config");
    let text = "[profile node]\n\
                role_arn = arn:aws:iam::555566667777:role/node\n\
                source_profile = base\n\
                [profile base]\n\
                aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
                aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n";
    std::fs::write(&config, text).expect("a file");
    let answer = Program::ours(PLUGIN)
        .env("AWS_ENDPOINT_URL", moto.url())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", &config)
        .env("AWS_PROFILE", "node")
        .env("HOME", home.path())
        .stdin(request(json!({})))
        .run();
    assert_eq!(password(&answer), "555566667777-auth-token");
}

#[test]
fn a_cloud_that_is_down_is_unreachable() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let done = Program::ours(PLUGIN)
        .env("AWS_ENDPOINT_URL", format!("http://{closed}"))
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", Moto::SECRET)
        .stdin(request(json!({})))
        .run();
    let said = done.fails(7);
    assert!(said.contains(&closed.to_string()), "which? {said}");
}

fn plugin(moto: &Moto) -> Program {
    Program::ours(PLUGIN).envs(moto.env())
}

fn request(more: Value) -> String {
    let mut request = json!({
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": format!("{HOST}/app"),
    });
    if let (Some(request), Value::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request.to_string()
}

fn password(answer: &Finished) -> String {
    text(&answer.json()["auth"][HOST]["password"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

const PLUGIN: &str = "ecr-credential-provider";
const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
