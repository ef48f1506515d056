//! A role or a profile for a registry or an account, across accounts and regions.

use regcred_tests::FakeSts;
use regcred_tests::sts::Role;

use super::super::{key, with_keys, write};
use super::*;

#[test]
fn each_registry_is_asked_for_with_the_identity_that_is_mapped_to_it() {
    let sts = FakeSts::start(&[
        Role::of_key(TEAM, &key(), None),
        Role::of_key(REST, &key(), None),
    ]);
    let home = tempfile::tempdir().expect("a directory");
    let tools = AccessKey {
        id: "AKIATOOLS".to_owned(),
        ..key()
    };
    let config = format!(
        "[profile tools]\naws_access_key_id = AKIATOOLS\naws_secret_access_key = {}\n",
        tools.secret
    );
    let config = write(home.path(), "config", &config);
    let ecr = FakeEcr::start(
        ACCOUNT,
        &[tools.clone(), sts.key_of(TEAM), sts.key_of(REST)],
    );
    let asked = [
        ("210987654321.dkr.ecr.eu-west-1.amazonaws.com", TEAM),
        ("210987654321.dkr.ecr.ap-south-1.amazonaws.com", TEAM),
        ("210987654321.dkr.ecr.sa-east-1.amazonaws.com", "tools"),
        ("111122223333.dkr.ecr.us-east-1.amazonaws.com", REST),
        ("public.ecr.aws", REST),
    ];
    let map = format!(
        "210987654321={TEAM},210987654321.dkr.ecr.sa-east-1.amazonaws.com=profile:tools,*={REST}"
    );
    for by_flags in [true, false] {
        for (host, who) in asked {
            let node = with_keys(Program::ours(PLUGIN))
                .envs(ecr.env())
                .envs(sts.env());
            let node = node
                .env("AWS_CONFIG_FILE", &config)
                .env("AWS_REGION", "eu-north-1");
            let node = if by_flags {
                node.args(map.split(',').flat_map(|entry| ["--role", entry]))
            } else {
                node.env("REGCRED_ECR_ROLES", &map)
            };
            let answer = node.stdin(request(host)).run().json();
            assert!(answer["auth"][host]["password"].is_string(), "{answer}");
            let signed = ecr.signed().pop().expect("one more");
            let id = match who {
                "tools" => tools.id.clone(),
                role => sts.key_of(role).id,
            };
            assert_eq!(signed.key_id, id, "{host}");
            let region = host.split('.').nth(3).filter(|part| part.contains('-'));
            assert_eq!(signed.region, region.unwrap_or("us-east-1"), "{host}");
        }
    }
    // A role is assumed in the registry's own region.
    let regions: Vec<_> = sts.server().seen();
    let scope = |region: &str| {
        let part = format!("/{region}/sts/aws4_request");
        let of = |r: &regcred_tests::server::Seen| {
            r.header("authorization").is_some_and(|a| a.contains(&part))
        };
        regions.iter().filter(|r| of(r)).count()
    };
    assert_eq!((scope("eu-west-1"), scope("ap-south-1")), (2, 2));
}

#[test]
fn a_mapped_identity_that_fails_is_an_error() {
    let sts = FakeSts::start(&[]);
    let known = Known::by(&key());
    let node = || with_keys(known.plugin()).envs(sts.env());
    let role = format!("*={TEAM}");
    let done = node().args(["--role", &role]).stdin(request(HOST)).run();
    let said = done.fails(6);
    assert!(
        said.contains(TEAM) && said.contains("environment keys"),
        "{said}"
    );
    let done = node()
        .args(["--role", "*=profile:gone"])
        .stdin(request(HOST))
        .run();
    assert!(done.fails(4).contains("gone"));
    assert_eq!(known.ecr.server().count("/"), 0, "the API was asked");
}

const TEAM: &str = "arn:aws:iam::210987654321:role/team-pull";
const REST: &str = "arn:aws:iam::123456789012:role/rest";
