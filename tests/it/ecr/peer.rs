//! The same requests to upstream's plugin and to ours: the same answers apart from token, duration
//! and key order, for every form of a host that upstream serves.
//!
//! `REGCRED_ECR_PEER` names upstream's `ecr-credential-provider`; without it the test says that it
//! is skipped. CONTRIBUTING.md tells how to build one.

use std::path::PathBuf;

use regcred_api::GoDuration;
use regcred_core::Env;
use regcred_tests::ecr::Failure;
use regcred_tests::sts::Role;
use regcred_tests::{FakeEcr, FakeSts, Program};
use serde_json::{Value, json};

use super::{ACCOUNT, PLUGIN, key, request, request_of_pod, with_keys};

/// Every form that upstream's pattern has, those that no DNS has included.
pub(super) const HOSTS: &[&str] = &[
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
    "210987654321.dkr.ecr.mx-central-1.amazonaws.com",
    "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com",
    "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
    "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu",
    "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov",
    "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov",
    "123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk",
    "123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov",
    "123456789012.dkr.ecr-fips.us-east-2.amazonaws.com",
    "123456789012.dkr.ecr-fips.us-gov-east-1.amazonaws.com",
    "123456789012.dkr-ecr.us-west-2.on.aws",
    "123456789012.dkr-ecr-fips.us-west-1.on.aws",
    "123456789012.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn",
    "123456789012.dkr-ecr.us-west-2.amazonaws.com",
    "123456789012.dkr.ecr.us-west-2.on.aws",
    "123456789012.dkr.ecr.xx-new-9.amazonaws.com",
    "public.ecr.aws",
    "ecr-public.aws.com",
];

#[test]
fn every_host_is_answered_as_upstream_answers_it() {
    let Some(peer) = peer() else { return };
    let world = World::new();
    for host in HOSTS {
        for image in [
            format!("{host}/team/app"),
            format!("{host}/app:v1.2"),
            format!("{host}/app@sha256:{}", "0".repeat(64)),
            format!("https://{host}/app"),
            (*host).to_owned(),
        ] {
            world.compare(&peer, &request(&image), &image);
        }
    }
    // A mirror: upstream serves it unasked, ours by name.
    let mirror = |program: Program| program.env("AWS_REGION", "eu-west-1");
    let image = "mirror.corp.example/team/app";
    let theirs = mirror(world.start(&peer)).stdin(request(image)).run();
    let ours = mirror(world.start(&ours())).args(["--also-serve", "mirror.corp.example"]);
    let ours = ours.stdin(request(image)).run();
    world.assert_same(&theirs.json(), &ours.json(), image);
}

#[test]
fn a_pods_request_is_answered_as_upstream_answers_it() {
    let Some(peer) = peer() else { return };
    let world = World::new();
    let token = || world.sts.service_account_token("shop:web", 10);
    for host in [HOSTS[0], HOSTS[13], "public.ecr.aws"] {
        let image = format!("{host}/team/app");
        for annotations in [
            json!({"eks.amazonaws.com/ecr-role-arn": ROLE}),
            json!({"eks.amazonaws.com/ecr-role-arn": ROLE, "eks.amazonaws.com/role-arn": OTHER}),
            json!({"eks.amazonaws.com/role-arn": OTHER}),
            json!({}),
        ] {
            let pod = json!({
                "serviceAccountToken": token(),
                "serviceAccountAnnotations": annotations,
            });
            let shown = format!("{image} with {annotations}");
            world.compare(&peer, &request_of_pod(&image, pod), &shown);
        }
    }
}

#[test]
fn what_upstream_refuses_we_refuse() {
    let Some(peer) = peer() else { return };
    let world = World::new();
    let image = format!("{}/app", HOSTS[0]);
    let pod = |role: &str, token: &str| {
        let annotations = json!({"eks.amazonaws.com/ecr-role-arn": role});
        let pod = json!({
            "serviceAccountToken": token,
            "serviceAccountAnnotations": annotations,
        });
        request_of_pod(&image, pod)
    };
    let token = world.sts.service_account_token("shop:web", 10);
    for stdin in [
        String::new(),
        "{}".to_owned(),
        request(""),
        request(&image).replace("/v1", "/v9"),
        request(&image).replace("Request", "Response"),
        pod(OTHER, &token),
        pod(ROLE, "no.such.token"),
    ] {
        for program in [&peer, &ours()] {
            let done = world.start(program).stdin(stdin.as_str()).run();
            let shown = format!("{}: {stdin}", program.display());
            assert_ne!(done.code(), Some(0), "{shown}");
            assert_eq!(done.stdout(), "", "{shown}");
        }
    }
    world.ecr.fail(Failure::Denied, 2);
    for program in [&peer, &ours()] {
        let done = world.start(program).stdin(request(&image)).run();
        assert_ne!(done.code(), Some(0), "{}", program.display());
    }
}

struct World {
    ecr: FakeEcr,
    sts: FakeSts,
}

impl World {
    fn new() -> Self {
        let sts = FakeSts::start(&[Role::of_pods(ROLE, "shop:web")]);
        let ecr = FakeEcr::start(ACCOUNT, &[key(), sts.key_of(ROLE)]);
        Self { ecr, sts }
    }

    fn start(&self, program: &PathBuf) -> Program {
        with_keys(Program::new(program))
            .envs(self.ecr.env())
            .envs(self.sts.env())
    }

    #[track_caller]
    fn compare(&self, peer: &PathBuf, stdin: &str, shown: &str) {
        let theirs = self.start(peer).stdin(stdin).run().json();
        let by_theirs = self.ecr.signed().pop();
        let ours = self.start(&ours()).stdin(stdin).run().json();
        assert_eq!(self.ecr.signed().pop(), by_theirs, "who signed for {shown}");
        self.assert_same(&theirs, &ours, shown);
    }

    /// Equal but for the tokens, which must be issued ones, and the durations, which may differ by
    /// a moment.
    #[track_caller]
    fn assert_same(&self, theirs: &Value, ours: &Value, shown: &str) {
        let [theirs, ours] = [theirs, ours].map(|answer| {
            let mut answer = answer.clone();
            let duration = answer["cacheDuration"].take();
            let duration: GoDuration = serde_json::from_value(duration).expect("a Go duration");
            for (_, login) in answer["auth"].as_object_mut().expect("an object") {
                let password = login["password"].take();
                let password = password.as_str().unwrap_or_default();
                assert!(self.ecr.logins().accepts("AWS", password), "{shown}");
            }
            (answer, duration.0 / 1_000_000_000)
        });
        assert_eq!(ours.0, theirs.0, "{shown}");
        assert!(
            (ours.1 - theirs.1).abs() <= 5,
            "{shown}: {} {}",
            ours.1,
            theirs.1
        );
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn peer() -> Option<PathBuf> {
    let peer = Env::process().path("REGCRED_ECR_PEER");
    if peer.is_none() {
        eprintln!("SKIPPED: REGCRED_ECR_PEER names no ecr-credential-provider of upstream's");
    }
    peer
}

fn ours() -> PathBuf {
    regcred_tests::program::built(PLUGIN)
}

const ROLE: &str = "arn:aws:iam::123456789012:role/web-pull";
const OTHER: &str = "arn:aws:iam::123456789012:role/web";
