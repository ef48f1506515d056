//! A crash of a program that holds secrets leaves no core file.

use regcred_tests::Program;
use regcred_tests::program::built;

/// Whether the program leaves a file when it is aborted while it waits for its standard input.
fn leaves_a_core_file(program: &str) -> bool {
    let dir = tempfile::tempdir().expect("a directory");
    let done = Program::new("/bin/sh")
        .args(["-c", ABORT, program])
        .env("PATH", "/usr/bin:/bin")
        .current_dir(dir.path())
        .run();
    assert!(
        done.stdout().ends_with("134\n"),
        "{}{}",
        done.stdout(),
        done.stderr
    );
    let left = std::fs::read_dir(dir.path()).expect("the directory");
    left.count() > 1
}

/// Starts `$0` on a FIFO, waits until it has begun to wait, and aborts it.
const ABORT: &str = r#"
ulimit -c unlimited
mkfifo input
"$0" < input &
exec 3> input
until grep -q 'S (sleeping)' /proc/$!/status && ! grep -qx sh /proc/$!/comm; do sleep 0.01; done
kill -ABRT $!
wait $!
echo $?
"#;

#[test]
fn a_plugin_that_is_aborted_leaves_none_where_another_program_leaves_one() {
    let plugin = built("ecr-credential-provider").display().to_string();
    assert!(!leaves_a_core_file(&plugin));
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    // Elsewhere core files are not files of the directory: there the unit test of the switch counts.
    if pattern.trim() == "core" {
        assert!(leaves_a_core_file("/bin/cat"));
    }
}
