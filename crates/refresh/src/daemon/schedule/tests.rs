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
    schedule.first(&key("new"), at(5));
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
    schedule.first(&key("a"), at(0));
    assert!(schedule.take(at(99)).is_none(), "it is not processed twice");
    schedule.done(&key("a"), seen("1"), Some(at(500)), true, at(1));
    assert_eq!(schedule.take(at(1)).map(|(k, _)| k), Some(key("a")));
    schedule.done(&key("a"), seen("1"), Some(at(500)), true, at(1));
    assert_eq!(schedule.next(), Some(at(500)));
}

#[test]
fn our_own_writes_are_not_news() {
    let mut schedule = Schedule::default();
    schedule.add(&key("a"), at(0));
    schedule.take(at(0));
    schedule.noticed(&key("a"), "7", at(1));
    schedule.done(&key("a"), seen("7"), Some(at(500)), true, at(1));
    schedule.noticed(&key("a"), "7", at(1));
    assert_eq!(schedule.next(), Some(at(500)));
    schedule.noticed(&key("a"), "8", at(1));
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
            schedule.done(&taken, seen("7"), Some(at(500)), true, at(1));
        }
    }
    schedule.noticed(&key("told"), "7", at(1));
    schedule.listed(&plan, (None, "another"), at(1));
    schedule.listed(&plan, (Some("gone"), "s"), at(1));
    assert_eq!(schedule.take(at(1)).map(|(k, _)| k), Some(key("gone")));
    assert!(schedule.take(at(1)).is_none());
    schedule.listed(&plan, (None, "s"), at(1));
    schedule.done(&key("gone"), seen("8"), Some(at(500)), true, at(1));
    schedule.done(&key("running"), seen("7"), Some(at(500)), true, at(1));
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
    schedule.done(&key("a"), seen("1"), Some(at(5)), true, at(1));
    assert_eq!((schedule.len(), schedule.next()), (0, None));
}

#[test]
fn one_that_is_edited_without_pause_leaves_the_front_to_the_others() {
    let mut schedule = Schedule::default();
    let mut now = at(0);
    let mut front = 0;
    // An edit each second, and each is served if it is its turn.
    for second in 0..600 {
        now = at(second);
        schedule.first(&key("a"), now);
        while let Some((taken, _)) = schedule.take(now) {
            front += 1;
            // Edited again during the work.
            schedule.first(&taken, now);
            schedule.done(&taken, seen("1"), Some(at(9000)), true, now);
        }
    }
    assert!((10..=10 + 600 / 20 + 1).contains(&front), "{front}");
    // Then it waits for what has been due for longer.
    schedule.first(&key("a"), now);
    schedule.add(&key("b"), at(590));
    let later = at(700);
    schedule.first(&key("c"), later);
    let order = std::iter::from_fn(|| schedule.take(later)).map(|(k, _)| k);
    assert_eq!(order.collect::<Vec<_>>(), [key("c"), key("b"), key("a")]);
    // After a rest its edits count at once again, also where the clock was set back.
    schedule.done(&key("a"), seen("1"), Some(at(9000)), true, later);
    for rested in [at(1000), at(-9000)] {
        schedule.first(&key("a"), rested);
        let (taken, _) = schedule.take(rested + EACH).expect("due");
        schedule.done(&taken, seen("1"), Some(at(9000)), true, rested);
    }
}

#[test]
fn edits_while_an_object_waits_make_its_wait_no_longer() {
    let mut schedule = Schedule::default();
    for _ in 0..1000 {
        schedule.first(&key("a"), at(0));
    }
    assert!(schedule.take(at(0)).is_some());
    schedule.done(&key("a"), seen("1"), Some(at(9000)), true, at(0));
    schedule.first(&key("a"), at(0));
    assert!(
        schedule.take(at(0)).is_some(),
        "the first took one turn alone"
    );
}

#[test]
fn one_that_is_new_comes_before_those_that_were_at_the_front_already() {
    let mut schedule = Schedule::default();
    for round in 0..3 {
        for name in ["a", "b"] {
            schedule.first(&key(name), at(round));
        }
        for _ in 0..2 {
            let (taken, _) = schedule.take(at(round)).expect("due");
            schedule.done(&taken, seen("1"), Some(at(9000)), true, at(round));
        }
    }
    for name in ["a", "b", "new"] {
        schedule.first(&key(name), at(3));
    }
    let order = std::iter::from_fn(|| schedule.take(at(3))).map(|(k, _)| k);
    assert_eq!(order.collect::<Vec<_>>(), [key("new"), key("a"), key("b")]);
}
