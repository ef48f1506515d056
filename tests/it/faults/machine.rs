//! What goes wrong on the machine itself, once for each provider: disks, HOME, roots, descriptors.

use std::path::Path;

use regcred_tests::namespace::with_mounts;
use regcred_tests::program::built;
use regcred_tests::{Finished, Node, Program, plugin_request};

use super::fault::Fault;
use super::rows::{Target, all};
use super::stage::Stage;
use super::{ended, in_order};

/// The plugin after the shell commands `setup`, in a shell whose mounts are its own; `$DIR` is a directory.
fn shell(target: &Target, setup: &str, directory: &Path, args: &str) -> Option<Finished> {
    let plugin = built(&format!("{}-credential-provider", target.provider));
    let command = format!("exec {} {args}", plugin.display());
    let program = with_mounts(setup, &command)?
        .envs(target.env.clone())
        .env("DIR", directory)
        .stdin(plugin_request(&target.image));
    Some(program.run())
}

#[test]
fn a_disk_that_is_full_or_read_only_costs_the_cache_and_not_the_login() {
    for rows in all() {
        let directory = tempfile::tempdir().expect("a directory");
        let cache = directory.path().join("cache");
        std::fs::create_dir(&cache).expect("a directory");
        for disk in [FULL, READ_ONLY] {
            let setup = format!("{disk} && export REGCRED_CACHE=$DIR");
            let Some(done) = shell(&rows.target, &setup, &cache, "") else {
                return;
            };
            let context = format!("{}, {disk}: {}", rows.target.provider, ended(&done));
            assert_eq!(done.code(), Some(0), "{context}");
            assert!(done.json()["auth"].is_object(), "{context}");
        }
    }
}

#[test]
fn dockers_configuration_on_such_a_disk_stays_as_it_is() {
    for rows in all() {
        let directory = tempfile::tempdir().expect("a directory");
        for disk in [FULL, READ_ONLY] {
            // The file is written before the disk fills, and shown after the attempt.
            let (mount, fill) = disk.split_once(" && ").expect("two steps");
            let setup = format!(
                "{mount} && echo '{{\"auths\": {{}}}}' > $DIR/config.json && {fill} && \
                 export DOCKER_CONFIG=$DIR && trap 'cat $DIR/config.json; ls -A $DIR' EXIT"
            );
            let plugin = built(&format!("{}-credential-provider", rows.target.provider));
            let run = format!(
                "{} configure-docker --registries a.example",
                plugin.display()
            );
            let Some(program) = with_mounts(&setup, &run) else {
                return;
            };
            let done = program
                .envs(rows.target.env.clone())
                .env("DIR", directory.path())
                .run();
            let context = format!("{}, {disk}: {}", rows.target.provider, ended(&done));
            assert!(matches!(done.code(), Some(1..=9)), "{context}");
            assert_eq!(done.stderr.lines().count(), 1, "{context}");
            let left = done.stdout();
            assert!(left.starts_with("{\"auths\": {}}\n"), "{context}");
            assert!(!left.contains(".tmp"), "{context}");
        }
    }
}

#[test]
fn without_home_the_login_is_issued() {
    for rows in all() {
        let directory = tempfile::tempdir().expect("a directory");
        // The cache of root is below /run.
        let setup = "mount -t tmpfs tmpfs /run && unset HOME REGCRED_CACHE";
        let Some(done) = shell(&rows.target, setup, directory.path(), "") else {
            return;
        };
        assert_eq!(
            done.code(),
            Some(0),
            "{}: {}",
            rows.target.provider,
            ended(&done)
        );
    }
}

/// Neither a bundle nor a directory of roots, as in an image without ca-certificates.
#[test]
fn a_machine_without_roots_is_named_with_what_to_do() {
    for rows in all() {
        let target = &rows.target;
        for step in rows.steps.iter().filter(|step| !step.is_tls) {
            let Some(code) = step.code(Fault::RootsEmpty) else {
                continue;
            };
            let stage = Stage::of(Fault::UnknownAuthority, step);
            let env = stage.env(Fault::UnknownAuthority, step).into_iter();
            let env = env.filter(|(name, _)| name != "SSL_CERT_FILE");
            let plugin = built(&format!("{}-credential-provider", target.provider));
            let Some(program) = with_mounts(NO_ROOTS, &format!("exec {}", plugin.display())) else {
                return;
            };
            let done = program
                .envs(target.env.clone())
                .envs(step.vars.clone())
                .envs(env)
                .env("REGCRED_CACHE", "off")
                .stdin(plugin_request(&target.image))
                .run();
            let context = format!("{}, {}: {}", target.provider, step.name, ended(&done));
            let line = done.fails(code);
            let answer = ["no trusted roots were found".to_owned()];
            // Several identities of Amazon's are tried, each with its own reason.
            let next = match code {
                5 => "give the instance an IAM role",
                _ => "install ca-certificates, or set SSL_CERT_FILE",
            };
            in_order(step, &stage.address(), &answer, next, line, &context);
        }
    }
}

/// No runtime and no connection without descriptors: one line, and what to do.
#[test]
fn a_process_without_descriptors_ends_with_what_to_do() {
    for rows in all() {
        for limit in 5..=14 {
            let plugin = built(&format!("{}-credential-provider", rows.target.provider));
            let done = limited(limit, &plugin, "")
                .envs(rows.target.env.clone())
                .stdin(plugin_request(&rows.target.image))
                .run();
            let context = format!("{}, {limit}: {}", rows.target.provider, ended(&done));
            check_limited(&done, &context);
        }
    }
}

#[test]
fn a_pull_without_descriptors_ends_with_what_to_do() {
    let node = Node::new();
    for limit in 5..=14 {
        for words in ["pull --quiet", "explain --try"] {
            let done = limited(
                limit,
                &built("regcred"),
                &format!("{words} 127.0.0.1:9/app:v1"),
            )
            .env("HOME", node.root())
            .env("REGCRED_STORE", node.store())
            .run();
            let context = format!("{words}, {limit}: {}", ended(&done));
            assert!(matches!(done.code(), Some(0..=9)), "{context}");
            assert!(!done.stderr.contains("panicked"), "{context}");
        }
    }
}

fn limited(limit: u32, program: &Path, args: &str) -> Program {
    let command = format!("ulimit -n {limit} && exec {} {args}", program.display());
    Program::new("/bin/sh").args(["-c", &command])
}

#[track_caller]
fn check_limited(done: &Finished, context: &str) {
    assert!(matches!(done.code(), Some(0..=8)), "{context}");
    if done.code() != Some(0) {
        assert_eq!(done.stderr.lines().count(), 1, "{context}");
        assert!(done.stderr.contains("Too many open files"), "{context}");
        assert!(done.stderr.contains("ulimit -n"), "{context}");
    }
}

const FULL: &str =
    "mount -t tmpfs -o size=8k tmpfs $DIR && { cat /dev/zero > $DIR/fill 2>/dev/null || true; }";
const NO_ROOTS: &str = "unset SSL_CERT_FILE SSL_CERT_DIR; for directory in /etc/ssl /etc/pki /usr/local/share/certs; do \
     if [ -d $directory ]; then mount -t tmpfs tmpfs $directory || exit 1; fi; done";
const READ_ONLY: &str = "mount -t tmpfs tmpfs $DIR && mount -o remount,ro $DIR";
