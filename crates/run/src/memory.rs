//! What a program that holds secrets keeps to itself, also when it crashes.

use std::io::{self, Write as _};
use std::panic::Location;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Keeps the process's memory out of core files, and from other processes of its user, and the message of
/// a panic from standard error: it may quote what the code worked on. A kernel without core files that can be
/// switched off is as before.
pub fn hide_secrets() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    std::panic::set_hook(Box::new(|panic| {
        let mut stderr = io::stderr();
        let _ = writeln!(stderr, "{}", panicked(panic.location()));
    }));
}

fn panicked(place: Option<&Location<'_>>) -> String {
    let place = place.map_or_else(String::new, |place| format!(" at {place}"));
    format!("a panic{place}, which is a bug; report it with the program's version")
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn a_process_that_hides_its_secrets_leaves_no_core_file_and_a_panic_has_its_place_only() {
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::Dumpable));
        let of_tests = std::panic::take_hook();
        hide_secrets();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        std::panic::set_hook(of_tests);
        let line = panicked(Some(Location::caller()));
        let (start, rest) = line.split_once(file!()).expect("the file");
        assert_eq!(start, "a panic at ");
        assert!(
            rest.ends_with(", which is a bug; report it with the program's version"),
            "{rest}"
        );
    }
}
