//! A kubelet that starts one process for each image: one call of the API, whatever happens to the
//! API and to the processes.

use std::time::Duration;

use regcred_tests::ecr::Failure;
use regcred_tests::program::Running;
use regcred_tests::{FakeEc2Metadata, FakeEcr, Finished, Program, until};

use super::{ACCOUNT, Account, CachePlace, HOST, PLUGIN, password, request};

#[test]
fn two_hundred_images_are_one_call_and_then_none() {
    let metadata = FakeEc2Metadata::start("us-east-1");
    let ecr = FakeEcr::start(ACCOUNT, &[metadata.access_key().clone()]);
    let cache = CachePlace::new();
    let node = Program::ours(PLUGIN)
        .envs(metadata.env())
        .envs(ecr.env())
        .env("REGCRED_CACHE", cache.path());
    let cold = finish(start(&node, 200));
    assert_eq!(ecr.server().count("/"), 1, "calls of the API, cold");
    assert_eq!(metadata.credentials_requests(), 1, "identities, cold");
    let warm = finish(start(&node, 200));
    assert_eq!(ecr.server().count("/"), 1, "calls of the API, warm");
    assert_eq!(metadata.credentials_requests(), 1, "identities, warm");

    let mut passwords: Vec<_> = cold.iter().chain(&warm).map(password).collect();
    assert_eq!(passwords.len(), 400);
    passwords.dedup();
    assert_eq!(passwords.len(), 1, "all got the same token");
    assert!(cold.iter().chain(&warm).all(|done| done.stderr.is_empty()));
    assert_eq!(cache.entries().len(), 1);

    // It is the cache that does it: without it each asks for itself.
    let alone = finish(start(&node.env("REGCRED_CACHE", "off"), 20));
    assert!(alone.iter().all(|done| password(done) != passwords[0]));
    assert_eq!(ecr.server().count("/"), 21);
}

#[test]
fn those_who_wait_for_a_failing_call_share_its_failure() {
    for failure in [
        Failure::Throttle,
        Failure::TooManyRequests,
        Failure::ServerError,
        Failure::Close,
    ] {
        let account = Account::new();
        account.ecr.fail(failure, usize::MAX);
        let cache = CachePlace::new();
        let node = account.plugin().env("REGCRED_CACHE", cache.path());
        // The call fails after all the others have queued for the lock.
        let gate = account.ecr.hold();
        let mut all = start(&node, 1);
        until("the first call", || account.calls() == 1);
        all.extend(start(&node, 49));
        until("a line of 49", || {
            all[1..].iter().all(Running::waits_for_a_lock)
        });
        gate.open();
        let all = finish(all);
        for done in &all {
            let said = done.fails(7);
            assert!(said.contains(&account.ecr.server().url()), "{said}");
            assert!(done.elapsed < DEADLINE, "{:?}", done.elapsed);
        }
        let shared = "(reported by another process that requested the same credential)";
        let shared = all.iter().filter(|d| d.stderr.contains(shared)).count();
        let asked = 50 - shared;
        assert!(shared > 25, "{failure:?}: {asked} of 50 asked themselves");
        assert_eq!(
            account.calls(),
            4 * asked,
            "{failure:?}: four attempts each"
        );
        assert!(cache.entries().is_empty(), "a failure was kept");
        assert!(cache.files(".tmp").is_empty(), "something half written");

        // Errors are not cached: a later process asks again.
        account.ecr.fail(failure, 2);
        let _ = password(&node.stdin(request(HOST)).run());
        assert_eq!(cache.entries().len(), 1);
    }
}

#[test]
fn a_valid_token_is_served_while_the_api_is_down() {
    for failure in [
        Failure::Throttle,
        Failure::TooManyRequests,
        Failure::ServerError,
        Failure::Close,
        Failure::Denied,
        Failure::Garbage,
    ] {
        let (account, cache, first) = with_old_entry();
        account.ecr.fail(failure, usize::MAX);
        let node = account.plugin().env("REGCRED_CACHE", cache.path());
        let calls = account.calls();
        let all = finish(start(&node, 20));
        for done in &all {
            assert_eq!(password(done), first, "{failure:?}");
        }
        let told = |done: &&Finished| done.stderr.contains("refresh failed, serving");
        assert_eq!(
            all.iter().filter(told).count(),
            1,
            "one tried and logged it"
        );
        let attempts = account.calls() - calls;
        assert!((1..=4).contains(&attempts), "{failure:?}: {attempts}");

        // The API is back, and a while later it is asked again; the old entry is replaced.
        account.ecr.fail(failure, 0);
        let lock = &cache.files(".lock")[0];
        std::fs::write(lock, "").expect("the note of the failed refresh");
        let renewed = password(&node.stdin(request(HOST)).run());
        assert_ne!(renewed, first);
        assert_eq!(cache.entries().len(), 1);
    }
}

/// The longest test of all: it lasts as long as the SDK waits for an answer, four times over.
#[test]
fn a_hanging_api_holds_nobody_beyond_the_deadline() {
    let (account, cache, first) = with_old_entry();
    account.ecr.fail(Failure::Hang, usize::MAX);
    let node = account.plugin().env("REGCRED_CACHE", cache.path());
    let refresh = start(&node, 10);

    let nowhere = Account::new();
    nowhere.ecr.fail(Failure::Hang, usize::MAX);
    let empty = CachePlace::new();
    let node = nowhere.plugin().env("REGCRED_CACHE", empty.path());
    let cold = start(&node, 10);

    for done in finish(refresh) {
        assert_eq!(password(&done), first);
        assert!(done.elapsed < DEADLINE, "{:?}", done.elapsed);
    }
    for done in finish(cold) {
        let said = done.fails(7);
        assert!(said.contains(&nowhere.ecr.server().url()), "{said}");
        assert!(done.elapsed < DEADLINE, "{:?}", done.elapsed);
    }
    assert_eq!(nowhere.calls(), 4, "one asked for all");
    assert!(empty.entries().is_empty() && empty.files(".tmp").is_empty());
}

#[test]
fn a_killed_process_never_blocks_the_others() {
    let account = Account::new();
    // From before it takes the lock to after it has answered.
    for moment in ["its start", "its lock", "its call", "its entry"].repeat(4) {
        let cache = CachePlace::new();
        let node = account.plugin().env("REGCRED_CACHE", cache.path());
        let calls = account.calls();
        let mut victim = node.clone().stdin(request(HOST)).start();
        until(moment, || match moment {
            "its lock" => !cache.files(".lock").is_empty(),
            "its call" => account.calls() > calls,
            "its entry" => !cache.entries().is_empty(),
            _ => true,
        });
        let others = start(&node, 4);
        victim.kill();
        for done in finish(others) {
            let _ = password(&done);
            assert!(done.elapsed < DEADLINE, "{:?}", done.elapsed);
        }
        let calls = account.calls() - calls;
        assert!(
            calls <= 3,
            "killed after {moment}: its own and {calls} more"
        );
        assert_eq!(cache.entries().len(), 1, "killed after {moment}");
        let _ = victim.finish();
    }
}

#[test]
fn the_next_one_fetches_when_the_one_that_fetches_is_killed() {
    let account = Account::new();
    for round in 1..=5 {
        let cache = CachePlace::new();
        let node = account.plugin().env("REGCRED_CACHE", cache.path());
        account.ecr.fail(Failure::Hang, 1);
        let calls = account.calls();
        let mut victim = node.clone().stdin(request(HOST)).start();
        // It holds the lock and waits for the API.
        until("its call", || account.calls() > calls);
        assert!(!victim.has_ended());
        let mut others = start(&node, 10);
        // Killed with some of them in line behind it, in the last round with all.
        until("a line", || {
            let in_line = others.iter().filter(|other| other.waits_for_a_lock());
            in_line.count() >= 2 * round
        });
        assert!(others.iter_mut().all(|other| !other.has_ended()));
        victim.kill();
        assert_eq!(victim.finish().signal(), Some(9));
        for done in finish(others) {
            let _ = password(&done);
            assert!(done.elapsed < DEADLINE, "{:?}", done.elapsed);
        }
        assert_eq!(account.calls() - calls, 2, "the killed one's and one more");
        assert_eq!(cache.entries().len(), 1);
    }
}

#[test]
fn any_of_many_may_be_killed_at_any_moment() {
    let account = Account::new();
    let cache = CachePlace::new();
    let node = account.plugin().env("REGCRED_CACHE", cache.path());
    // No process has its answer before all of these are killed.
    account.ecr.fail(Failure::Hang, usize::MAX);
    let mut all = start(&node, 1);
    until("the first call", || account.calls() > 0);
    assert!(!all[0].has_ended());
    all.extend(start(&node, 39));
    // Every other one, in an order that has nothing to do with the start's.
    for turn in 0..20 {
        let victim = &mut all[(turn * 22 + 14) % 40];
        victim.kill();
        until("its end", || victim.has_ended());
    }
    account.ecr.fail(Failure::Hang, 0);
    let (killed, alive): (Vec<_>, Vec<_>) =
        finish(all).into_iter().partition(|d| d.signal().is_some());
    assert_eq!((killed.len(), alive.len()), (20, 20));
    for done in &alive {
        assert!(account.ecr.logins().accepts("AWS", &password(done)));
        // At worst the one that was asking had to wait for its first attempt's end.
        assert!(done.elapsed < DEADLINE, "{:?}", done.elapsed);
    }
    assert_eq!(cache.entries().len(), 1);
    // The API may have answered one that was dead by then as well.
    let mut passwords: Vec<_> = alive.iter().map(password).collect();
    passwords.dedup();
    assert_eq!(passwords.len(), 1, "one token for all who live");
}

/// An account, and a cache with an entry that is to be renewed and good for hours; its password.
fn with_old_entry() -> (Account, CachePlace, String) {
    let account = Account::new();
    let cache = CachePlace::new();
    let node = account.plugin().env("REGCRED_CACHE", cache.path());
    let first = password(&node.stdin(request(HOST)).run());
    cache.age();
    (account, cache, first)
}

/// So many processes at once, each for another image of the registry.
fn start(node: &Program, count: usize) -> Vec<Running> {
    let of = |n| {
        node.clone()
            .stdin(request(&format!("{HOST}/team/app{n}:v1")))
    };
    (0..count).map(|n| of(n).start()).collect()
}

fn finish(all: Vec<Running>) -> Vec<Finished> {
    all.into_iter().map(Running::finish).collect()
}

/// What every plugin run keeps to, whatever it waits for.
const DEADLINE: Duration = Duration::from_secs(50);
