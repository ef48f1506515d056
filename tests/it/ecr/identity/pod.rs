//! A pod that pulls as itself (KEP-4412): the kubelet sends its token, and only that
//! identity answers.

use regcred_tests::sts::Role;
use regcred_tests::{FakeSts, Finished};
use serde_json::{Value, json};

use super::super::{CachePlace, key, request_of_pod};
use super::*;

#[test]
fn the_role_is_the_one_that_is_named_first() {
    let sts = FakeSts::start(&[
        Role::of_pods(PULL, "shop:web"),
        Role::of_pods(IRSA, "shop:web"),
        Role::of_pods(DEFAULT, "shop:web"),
    ]);
    let both = json!({PULL_KEY: PULL, IRSA_KEY: IRSA});
    let irsa = json!({IRSA_KEY: IRSA});
    let none = json!({});
    for (role, args, default, annotations) in [
        (PULL, &["--irsa-annotation"][..], DEFAULT, &both),
        (IRSA, &["--irsa-annotation"], DEFAULT, &irsa),
        (DEFAULT, &[], DEFAULT, &irsa),
        (DEFAULT, &[], DEFAULT, &none),
        (PULL, &[], "", &both),
    ] {
        let known = Known::by(&sts.key_of(role));
        let plugin = known.plugin().envs(sts.env()).args(args);
        let plugin = plugin.env("AWS_ECR_ROLE_ARN", default);
        let token = sts.service_account_token("shop:web", 10);
        let done = plugin.stdin(pod(&token, annotations)).run();
        assert!(
            known.ecr.logins().accepts("AWS", &password(&done)),
            "{role}"
        );
        assert_eq!(known.ecr.signed()[0].key_id, sts.key_of(role).id);
    }
    let mut sessions = sts.sessions();
    sessions.dedup();
    assert_eq!(sessions, ["ecr-credential-provider.shop.web"]);
}

#[test]
fn a_failure_is_final_though_the_node_has_an_identity() {
    let sts = FakeSts::start(&[Role::of_pods(PULL, "shop:web")]);
    let known = Known::by(&key());
    let ask = |token: &str, role: &str| {
        let node = super::super::with_keys(known.plugin()).envs(sts.env());
        node.stdin(pod(token, &json!({PULL_KEY: role}))).run()
    };
    let good = sts.service_account_token("shop:web", 10);
    for (done, words) in [
        (
            ask(&sts.service_account_token("shop:job", 10), PULL),
            "AccessDenied",
        ),
        (
            ask(&sts.service_account_token("shop:web", -1), PULL),
            "ExpiredTokenException",
        ),
        (ask("e30.e30.c2ln", PULL), "InvalidIdentityToken"),
        (ask(&good, IRSA), "AccessDenied"),
    ] {
        let said = refused(&done, 6);
        assert!(said.contains("failed to assume role"), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(!said.contains(&good), "{said}");
    }
    assert!(refused(&ask(&good, "pull"), 4).contains("is not a role ARN"));
    assert_eq!(known.ecr.server().count("/"), 0, "the API was asked");
}

#[test]
fn a_token_without_a_role_is_the_node_unless_that_is_forbidden() {
    let sts = FakeSts::start(&[]);
    let known = Known::by(&key());
    let token = sts.service_account_token("shop:web", 10);
    let node = || super::super::with_keys(known.plugin()).envs(sts.env());
    let stdin = pod(&token, &json!({IRSA_KEY: IRSA}));
    let done = node().stdin(stdin.as_str()).run();
    assert!(known.ecr.logins().accepts("AWS", &password(&done)));
    // The usual mistake is told.
    assert!(done.stderr.contains(PULL_KEY), "{}", done.stderr);
    let strict = node().arg("--require-pod-role").stdin(stdin).run();
    assert!(refused(&strict, 4).contains(PULL_KEY));
    assert_eq!(sts.server().count("/"), 0);
}

#[test]
fn pods_share_the_answer_of_their_own_account_and_of_no_other() {
    let sts = FakeSts::start(&[
        Role::of_pods(PULL, "shop:web"),
        Role::of_pods(PULL, "shop:job"),
    ]);
    let known = Known::by(&sts.key_of(PULL));
    let cache = CachePlace::new();
    let ask = |account: &str| {
        let plugin = known.plugin().envs(sts.env());
        let plugin = plugin.env("REGCRED_CACHE", cache.path());
        // Each time another token of the same account.
        let token = sts.service_account_token(account, 10);
        let done = plugin.stdin(pod(&token, &json!({PULL_KEY: PULL}))).run();
        (password(&done), known.ecr.server().count("/"))
    };
    let (web, _) = ask("shop:web");
    assert_eq!(ask("shop:web"), (web.clone(), 1));
    let (job, calls) = ask("shop:job");
    assert!(job != web && calls == 2);
    assert_eq!(cache.entries().len(), 2);
}

fn pod(token: &str, annotations: &Value) -> String {
    let more = json!({
        "serviceAccountToken": token,
        "serviceAccountAnnotations": annotations,
    });
    request_of_pod(HOST, more)
}

#[track_caller]
fn refused(done: &Finished, code: i32) -> String {
    done.fails(code).to_owned()
}

const PULL_KEY: &str = "eks.amazonaws.com/ecr-role-arn";
const IRSA_KEY: &str = "eks.amazonaws.com/role-arn";
const PULL: &str = "arn:aws:iam::123456789012:role/web-pull";
const IRSA: &str = "arn:aws:iam::123456789012:role/web";
const DEFAULT: &str = "arn:aws:iam::123456789012:role/any-pull";
