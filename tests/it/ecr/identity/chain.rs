//! The sources of an identity: which there are, and in which order.

use std::net::TcpListener;
use std::time::Duration;

use regcred_tests::program::script;
use regcred_tests::server::{Reply, Seen};
use regcred_tests::sts::Role;
use regcred_tests::{FakeContainerAgent, FakeEc2Metadata, FakeSts, Server};
use serde_json::json;

use super::super::{key, write};
use super::*;

#[test]
fn an_instance_gives_its_role_by_version_2_of_its_metadata() {
    let metadata = FakeEc2Metadata::start("us-east-1");
    let known = Known::by(metadata.access_key());
    known.answers(known.plugin().envs(metadata.env()));
    let asked: Vec<_> = metadata.server().seen();
    assert!(asked[0].method == "PUT" && asked[0].path == "/latest/api/token");
    let session = "x-aws-ec2-metadata-token";
    assert!(asked[1..].iter().all(|r| r.header(session).is_some()));
    // The region is in the host's name: no request is sent for it.
    assert!(asked.iter().all(|r| !r.path.contains("placement")));
    assert_eq!(asked.len(), 3);

    let off = known.plugin().envs(metadata.env());
    let off = off.env("AWS_EC2_METADATA_DISABLED", "true");
    let done = off.stdin(request(HOST)).run();
    assert!(done.fails(5).contains("AWS_EC2_METADATA_DISABLED is set"));
    assert_eq!(metadata.server().seen().len(), 3);
}

#[test]
fn a_pods_agent_gives_its_role_for_a_token_that_is_read_each_time() {
    let agent = FakeContainerAgent::start();
    let known = Known::by(agent.access_key());
    known.answers(known.plugin().envs(agent.env()));
    agent.rotate();
    known.answers(known.plugin().envs(agent.env()));

    std::fs::write(agent.token_file(), "of yesterday").expect("our own file");
    let done = known.plugin().envs(agent.env()).stdin(request(HOST)).run();
    let said = done.fails(6);
    assert!(
        said.contains("401 Unauthorized: AccessDeniedException"),
        "{said}"
    );
    assert!(said.contains("/v1/credentials"), "which agent? {said}");
}

#[test]
fn a_web_identity_is_exchanged_for_its_role_and_goes_before_a_profile() {
    let sts = FakeSts::start(&[Role::of_pods(ROLE, "ci:runner")]);
    let known = Known::by(&sts.key_of(ROLE));
    let home = tempfile::tempdir().expect("a directory");
    let token = write(
        home.path(),
        "token",
        &(sts.service_account_token("ci:runner", 10) + "\n"),
    );
    let config = write(home.path(), "config", PROFILE_OF_SOMEBODY);
    let plugin = || {
        let plugin = known.plugin().envs(sts.env());
        plugin
            .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
            .env("AWS_ROLE_ARN", ROLE)
            .env("AWS_CONFIG_FILE", &config)
    };
    known.answers(plugin());
    known.answers(plugin().env("AWS_ROLE_SESSION_NAME", "my-runner"));
    assert_eq!(sts.sessions(), ["ecr-credential-provider", "my-runner"]);

    // Renewed, and then expired: the file is read each time.
    std::fs::write(&token, sts.service_account_token("ci:runner", 10)).expect("our own file");
    known.answers(plugin());
    std::fs::write(&token, sts.service_account_token("ci:runner", -1)).expect("our own file");
    let done = plugin().stdin(request(HOST)).run();
    let said = done.fails(6);
    assert!(said.contains("ExpiredTokenException"), "{said}");
    assert!(said.contains(&token), "which token? {said}");
}

#[test]
fn profiles_chain_roles_from_keys_the_instance_and_programs() {
    let metadata = FakeEc2Metadata::start("us-east-1");
    let sts = FakeSts::start(&[
        Role::of_key(ROLE, &key(), Some("from-us")),
        Role::of_key(OTHER, metadata.access_key(), None),
        Role::of_key(THIRD, &key(), None),
    ]);
    let home = tempfile::tempdir().expect("a directory");
    let key = key();
    let keys = json!({"Version": 1, "AccessKeyId": key.id, "SecretAccessKey": key.secret});
    let helper = home.path().join("signing helper");
    script(&helper, &format!("echo '{keys}'"));
    let helper = helper.display();
    let config = format!(
        "[profile by-keys]\nrole_arn = {ROLE}\nexternal_id = from-us\nsource_profile = base\n\
         [profile by-instance]\nrole_arn = {OTHER}\ncredential_source = Ec2InstanceMetadata\n\
         [profile by-program]\nrole_arn = {THIRD}\nsource_profile = helper\n\
         [profile helper]\ncredential_process = \"{helper}\" credential-process --x 'a b'\n",
    );
    let config = write(home.path(), "config", &config);
    let base = format!(
        "[base]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    let credentials = write(home.path(), "credentials", &base);
    for (profile, key) in [
        ("base", key.clone()),
        ("helper", key),
        ("by-keys", sts.key_of(ROLE)),
        ("by-instance", sts.key_of(OTHER)),
        ("by-program", sts.key_of(THIRD)),
    ] {
        let known = Known::by(&key);
        let plugin = || {
            let plugin = known.plugin().envs(sts.env()).envs(metadata.env());
            plugin
                .env("AWS_CONFIG_FILE", &config)
                .env("AWS_SHARED_CREDENTIALS_FILE", &credentials)
                .env("PATH", "/usr/bin:/bin")
        };
        known.answers(plugin().env("AWS_PROFILE", profile));
        known.answers(plugin().args(["--profile", profile]));
    }
}

#[test]
fn a_person_who_is_signed_in_is_known_by_the_session() {
    let person = AccessKey {
        session: Some("session-of-sso".to_owned()),
        ..key()
    };
    let known = Known::by(&person);
    let portal = Server::start(move |request: &Seen| {
        let sound = request.path == "/federation/credentials"
            && request.header("x-amz-sso_bearer_token") == Some("sso-access-token")
            && request.params("role_name") == ["pull"]
            && request.params("account_id") == ["123456789012"];
        if !sound {
            return Reply::json(401, &json!({"message": "not signed in"}));
        }
        let ends = 4_102_444_800_000_i64;
        Reply::json(
            200,
            &json!({"roleCredentials": {
                "accessKeyId": person.id,
                "secretAccessKey": person.secret,
                "sessionToken": person.session,
                "expiration": ends,
            }}),
        )
    });
    let home = tempfile::tempdir().expect("a directory");
    let cache = home.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).expect("a directory");
    write(
        &home.path().join(".aws"),
        "config",
        "[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = pull\n\
         [sso-session corp]\nsso_region = us-east-1\nsso_start_url = https://corp.example/start\n",
    );
    // What `aws sso login` leaves behind: the name is the SHA-1 of the session's.
    let session = json!({
        "accessToken": "sso-access-token",
        "expiresAt": "2099-01-01T00:00:00Z",
        "region": "us-east-1",
        "startUrl": "https://corp.example/start",
    });
    let file = "ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    write(&cache, file, &session.to_string());
    known.answers(
        known
            .plugin()
            .env("HOME", home.path())
            .env("AWS_ENDPOINT_URL_SSO", portal.url()),
    );
}

#[test]
fn without_any_identity_it_ends_soon_and_says_what_was_tried() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let known = Known::by(&key());
    let plugin = known.plugin();
    let plugin = plugin.env(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        format!("http://{address}"),
    );
    let done = plugin.stdin(request(HOST)).run();
    // The crate's own tests count the two seconds, with a paused clock.
    assert!(done.elapsed < Duration::from_secs(30), "{:?}", done.elapsed);
    let said = done.fails(5);
    for part in [
        "environment keys (AWS_ACCESS_KEY_ID is not set)",
        "web identity (AWS_WEB_IDENTITY_TOKEN_FILE is not set)",
        "profile (not found: ~/.aws/config or ~/.aws/credentials, as HOME is not set)",
        "container credentials (neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor",
        "instance metadata (http://127.0.0.1",
        "no response (not an EC2 instance",
    ] {
        assert!(said.contains(part), "{part} is not in: {said}");
    }
}

const ROLE: &str = "arn:aws:iam::123456789012:role/pull";
const OTHER: &str = "arn:aws:iam::123456789012:role/node";
const THIRD: &str = "arn:aws:iam::123456789012:role/anywhere";
const PROFILE_OF_SOMEBODY: &str =
    "[default]\naws_access_key_id = AKIASOMEBODY\naws_secret_access_key = else\n";
