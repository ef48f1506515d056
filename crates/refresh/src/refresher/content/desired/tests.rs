use chrono::DateTime;
use regcred_core::{Credentials, Env};

use super::*;
use crate::config::Config;
use crate::names::{INPUTS, REGISTRIES};
use crate::refresher::content::Fingerprint;

fn plan() -> Plan {
    let config = Config::parse(
        "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
         - {name: one, provider: gcr, hosts: [gcr.io, eu.gcr.io]}\n\
         - {name: two, provider: icr, hosts: [icr.io]}\n\
         targets: [{name: t, secret: {name: pull}}]\n",
    );
    let env = Env::map([("REGCRED_CACHE", "off")]);
    Plan::new(&config.expect("sound"), &regcred_providers::all(), &env).expect("a plan")
}

fn life(hours: i64) -> Life {
    let issued = DateTime::from_timestamp(1_800_000_000 + hours * 3600, 0).expect("a time");
    Life {
        issued,
        expires: Some(issued + chrono::TimeDelta::hours(12)),
    }
}

fn token(hosts: &[&str], password: &str, hours: i64) -> Part {
    let login = |host: &&str| ((*host).to_owned(), Credentials::new("u", password));
    Part::Token(Arc::new(Token {
        logins: hosts.iter().map(login).collect(),
        life: life(hours),
    }))
}

fn existing(desired: &Desired) -> StoredSecret {
    StoredSecret {
        content: desired.content.clone(),
        ..StoredSecret::default()
    }
}

#[test]
fn what_was_written_is_recognised_and_its_times_are_read_back() {
    let plan = plan();
    let secret = &plan.secrets[0];
    let parts = [
        (0, token(&["gcr.io", "eu.gcr.io"], "p", 0)),
        (1, token(&["icr.io"], "q", 3)),
    ];
    let desired = Desired::compose(&plan, secret, &secret.inputs, &parts, None).expect("entries");
    assert_eq!(desired.hosts, ["eu.gcr.io", "gcr.io", "icr.io"]);
    assert_eq!(desired.lives.expires(), life(0).expires);
    let held = existing(&desired);
    assert!(held.content.holds(&desired.content) && held.is_ours());
    let fingerprint = |content| Fingerprint::of(content, secret);
    assert_eq!(fingerprint(&held.content), fingerprint(&desired.content));
    assert_eq!(
        held.life_of(&plan, secret, &secret.inputs, 1),
        Some(life(3))
    );
    // Kept as it is, it is the same text.
    let kept = [(0, Part::Kept(life(0))), (1, Part::Kept(life(3)))];
    let again =
        Desired::compose(&plan, secret, &secret.inputs, &kept, Some(&held)).expect("entries");
    assert!(held.content.holds(&again.content));
    for (key, value) in &desired.content.annotations {
        assert!(!value.contains("cA=="), "{key}: {value}");
    }
}

#[test]
fn unreadable_or_foreign_times_count_as_none() {
    let plan = plan();
    let secret = &plan.secrets[0];
    let parts = [(0, token(&["gcr.io", "eu.gcr.io"], "p", 0))];
    let desired = Desired::compose(&plan, secret, &secret.inputs, &parts, None).expect("entries");
    let good = existing(&desired);
    assert!(good.life_of(&plan, secret, &secret.inputs, 0).is_some());
    assert!(
        good.life_of(&plan, secret, &secret.inputs, 1).is_none(),
        "its host is not there"
    );
    let mut other = good.clone();
    other
        .content
        .annotations
        .insert(INPUTS.to_owned(), "x".to_owned());
    let mut broken = good.clone();
    broken
        .content
        .annotations
        .insert(REGISTRIES.to_owned(), "{".to_owned());
    let mut emptied = good;
    emptied.content.text = Some("{\"auths\":{}}".into());
    for bad in [other, broken, emptied] {
        assert!(bad.life_of(&plan, secret, &secret.inputs, 0).is_none());
    }
}

#[test]
fn a_failing_registry_loses_nothing_and_nothing_is_written_empty() {
    let plan = plan();
    let secret = &plan.secrets[0];
    assert!(
        Desired::compose(
            &plan,
            secret,
            &secret.inputs,
            &[(0, Part::Leftover), (1, Part::Leftover)],
            None
        )
        .is_none()
    );
    let both = [
        (0, token(&["gcr.io", "eu.gcr.io"], "p", 0)),
        (1, token(&["icr.io"], "q", 0)),
    ];
    let held =
        existing(&Desired::compose(&plan, secret, &secret.inputs, &both, None).expect("entries"));
    let half = [
        (0, token(&["gcr.io", "eu.gcr.io"], "new", 7)),
        (1, Part::Leftover),
    ];
    let after =
        Desired::compose(&plan, secret, &secret.inputs, &half, Some(&held)).expect("entries");
    assert_eq!(after.hosts.len(), 3);
    assert!(after.content.exposed_text().contains("\"password\":\"q\""));
    assert!(after.lives.of(1).is_none(), "its age is unknown");
    let dropped = [(0, Part::Dropped), (1, Part::Dropped)];
    let empty =
        Desired::compose(&plan, secret, &secret.inputs, &dropped, Some(&held)).expect("on purpose");
    assert_eq!(empty.content.exposed_text(), "{\"auths\":{}}");
}

#[test]
fn large_secrets_name_the_login_once() {
    let plan = plan();
    let secret = &plan.secrets[0];
    let long = "x".repeat(150_000);
    let parts = [
        (0, token(&["gcr.io", "eu.gcr.io"], &long, 0)),
        (1, token(&["icr.io"], "q", 0)),
    ];
    let desired = Desired::compose(&plan, secret, &secret.inputs, &parts, None).expect("entries");
    assert!(desired.fits());
    assert!(!desired.content.exposed_text().contains("password"));
    let parts = [(0, token(&["gcr.io", "eu.gcr.io"], &long.repeat(3), 0))];
    assert!(
        !Desired::compose(&plan, secret, &secret.inputs, &parts, None)
            .expect("entries")
            .fits()
    );
}
