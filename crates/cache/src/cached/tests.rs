//! What is served, fetched and kept.

mod sharing;
mod sweep;
mod world;

use std::fs;

use chrono::TimeDelta;
use regcred_core::ErrorKind;

use super::*;
use world::{Step, World, password, request};

#[tokio::test]
async fn an_answer_is_fetched_once_and_served_for_half_of_its_life() {
    let world = World::new([]);
    for second in [0, 1, 1799] {
        let issued = world.at(second).ask().await.unwrap();
        assert_eq!(password(&issued), "canary-1");
        assert_eq!(
            issued.expires_at.expect("kept"),
            world.at(0).clock().now() + TimeDelta::hours(1)
        );
    }
    assert_eq!(world.calls(), 1);
    assert_eq!(password(&world.at(1800).ask().await.unwrap()), "canary-2");
    assert_eq!(password(&world.at(1801).ask().await.unwrap()), "canary-2");
    assert_eq!(world.calls(), 2);
}

#[test]
fn a_fresh_answer_is_served_without_a_runtime() {
    let world = World::new([]);
    let (process, request) = (world.process(), request());
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().unwrap();
    let fetched = || match process.stored_or_plan(&request).unwrap() {
        StoredOrPlan::Stored(issued) => panic!("{issued:?} is stored"),
        StoredOrPlan::Plan(plan) => runtime.block_on(plan.fetch()).unwrap(),
    };
    assert_eq!(password(&fetched()), "canary-1");
    match process.stored_or_plan(&request).unwrap() {
        StoredOrPlan::Stored(issued) => assert_eq!(password(&issued), "canary-1"),
        StoredOrPlan::Plan(_) => panic!("a fresh answer is planned"),
    }
    world.at(1800);
    assert_eq!(password(&fetched()), "canary-2");
}

#[tokio::test]
async fn other_keys_are_other_answers() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let other = Cached::new(
        world.fake(Some("another role"), Duration::ZERO),
        Some(world.dir()),
        world.clock(),
    );
    let issued = other.credentials(&request()).await.unwrap();
    assert_eq!(password(&issued), "canary-2");
}

#[tokio::test]
async fn without_key_expiry_or_directory_nothing_is_kept() {
    let world = World::new([]);
    let unkeyed = |dir| Cached::new(world.fake(None, Duration::ZERO), dir, world.clock());
    unkeyed(Some(world.dir()))
        .credentials(&request())
        .await
        .unwrap();
    unkeyed(None).credentials(&request()).await.unwrap();
    world.steps.lock().unwrap().push_back(Step::EndUnknown);
    world.ask().await.unwrap();
    assert_eq!(world.calls(), 3);
    assert!(world.dir().list().is_empty());
}

#[tokio::test]
async fn a_host_that_is_not_served_is_not_answered_from_the_cache() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let elsewhere = CredentialRequest::new("evil.io/app").expect("an image");
    let issued = world.process().credentials(&elsewhere).await.unwrap();
    assert_eq!(password(&issued), "canary-2", "the provider itself decided");
}

#[tokio::test]
async fn errors_are_not_kept() {
    let world = World::new([Step::Fail(ErrorKind::Denied)]);
    assert_eq!(
        world.ask().await.unwrap_err().kind(),
        ErrorKind::Denied,
        "the first fails"
    );
    assert_eq!(password(&world.ask().await.unwrap()), "canary-2");
}

#[tokio::test]
async fn a_valid_entry_outlives_a_failing_api_but_not_its_expiry() {
    let fail = || Step::Fail(ErrorKind::Unreachable);
    let world = World::new([Step::Life(3600), fail(), fail(), fail()]);
    world.ask().await.unwrap();
    assert_eq!(password(&world.at(2000).ask().await.unwrap()), "canary-1");
    assert_eq!(world.calls(), 2, "a refresh was tried");
    assert_eq!(password(&world.at(2010).ask().await.unwrap()), "canary-1");
    assert_eq!(world.calls(), 2, "and not again at once");
    assert_eq!(password(&world.at(2031).ask().await.unwrap()), "canary-1");
    assert_eq!(world.calls(), 3, "but later");
    assert_eq!(
        world.at(3540).ask().await.unwrap_err().kind(),
        ErrorKind::Unreachable
    );
}

#[tokio::test]
async fn a_hanging_refresh_gives_way_to_the_valid_entry() {
    let world = World::new([Step::Life(3600), Step::Hang]);
    world.ask().await.unwrap();
    world.at(2000);
    let process = world
        .process()
        .with_refresh_limit(Duration::from_millis(20));
    let issued = process.credentials(&request()).await.unwrap();
    assert_eq!(password(&issued), "canary-1");
}

#[tokio::test]
async fn only_one_process_refreshes_and_the_others_do_not_wait() {
    let world = World::new([Step::Life(3600), Step::Hang]);
    world.ask().await.unwrap();
    world.at(2000);
    let hanging = world.process();
    let request = request();
    tokio::select! {
        biased;
        _ = hanging.credentials(&request) => panic!("it hangs"),
        issued = world.ask() => assert_eq!(password(&issued.unwrap()), "canary-1"),
    }
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn a_clock_that_jumped_back_makes_an_entry_stale() {
    let world = World::new([]);
    world.ask().await.unwrap();
    assert_eq!(password(&world.at(-10).ask().await.unwrap()), "canary-2");
}

#[tokio::test]
async fn broken_entries_are_replaced() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let sound = fs::read(world.file(".json")).unwrap();
    let broken: [&[u8]; 4] = [b"", b"{", &sound[..sound.len() / 2], &[b' '; 300_000]];
    for (already, bytes) in (1..).zip(broken) {
        fs::write(world.file(".json"), bytes).unwrap();
        assert_eq!(world.calls(), already);
        world.ask().await.unwrap();
        world.ask().await.unwrap();
        assert_eq!(world.calls(), already + 1);
    }
}

#[tokio::test]
async fn an_entry_of_another_key_is_not_served_under_this_name() {
    let world = World::new([]);
    world.ask().await.unwrap();
    let text = fs::read_to_string(world.file(".json")).unwrap();
    let at = text.find(r#""key":""#).expect("a key") + 7;
    let moved = format!("{}{}{}", &text[..at], "0".repeat(64), &text[at + 64..]);
    fs::write(world.file(".json"), moved).unwrap();
    world.ask().await.unwrap();
    assert_eq!(world.calls(), 2);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_is_not_an_error() {
    let world = World::new([]);
    let process = world.process();
    fs::remove_dir_all(&world.path).unwrap();
    process.credentials(&request()).await.unwrap();
    process.credentials(&request()).await.unwrap();
    assert_eq!(world.calls(), 2);
}
