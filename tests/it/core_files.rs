//! A crash of a program that holds secrets leaves no core file.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use regcred_tests::program::built;

/// Whether the program, which waits for its standard input, dumps its memory when it is aborted.
fn dumps(program: &str) -> bool {
    let dir = tempfile::tempdir().expect("a directory");
    let mut child = Command::new("/bin/sh")
        .args(["-c", "ulimit -c unlimited; exec $0", program])
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("a shell");
    let id = child.id().to_string();
    while !waits(&id, program) {
        assert_eq!(child.try_wait().expect("a child"), None, "{program}");
        sleep(Duration::from_millis(5));
    }
    let aborted = Command::new("/bin/kill").args(["-ABRT", &id]).status();
    assert!(aborted.expect("kill").success());
    child.wait().expect("its end").core_dumped()
}

/// Whether the process has become the program, and sleeps: it has begun to wait for its input.
fn waits(id: &str, program: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let file = program.rsplit('/').next().unwrap_or_default();
    let name = &file[..file.len().min(15)];
    stat.contains(&format!("({name}) S "))
}

/// Whether a core file is a file of the process's directory.
fn writes_core_files() -> bool {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    pattern.trim() == "core"
}

#[test]
fn a_plugin_that_is_aborted_leaves_none_where_another_program_leaves_one() {
    let plugin = built("ecr-credential-provider").display().to_string();
    assert!(!dumps(&plugin));
    // Where even this leaves none, the machine writes no core files, and the unit test of the switch counts.
    let control = dumps("/bin/cat");
    assert!(control || !writes_core_files());
}
