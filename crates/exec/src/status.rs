//! Exit statuses in the words of Go's `os.ProcessState`, which operators know from the kubelet.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// `exit status 3`, `signal: killed`, `signal: aborted (core dumped)`.
pub(crate) fn as_in_go(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else {
        return format!("exit status {}", status.code().unwrap_or(-1));
    };
    let name = match usize::try_from(signal).ok().and_then(|n| SIGNALS.get(n)) {
        Some(&name) if !name.is_empty() => name.to_owned(),
        _ => format!("signal {signal}"),
    };
    let core = if status.core_dumped() {
        " (core dumped)"
    } else {
        ""
    };
    format!("signal: {name}{core}")
}

/// By number on Linux.
const SIGNALS: [&str; 32] = [
    "",
    "hangup",
    "interrupt",
    "quit",
    "illegal instruction",
    "trace/breakpoint trap",
    "aborted",
    "bus error",
    "floating point exception",
    "killed",
    "user defined signal 1",
    "segmentation fault",
    "user defined signal 2",
    "broken pipe",
    "alarm clock",
    "terminated",
    "stack fault",
    "child exited",
    "continued",
    "stopped (signal)",
    "stopped",
    "stopped (tty input)",
    "stopped (tty output)",
    "urgent I/O condition",
    "CPU time limit exceeded",
    "file size limit exceeded",
    "virtual timer expired",
    "profiling timer expired",
    "window changed",
    "I/O possible",
    "power failure",
    "bad system call",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_read_as_in_go() {
        for (raw, text) in [
            (3 << 8, "exit status 3"),
            (9, "signal: killed"),
            (15, "signal: terminated"),
            (6 | 0x80, "signal: aborted (core dumped)"),
            (34, "signal: signal 34"),
        ] {
            assert_eq!(as_in_go(ExitStatus::from_raw(raw)), text);
        }
    }
}
