//! Waiting for an event. A test never waits for a time and hopes.

use std::time::{Duration, Instant};

/// Waits until it has happened.
///
/// # Panics
/// When it has not within two minutes, which is far longer than anything takes on a loaded machine.
#[track_caller]
pub fn until(what: &str, mut happened: impl FnMut() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < PATIENCE, "this never came: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

const PATIENCE: Duration = Duration::from_secs(120);
