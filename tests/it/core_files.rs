//! A crash of a program that holds secrets leaves no core file.

use regcred_tests::Program;
use regcred_tests::program::built;

/// Whether the program leaves a file when it is aborted while it waits, most of them for their standard input.
fn leaves_a_core_file(command: &[&str]) -> bool {
    let dir = tempfile::tempdir().expect("a directory");
    let done = Program::new("/bin/sh")
        .args(["-c", ABORT])
        .args(command)
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
"$0" "$@" < input &
exec 3> input
until grep -q 'S (sleeping)' /proc/$!/status && ! grep -qx sh /proc/$!/comm; do
  kill -0 $! || exit
  sleep 0.01
done
kill -ABRT $!
wait $!
echo $?
"#;

#[test]
fn no_program_that_is_aborted_leaves_one_where_another_program_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        std::fs::write(dir.path().join(name), text).expect("written");
        dir.path().join(name).display().to_string()
    };
    let text = "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n\
                registries: [{name: r, provider: static, hosts: [r.test], login: {username: u, passwordFile: /dev/null}}]\n\
                targets: [{name: t, secret: {name: s}, namespaces: {include: ['*']}}]\n";
    let config = file("config.yaml", text);
    let cluster = "{clusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}], users: [{name: c, user: {}}], \
                   contexts: [{name: c, context: {cluster: c, user: c}}], current-context: c}";
    let cluster = file("kubeconfig", cluster);
    let plugins = ["acr", "ecr", "gcr", "generic", "icr", "ocir"];
    let plugins = plugins.map(|name| vec![format!("{name}-credential-provider")]);
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let others = [
        words(&format!(
            "regcred login r.test --authfile {config}.json --username u --password-stdin"
        )),
        words(&format!(
            "regcred-refresh --daemon --listen 127.0.0.1:0 --kubeconfig {cluster} --config {config}"
        )),
    ];
    for line in plugins.into_iter().chain(others) {
        let program = built(&line[0]).display().to_string();
        let args = line[1..].iter().map(String::as_str);
        let command: Vec<_> = std::iter::once(&*program).chain(args).collect();
        assert!(!leaves_a_core_file(&command), "{line:?}");
    }
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    // Elsewhere core files are not files of the directory: there the unit test of the switch counts.
    if pattern.trim() == "core" {
        assert!(leaves_a_core_file(&["/bin/cat"]));
    }
}
