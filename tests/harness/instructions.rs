//! Counts the instructions of a run, which hardly depend on what else the machine does.

use crate::Program;
use crate::need::find;

/// How many instructions a run of the program executes, all its threads together; `None` where valgrind is
/// not installed, and after a run that fails.
#[must_use]
pub fn instructions(program: Program) -> Option<u64> {
    let counter = find("valgrind")?;
    let args = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
    let done = program.under(counter, args).run();
    let (_, count) = done.stderr.split_once("Collected : ")?;
    let count = count.lines().next()?.trim().parse().ok()?;
    (done.code() == Some(0)).then_some(count)
}
