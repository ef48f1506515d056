use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A directory for scripts; it must outlive them.
struct Scripts(TempDir);

impl Scripts {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, body: &str) -> Exec {
        let path = self.path("script");
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
        Exec::new(path)
    }
}

async fn run(body: &str) -> Result<Output, ExecError> {
    let scripts = Scripts::new();
    scripts.write(body).run().await
}

#[tokio::test]
async fn the_output_of_a_failed_run_is_kept_where_that_is_wanted() {
    let scripts = Scripts::new();
    let exec = scripts.write("echo not found; exit 1").keep_failed();
    let output = exec.run().await.expect("an output");
    assert_eq!(output.stdout.as_slice(), b"not found\n");
    assert_eq!(output.failed.as_deref(), Some("exit status 1"));
    let output = run("true").await.expect("an output");
    assert_eq!(output.failed, None);
}

/// Whether the process with the number in the file is still there.
fn is_alive(pid_file: &Path) -> bool {
    let pid = fs::read_to_string(pid_file).expect("number of the process");
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    // A zombie that is not reaped yet counts as gone.
    stat.is_ok_and(|s| !s.contains(") Z"))
}

/// Waits by the real clock, whatever the time of the test's own.
fn gone(pid_file: &Path) {
    let began = std::time::Instant::now();
    while is_alive(pid_file) {
        assert!(began.elapsed() < LIMIT, "the process survived");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn input_arguments_and_environment_reach_the_program() {
    let scripts = Scripts::new();
    let exec = scripts
        .write(r#"echo "$1 $A $PWD"; echo noise >&2; cat"#)
        .args(["one two"])
        .env("A", "first")
        .env("A", "last")
        .current_dir("/")
        .stdin(b"in".to_vec());
    let output = exec.run().await.expect("status 0");
    assert_eq!(output.stdout.as_slice(), b"one two last /\nin");
    assert_eq!(output.stderr, "noise\n");
}

#[tokio::test]
async fn the_environment_is_inherited() {
    let output = run(r#"test -n "$PATH" && printf yes"#)
        .await
        .expect("status 0");
    assert_eq!(output.stdout.as_slice(), b"yes");
}

#[tokio::test]
async fn large_input_and_output_do_not_block_each_other() {
    let scripts = Scripts::new();
    let bytes = vec![b'x'; 900_000];
    let output = scripts.write("cat").stdin(bytes.clone()).run().await;
    assert!(output.expect("status 0").stdout.as_slice() == bytes);
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_is_not_an_error() {
    let scripts = Scripts::new();
    let exec = scripts.write("exec <&-; printf done");
    let output = exec.stdin(vec![b'x'; 900_000]).run().await;
    assert_eq!(output.expect("status 0").stdout.as_slice(), b"done");
}

#[tokio::test]
async fn without_input_the_program_reads_nothing() {
    let output = run("cat; printf end").await.expect("status 0");
    assert_eq!(output.stdout.as_slice(), b"end");
}

#[tokio::test]
async fn failures_carry_status_and_stderr_but_no_output() {
    let error = run("echo canary; echo why >&2; exit 3")
        .await
        .expect_err("status 3");
    let ExecError::Status { status, stderr, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (status.as_str(), stderr.as_str()),
        ("exit status 3", "why\n")
    );
    assert!(
        error.to_string().ends_with("script: exit status 3: why"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("canary"));

    let error = run("kill -TERM $$").await.expect_err("signal");
    assert!(error.to_string().ends_with("signal: terminated"), "{error}");
}

/// The error of a program that hangs. The clock is paused until the program has written this file and waits:
/// it has all the time it needs for that, and then none.
async fn timed_out(exec: Exec, written: &Path) -> ExecError {
    let call = tokio::spawn(exec.run());
    while !written.exists() {
        // A blocking task keeps the paused clock where it is.
        let wait = || std::thread::sleep(Duration::from_millis(2));
        tokio::task::spawn_blocking(wait).await.expect("a thread");
    }
    call.await.expect("no panic").expect_err("deadline")
}

#[tokio::test(start_paused = true)]
async fn a_program_that_hangs_is_killed_with_its_children() {
    let scripts = Scripts::new();
    let pids = scripts.path("pid");
    let body = format!(
        "echo waiting >&2; sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; wait",
        pids.display()
    );
    let exec = scripts.write(&body).deadline(Duration::from_millis(700));
    let error = timed_out(exec, &pids).await;
    assert!(
        matches!(&error, ExecError::TimedOut { stderr, .. } if stderr == "waiting\n"),
        "{error:?}"
    );
    gone(&pids);
}

/// A shell with job control, or `setsid`, gives a child a group of its own.
#[tokio::test(start_paused = true)]
async fn a_child_that_left_the_group_is_killed_too() {
    let scripts = Scripts::new();
    let pids = scripts.path("pid");
    let body = format!(
        "setsid sh -c 'sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; wait' & wait",
        pids.display()
    );
    let exec = scripts.write(&body).deadline(Duration::from_millis(700));
    let error = timed_out(exec, &pids).await;
    assert!(matches!(error, ExecError::TimedOut { .. }), "{error:?}");
    gone(&pids);
}

#[tokio::test]
async fn a_flood_is_cut_at_once() {
    let began = Instant::now();
    let error = run("yes").await.expect_err("too much");
    assert!(
        matches!(
            error,
            ExecError::TooMuchOutput {
                limit: MAX_STDOUT,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(began.elapsed() < LIMIT);
}

#[tokio::test]
async fn output_of_exactly_the_limit_passes() {
    let scripts = Scripts::new();
    let output = scripts.write("printf 12345678").max_stdout(8).run().await;
    assert_eq!(
        output.expect("within the limit").stdout.as_slice(),
        b"12345678"
    );
    let error = scripts.write("printf 123456789").max_stdout(8).run().await;
    assert!(matches!(
        error,
        Err(ExecError::TooMuchOutput { limit: 8, .. })
    ));
}

#[tokio::test]
async fn long_stderr_is_drained_and_cut() {
    let scripts = Scripts::new();
    let exec = scripts.write("echo first >&2; yes | head -c 500000 >&2; echo last >&2; exit 1");
    let error = exec.max_stderr(100).run().await.expect_err("status 1");
    let text = error.stderr();
    assert!(
        text.starts_with("first\n") && text.ends_with("last\n"),
        "{text}"
    );
    assert!(
        text.contains("bytes left out") && text.len() < 160,
        "{text}"
    );
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipes_does_not_hang_the_call() {
    let scripts = Scripts::new();
    let pids = scripts.path("pid");
    let exec = scripts.write(&format!(
        "sleep 1000 & echo $! >{}; printf answer",
        pids.display()
    ));
    let began = Instant::now();
    let output = exec.stdin(Vec::new()).run().await.expect("status 0");
    assert_eq!(output.stdout.as_slice(), b"answer");
    assert!(began.elapsed() < LIMIT);
    gone(&pids);
}

#[tokio::test]
async fn a_grandchild_with_closed_pipes_is_left_alone() {
    let scripts = Scripts::new();
    let pids = scripts.path("pid");
    let body = format!("sleep 30 <&- >&- 2>&- & echo $! >{}", pids.display());
    scripts.write(&body).run().await.expect("status 0");
    assert!(is_alive(&pids));
    let pid = fs::read_to_string(&pids)
        .expect("number")
        .trim()
        .parse()
        .ok();
    let pid = pid
        .and_then(rustix::process::Pid::from_raw)
        .expect("process");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("our own child");
}

#[tokio::test]
async fn dropping_the_call_kills_the_group() {
    let scripts = Scripts::new();
    let pids = scripts.path("pid");
    let body = format!(
        "sleep 1000 & echo $! >{0}.new; mv {0}.new {0}; wait",
        pids.display()
    );
    let call = tokio::spawn(scripts.write(&body).run());
    while !pids.exists() {
        sleep(Duration::from_millis(5)).await;
    }
    assert!(is_alive(&pids));
    call.abort();
    assert!(call.await.expect_err("dropped").is_cancelled());
    gone(&pids);
}

#[tokio::test]
async fn a_failed_start_has_its_reason() {
    let scripts = Scripts::new();
    let missing = Exec::new(scripts.path("missing"))
        .run()
        .await
        .expect_err("missing");
    assert!(
        matches!(&missing, ExecError::Start { source, .. } if source.kind() == io::ErrorKind::NotFound)
    );
    fs::write(scripts.path("plain"), "text").expect("file");
    let plain = Exec::new(scripts.path("plain"))
        .run()
        .await
        .expect_err("not executable");
    assert!(
        matches!(&plain, ExecError::Start { source, .. } if source.kind() == io::ErrorKind::PermissionDenied)
    );
    assert!(plain.to_string().contains("cannot start"), "{plain}");
}

#[tokio::test]
async fn a_file_that_is_still_being_written_is_tried_again() {
    let scripts = Scripts::new();
    let exec = scripts.write("printf ok");
    let writer = fs::OpenOptions::new()
        .append(true)
        .open(scripts.path("script"))
        .expect("open");
    let close = async {
        sleep(Duration::from_millis(60)).await;
        drop(writer);
    };
    let (output, ()) = tokio::join!(exec.run(), close);
    assert_eq!(output.expect("started in the end").stdout.as_slice(), b"ok");
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let scripts = Scripts::new();
    let exec = scripts
        .write("cat; cat >&2 </dev/null")
        .env("A", "canary")
        .stdin(b"canary".to_vec());
    assert!(!format!("{exec:?}").contains("canary"));
    let output = exec.run().await.expect("status 0");
    assert!(!format!("{output:?}").contains("canary"));
}

/// Far longer than anything takes on a loaded machine, and shorter than what hangs hangs.
const LIMIT: Duration = Duration::from_secs(60);
