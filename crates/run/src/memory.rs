//! The memory of a program that holds secrets.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Keeps the process's memory out of core files, and from other processes of its user. A failure is
/// ignored: a kernel without this is as before.
pub fn hide_memory() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    #[test]
    fn a_process_that_hides_its_memory_leaves_no_core_file() {
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::Dumpable));
        hide_memory();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
