//! The configuration file: what it gets wrong, where it is, and what a kubelet needs of it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use regcred_core::{Clock, Env, ErrorKind, Provider as _, report};
use regcred_generic::Generic;
use regcred_tests::generic::ConfigDir;

use super::{provider, request};

fn wrong(entries: &str) -> String {
    let error = provider(&ConfigDir::new(entries)).err().expect(entries);
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    report(&error)
}

#[test]
fn what_a_file_gets_wrong_is_named_with_its_entry() {
    let token = "matchImages: [a.test], audience: a";
    for (entries, part) in [
        ("- {matchImages: [a.test], password: x}\n", "password"),
        ("- {matchImages: [a.test]}\n", "exactly one of static"),
        (
            "- {matchImages: [], static: {username: u, passwordFile: p}}\n",
            "matchImages is empty",
        ),
        (
            "- {matchImages: ['https://a.test'], static: {username: u, passwordFile: p}}\n",
            "is a URL",
        ),
        (
            "- {matchImages: [a.test], passThrough: {username: u}}\n",
            "has no audience",
        ),
        (
            "- {matchImages: [a.test], static: {username: u}}\n",
            "passwordFile",
        ),
        (
            "- {matchImages: [a.test], static: {username: 'u:v', passwordFile: p}}\n",
            "colon",
        ),
        (
            "- {matchImages: [a.test], helper: {program: docker-credential-pass}}\n",
            "absolute path",
        ),
        (
            &format!("- {{{token}, passThrough: {{username: u}}, helper: {{program: /h}}}}\n"),
            "exactly one",
        ),
        (
            &format!("- {{{token}, exchange: {{url: 'http://sts.test/', username: u}}}}\n"),
            "not an https:// URL",
        ),
        (
            &format!("- {{{token}, exchange: {{url: 'https://sts.test/'}}}}\n"),
            "no user name",
        ),
        (
            &format!("- {{{token}, json: {{url: 'https://sts.test/', username: u}}}}\n"),
            "does not send the token",
        ),
        (
            &format!(
                "- {{{token}, json: {{url: 'https://sts.test/', username: u, body: '${{jwt}}'}}}}\n"
            ),
            "placeholder",
        ),
        (
            &format!(
                "- {{{token}, exchange: {{url: 'https://sts.test/', username: u, parameters: {{scope2: x, grant_type: y}}}}}}\n"
            ),
            "repeats the field grant_type",
        ),
        (
            "- {matchImages: [a.test], audience: 'https://kubernetes.default.svc.cluster.local', passThrough: {username: u}}\n",
            "login to the cluster",
        ),
        (
            "- {matchImages: [a.test], static: {username: u, passwordFile: p}}\n\
             - {matchImages: [a.test], static: {username: v, passwordFile: p}}\n",
            "registries[1] (a.test): an earlier entry",
        ),
    ] {
        let text = wrong(entries);
        assert!(
            text.contains(part) && text.contains("generic.yaml: "),
            "{text}"
        );
    }
    let config =
        ConfigDir::new("- {matchImages: [a.test], static: {username: u, passwordFile: p}}\n");
    let file = config.path().join("generic.yaml");
    std::fs::set_permissions(&file, Permissions::from_mode(0o666)).expect("a mode");
    let error = provider(&config).err().expect("every user may write it");
    assert!(
        report(&error).contains("every user may write"),
        "{}",
        report(&error)
    );
}

#[test]
fn a_named_file_must_exist_and_the_usual_one_is_missed_when_asked() {
    let env = Env::map([("REGCRED_GENERIC_CONFIG", "/nonexistent/generic.yaml")]);
    let error = Generic::new(&env, &Clock::system()).err().expect("missing");
    assert!(
        report(&error).contains("/nonexistent/generic.yaml"),
        "{}",
        report(&error)
    );
    let usual = Generic::new(&Env::default(), &Clock::system()).expect("nothing is asked yet");
    assert!(usual.match_images().is_empty());
    let asked = request("a.test/app", None);
    let plan = usual.plan(&asked);
    let error = plan.expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::NotConfigured);
    assert!(
        report(&error).contains("does not exist"),
        "{}",
        report(&error)
    );
}

#[test]
fn a_kubelet_has_to_send_one_token_for_each_audience() {
    let config = ConfigDir::new(
        "- {matchImages: [zot.test], audience: zot, passThrough: {username: u}}\n\
         - {matchImages: [zot.test/team-a/], audience: zot, quay: {server: q.test, robot: a+b}}\n\
         - {matchImages: [q.test], audience: q, quay: {server: q.test, robot: a+b}, fallback: {anonymous: true}}\n\
         - {matchImages: [h.test], static: {username: u, passwordFile: p}}\n",
    );
    let tokens = provider(&config).expect("sound").pod_tokens();
    let shown: Vec<_> = tokens
        .iter()
        .map(|t| {
            (
                t.audience.as_str(),
                t.match_images.join(" "),
                t.by_account,
                t.required,
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("zot", "zot.test zot.test/team-a/".to_owned(), false, true),
            ("q", "q.test".to_owned(), true, false),
        ]
    );
}
