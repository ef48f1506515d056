//! Users who ask at the same time.

use std::sync::Barrier;

use regcred_core::ErrorKind;

use super::super::*;
use super::world::{Step, World, password, request};

/// Starts so many users at once, each with its own runtime and its own open files, as processes
/// have them.
fn stampede(world: &World, users: usize, delay: Duration) -> Vec<Result<Issued, ProviderError>> {
    let barrier = Barrier::new(users);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..users)
            .map(|_| {
                scope.spawn(|| {
                    let process = world.slow_process(delay);
                    let runtime = tokio::runtime::Builder::new_current_thread()
                        .enable_all()
                        .build()
                        .unwrap();
                    barrier.wait();
                    runtime.block_on(process.credentials(&request()))
                })
            })
            .collect();
        started.into_iter().map(|s| s.join().unwrap()).collect()
    })
}

#[test]
fn fifty_at_once_make_one_fetch() {
    let world = World::new([]);
    let answers = stampede(&world, 50, Duration::from_millis(50));
    assert!(
        answers
            .iter()
            .all(|a| password(a.as_ref().unwrap()) == "canary-1")
    );
    assert_eq!(world.calls(), 1);
}

#[test]
fn those_who_waited_for_a_failure_share_it() {
    let world = World::new([Step::FailBefore(49, ErrorKind::Throttled)]);
    let answers = stampede(&world, 50, Duration::ZERO);
    assert!(
        answers
            .iter()
            .all(|a| a.as_ref().unwrap_err().kind() == ErrorKind::Throttled)
    );
    assert_eq!(world.calls(), 1);
}

#[tokio::test]
async fn when_the_holder_dies_the_next_one_fetches() {
    let world = World::new([Step::Hang]);
    let dying = world.process();
    let waiting = world.process();
    let asked = request();
    {
        let dying = Box::pin(dying.credentials(&asked));
        let started = timeout(Duration::from_millis(10), dying).await;
        assert!(started.is_err(), "it held the lock until it was dropped");
    }
    assert_eq!(
        password(&waiting.credentials(&asked).await.unwrap()),
        "canary-2"
    );
}

#[tokio::test]
async fn a_holder_that_never_ends_is_not_waited_for_for_ever() {
    let world = World::new([Step::Hang]);
    let stuck = world.process();
    let waiting = world.process().with_wait(Duration::from_millis(20));
    let asked = request();
    tokio::select! {
        biased;
        _ = stuck.credentials(&asked) => panic!("it hangs"),
        issued = waiting.credentials(&asked) => {
            assert_eq!(password(&issued.unwrap()), "canary-2");
        }
    }
    assert_eq!(password(&world.ask().await.unwrap()), "canary-2");
}
