//! Objects come in order of their times, and none twice at once.

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
}

fn key(namespace: &str) -> Key {
    Key::Secret(0, namespace.into())
}

fn seen(version: &str) -> Option<LastSeen> {
    Some(LastSeen {
        version: version.to_owned(),
        check_at: at(900),
        ..LastSeen::default()
    })
}

#[test]
fn objects_come_in_order_and_new_ones_first() {
    let mut schedule = Schedule::default();
    schedule.add(&key("b"), at(1));
    schedule.add(&key("a"), at(0));
    schedule.add(&key("c"), at(9));
    schedule.first(&key("new"));
    let order: Vec<_> = std::iter::from_fn(|| schedule.take(at(5)))
        .map(|(k, _)| k)
        .collect();
    assert_eq!(order, [key("new"), key("a"), key("b")]);
    assert_eq!(schedule.next(), Some(at(9)));
}

#[test]
fn what_comes_up_during_the_work_is_done_again() {
    let mut schedule = Schedule::default();
    schedule.add(&key("a"), at(0));
    schedule.take(at(0));
    schedule.first(&key("a"));
    assert!(schedule.take(at(99)).is_none(), "it is not processed twice");
    schedule.done(&key("a"), seen("1"), Some(at(500)), true);
    assert_eq!(schedule.take(at(1)).map(|(k, _)| k), Some(key("a")));
    schedule.done(&key("a"), seen("1"), Some(at(500)), true);
    assert_eq!(schedule.next(), Some(at(500)));
}

#[test]
fn our_own_writes_are_not_news() {
    let mut schedule = Schedule::default();
    schedule.add(&key("a"), at(0));
    schedule.take(at(0));
    schedule.noticed(&key("a"), "7");
    schedule.done(&key("a"), seen("7"), Some(at(500)), true);
    schedule.noticed(&key("a"), "7");
    assert_eq!(schedule.next(), Some(at(500)));
    schedule.noticed(&key("a"), "8");
    let (_, seen) = schedule.take(at(1)).expect("due at once");
    assert_eq!(seen.expect("seen").check_at, DateTime::UNIX_EPOCH);
}

#[test]
fn what_a_list_does_not_name_is_checked() {
    let config = crate::config::Config::parse(
        "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
         - {name: g, provider: gcr, hosts: [gcr.io]}\ntargets:\n- {name: t, secret: {name: s}}",
    );
    let env = regcred_core::Env::default();
    let plan = Plan::new(&config.expect("sound"), &regcred_providers::all(), &env);
    let plan = plan.expect("a plan");
    let mut schedule = Schedule::default();
    for name in ["told", "gone", "other", "running", "new"] {
        schedule.add(&key(name), at(0));
    }
    while let Some((taken, _)) = schedule.take(at(0)) {
        if taken != key("running") {
            schedule.done(&taken, seen("7"), Some(at(500)), true);
        }
    }
    schedule.noticed(&key("told"), "7");
    schedule.listed(&plan, None, "another");
    schedule.listed(&plan, Some("gone"), "s");
    assert_eq!(schedule.take(at(1)).map(|(k, _)| k), Some(key("gone")));
    assert!(schedule.take(at(1)).is_none());
    schedule.listed(&plan, None, "s");
    schedule.done(&key("gone"), seen("8"), Some(at(500)), true);
    schedule.done(&key("running"), seen("7"), Some(at(500)), true);
    let mut due = std::iter::from_fn(|| schedule.take(at(1)));
    let mut due: Vec<_> = due.by_ref().map(|(k, _)| k).collect();
    due.sort();
    assert_eq!(due, [key("gone"), key("new"), key("other"), key("running")]);
}

#[test]
fn what_is_gone_is_forgotten() {
    let mut schedule = Schedule::default();
    schedule.add(&key("a"), at(0));
    schedule.add(&key("b"), at(0));
    schedule.take(at(0));
    schedule.remove_namespace("a");
    schedule.remove_namespace("b");
    schedule.done(&key("a"), seen("1"), Some(at(5)), true);
    assert_eq!((schedule.len(), schedule.next()), (0, None));
}
