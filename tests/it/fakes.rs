//! The harness itself against clients that we did not write: what skopeo and boto3 accept is a
//! registry, a cloud.

use regcred_tests::ecr::Failure;
use regcred_tests::oci_registry::Access;
use regcred_tests::{FakeEc2Metadata, FakeEcr, FakeRegistry, Image, Logins, Program, Skopeo, need};
use serde_json::Value;

#[test]
fn skopeo_pulls_from_the_fake_registry_with_each_kind_of_login() {
    let Some(skopeo) = Skopeo::find() else { return };
    let image = Image::multi_arch(1, 100_000, 1_000);
    let logins = Logins::of("user", "secret");
    for access in [
        Access::Open,
        Access::Basic(logins.clone()),
        Access::Bearer(logins),
    ] {
        let login = !matches!(access, Access::Open);
        let registry = FakeRegistry::start(access);
        registry.push("team/app", "v1", &image);
        let store = tempfile::tempdir().expect("a directory");
        let source = format!("docker://{}/team/app:v1", registry.server().authority());
        let target = format!("oci:{}:v1", store.path().display());
        let copy = |creds: &[&str]| {
            let mut args = vec!["copy", "--all", "--src-tls-verify=false"];
            args.extend(creds);
            args.extend([source.as_str(), target.as_str()]);
            skopeo.run(&args)
        };
        if login {
            let _ = copy(&["--src-creds", "user:secret"]).success();
            assert_eq!(copy(&["--src-creds", "user:wrong"]).code(), Some(1));
            assert_eq!(copy(&["--src-no-creds"]).code(), Some(1));
        } else {
            let _ = copy(&["--src-no-creds"]).success();
        }
        assert_eq!(skopeo.raw(store.path(), "v1"), image.root().bytes);
    }
}

#[test]
fn boto3_gets_its_role_and_a_token_from_the_fakes() {
    let Some(_) = need("moto_server") else { return };
    let metadata = FakeEc2Metadata::start("eu-west-1");
    let ecr = FakeEcr::start("123456789012", &[metadata.access_key().clone()]);
    ecr.fail(Failure::Throttle, 1);
    let answer = python(
        "import boto3, json\n\
         data = boto3.client('ecr').get_authorization_token()['authorizationData'][0]\n\
         print(json.dumps([data['authorizationToken'], data['proxyEndpoint']]))",
        metadata.env().into_iter().chain(ecr.env()),
    );
    let endpoint = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    assert_eq!(answer[1], endpoint);
    assert_eq!(ecr.signed()[0].region, "eu-west-1");
    assert_eq!(ecr.server().count("/"), 2, "one throttled, one answered");
    assert_eq!(metadata.credentials_requests(), 1);
}

#[test]
fn the_fakes_refuse_what_the_clouds_refuse() {
    let Some(_) = need("moto_server") else { return };
    let metadata = FakeEc2Metadata::start("eu-west-1");
    let stranger = FakeEcr::start("123456789012", &[]);
    let code = python(
        "import boto3, json, botocore.exceptions, urllib.request, urllib.error, os\n\
         try:\n\
         \x20   boto3.client('ecr').get_authorization_token()\n\
         except botocore.exceptions.ClientError as e:\n\
         \x20   print(json.dumps(e.response['Error']['Code']))",
        metadata.env().into_iter().chain(stranger.env()),
    );
    assert_eq!(code, "UnrecognizedClientException");
}

/// Runs a Python program in the environment where boto3 is and reads the JSON that it prints.
fn python(program: &str, env: impl IntoIterator<Item = (String, String)>) -> Value {
    let python = need("moto_server").expect("asked before");
    Program::new(python.with_file_name("python3"))
        .args(["-c", program])
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .envs(env)
        .run()
        .json()
}
