//! Runs one program and writes down what it took: `bench-measure REPORT PROGRAM [ARG...]`.
//!
//! A process of its own, because the kernel counts a child's peak memory from its parent's size at
//! the start; this one is as small as a process gets.
#![expect(
    clippy::disallowed_methods,
    reason = "starting a program is all it is for"
)]

use std::io::{Error, ErrorKind};
use std::process::{Command, Stdio};
use std::time::Instant;

use wait4::Wait4 as _;

/// Writes one line to REPORT: wall time and CPU time in microseconds, peak memory in KiB, exit
/// code (-1 for a signal).
fn main() -> std::io::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let (Some(report), Some(program)) = (args.next(), args.next()) else {
        let usage = "bench-measure REPORT PROGRAM [ARG...]";
        return Err(Error::new(ErrorKind::InvalidInput, usage));
    };
    let mut command = Command::new(program);
    command.args(args).stdout(Stdio::null());
    let started = Instant::now();
    let mut child = command.spawn()?;
    let used = child.wait4()?;
    let wall = started.elapsed().as_micros();
    let cpu = (used.rusage.utime + used.rusage.stime).as_micros();
    let peak = used.rusage.maxrss / 1024;
    let code = used.status.code().unwrap_or(-1);
    std::fs::write(report, format!("{wall} {cpu} {peak} {code}\n"))
}
