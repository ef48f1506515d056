//! Our fakes of AWS's services with boto3 as their client: what it accepts and gets is how the
//! services are.

use regcred_tests::sts::Role;
use regcred_tests::{FakeContainerAgent, FakeSts, Program, need};
use serde_json::{Value, json};

use super::identity::Known;
use super::{key, write};

#[test]
fn boto3_assumes_roles_at_the_fake_sts() {
    let Some(_) = need("moto_server") else { return };
    let sts = FakeSts::start(&[
        Role::of_key(BY_KEY, &key(), Some("from-us")),
        Role::of_pods(BY_POD, "ci:runner"),
    ]);
    let known = Known::by(&sts.key_of(BY_KEY));
    let home = tempfile::tempdir().expect("a directory");
    let key = key();
    let config = format!(
        "[profile pull]\nrole_arn = {BY_KEY}\nexternal_id = from-us\nsource_profile = base\n\
         [profile base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    let config = write(home.path(), "config", &config);
    let token = |text: &str| write(home.path(), "token", text);
    let by_profile = [
        ("AWS_CONFIG_FILE", config.as_str()),
        ("AWS_PROFILE", "pull"),
    ];
    let env = || sts.env().into_iter().chain(known.ecr.env());
    assert_eq!(account(&by_profile, env()), json!("123456789012"));

    let known = Known::by(&sts.key_of(BY_POD));
    let env = || sts.env().into_iter().chain(known.ecr.env());
    let good = token(&sts.service_account_token("ci:runner", 10));
    let by_token = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", good.as_str()),
        ("AWS_ROLE_ARN", BY_POD),
    ];
    assert_eq!(account(&by_token, env()), json!("123456789012"));
    for (text, code) in [
        (sts.service_account_token("ci:other", 10), "AccessDenied"),
        (
            sts.service_account_token("ci:runner", -1),
            "ExpiredTokenException",
        ),
        ("e30.e30.c2ln".to_owned(), "InvalidIdentityToken"),
    ] {
        let _ = token(&text);
        assert_eq!(account(&by_token, env()), json!(code));
    }
}

#[test]
fn boto3_gets_its_role_from_the_fake_agent() {
    let Some(_) = need("moto_server") else { return };
    let agent = FakeContainerAgent::start();
    // boto3 does not trim the file.
    let text = std::fs::read_to_string(agent.token_file()).expect("the token");
    std::fs::write(agent.token_file(), text.trim()).expect("our own file");
    let known = Known::by(agent.access_key());
    let env = || agent.env().into_iter().chain(known.ecr.env());
    assert_eq!(account(&[], env()), json!("123456789012"));
}

/// The account of the registry for which boto3 gets a token, or the code of the error.
fn account(vars: &[(&str, &str)], env: impl Iterator<Item = (String, String)>) -> Value {
    let program = "\
import boto3, botocore.exceptions, json
try:
    data = boto3.client('ecr', 'us-east-1').get_authorization_token()['authorizationData']
    print(json.dumps(data[0]['proxyEndpoint'][8:20]))
except botocore.exceptions.ClientError as e:
    print(json.dumps(e.response['Error']['Code']))
";
    let python = need("moto_server").expect("asked before");
    let python = Program::new(python.with_file_name("python3")).args(["-c", program]);
    let vars = vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    python.envs(vars).envs(env).run().json()
}

const BY_KEY: &str = "arn:aws:iam::123456789012:role/by-key";
const BY_POD: &str = "arn:aws:iam::123456789012:role/by-pod";
