//! Runs a program, so many copies of it at once, and writes down what they took:
//! `bench-measure REPORT COPIES PROGRAM [ARG...]`. Each copy gets the whole of standard input.
//!
//! A process of its own, because the kernel counts a child's peak memory from its parent's size at
//! the start; this one is as small as a process gets.
#![expect(
    clippy::disallowed_methods,
    reason = "starting a program is all it is for"
)]

use std::io::{Error, ErrorKind, Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4 as _;

/// Writes one line to REPORT: wall time from the first start to the last end and CPU time of all in
/// microseconds, the largest peak of memory in KiB, the first exit code that is not 0 (-1 for a signal).
fn main() -> std::io::Result<()> {
    let mut args = std::env::args_os().skip(1);
    let (Some(report), Some(copies), Some(program)) = (args.next(), args.next(), args.next())
    else {
        return Err(usage());
    };
    let copies = copies.to_str().and_then(|copies| copies.parse().ok());
    let copies: usize = copies.ok_or_else(usage)?;
    let mut input = Vec::new();
    std::io::stdin().read_to_end(&mut input)?;
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::null());
    let started = Instant::now();
    let mut running = Vec::with_capacity(copies);
    for _ in 0..copies {
        running.push(start(&mut command, &input)?);
    }
    let (mut cpu, mut peak, mut code) = (Duration::ZERO, 0, 0);
    for child in &mut running {
        let used = child.wait4()?;
        cpu += used.rusage.utime + used.rusage.stime;
        peak = peak.max(used.rusage.maxrss / 1024);
        if code == 0 {
            code = used.status.code().unwrap_or(-1);
        }
    }
    let (wall, cpu) = (started.elapsed().as_micros(), cpu.as_micros());
    std::fs::write(report, format!("{wall} {cpu} {peak} {code}\n"))
}

/// Starts one copy. Its input fits into the pipe; a program need not read it.
fn start(command: &mut Command, input: &[u8]) -> std::io::Result<Child> {
    let mut child = command.spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(input);
    }
    Ok(child)
}

fn usage() -> Error {
    let usage = "bench-measure REPORT COPIES PROGRAM [ARG...]";
    Error::new(ErrorKind::InvalidInput, usage)
}
