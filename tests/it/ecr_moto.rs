//! The ECR plugin against moto's ECR and STS, with boto3 as the second client of the same server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred_tests::{ClosedPort, Finished, Moto, Program, need, plugin_request_with};
use serde_json::{Value, json};

#[test]
fn the_plugin_gets_what_boto3_gets() {
    let Some(moto) = Moto::start() else { return };
    let answer = plugin(&moto).stdin(request(json!({}))).run();
    let login = &answer.json()["auth"][HOST];
    let ours = format!("{}:{}", text(&login["username"]), text(&login["password"]));
    assert_eq!(ours, boto3(moto.env()));
    assert_eq!(ours, "AWS:123456789012-auth-token");
    // moto's tokens ended in 2015: they must not be kept.
    assert_eq!(answer.json()["cacheDuration"], "0s");
    assert!(!answer.stderr.contains(Moto::SECRET));
}

/// moto names the account of whoever asks in the token, so that equal tokens are equal identities.
#[test]
fn each_source_of_an_identity_is_the_one_that_boto3_takes() {
    let Some(moto) = Moto::start() else { return };
    let home = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let config = write(
        "config",
        "[profile node]\n\
         role_arn = arn:aws:iam::555566667777:role/node\n\
         source_profile = base\n\
         [profile chain]\n\
         role_arn = arn:aws:iam::444455556666:role/chain\n\
         source_profile = node\n\
         [profile instance]\n\
         role_arn = arn:aws:iam::333344445555:role/from-instance\n\
         credential_source = Ec2InstanceMetadata\n\
         [profile base]\n\
         aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n\
         aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
    );
    let token = write("token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2lnbmF0dXJl");
    let web = "arn:aws:iam::999988887777:role/web";
    // Without the final slash of its own, which boto3 does not add.
    let metadata = format!("{}/", moto.url());
    let instance = ("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.as_str());
    for (account, vars) in [
        (
            "999988887777",
            &[
                ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
                ("AWS_ROLE_ARN", web),
            ][..],
        ),
        ("555566667777", &[("AWS_PROFILE", "node")]),
        ("444455556666", &[("AWS_PROFILE", "chain")]),
        ("333344445555", &[("AWS_PROFILE", "instance"), instance]),
        ("123456789012", &[instance]),
    ] {
        let env: Vec<(String, String)> = vars
            .iter()
            .copied()
            .chain([
                ("AWS_ENDPOINT_URL", moto.url()),
                ("AWS_CONFIG_FILE", &config),
            ])
            .chain([("HOME", home.path().to_str().expect("a plain path"))])
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let ours = Program::ours(PLUGIN).envs(env.clone());
        let ours = password(&ours.stdin(request(json!({}))).run());
        assert_eq!(ours, format!("{account}-auth-token"), "{vars:?}");
        assert_eq!(boto3(env), format!("AWS:{ours}"), "{vars:?}");
    }
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
fn a_cloud_that_is_down_is_unreachable() {
    let closed = ClosedPort::take();
    let done = Program::ours(PLUGIN)
        .env("AWS_ENDPOINT_URL", format!("http://{}", closed.authority()))
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", Moto::SECRET)
        .stdin(request(json!({})))
        .run();
    let said = done.fails(7);
    assert!(said.contains(&closed.authority()), "which? {said}");
}

/// The login that boto3 gets in this environment, decoded.
fn boto3(env: Vec<(String, String)>) -> String {
    let program = "import boto3\n\
                   client = boto3.client('ecr', 'us-east-1')\n\
                   data = client.get_authorization_token()['authorizationData']\n\
                   print(data[0]['authorizationToken'])";
    let python = need("moto_server").expect("it runs");
    let python = python.with_file_name("python3");
    let answer = Program::new(python).args(["-c", program]).envs(env).run();
    let login = STANDARD.decode(answer.success().trim()).expect("base64");
    String::from_utf8(login).expect("text")
}

fn plugin(moto: &Moto) -> Program {
    Program::ours(PLUGIN).envs(moto.env())
}

fn request(more: Value) -> String {
    plugin_request_with(&format!("{HOST}/app"), more)
}

fn password(answer: &Finished) -> String {
    text(&answer.json()["auth"][HOST]["password"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

const PLUGIN: &str = "ecr-credential-provider";
const HOST: &str = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
