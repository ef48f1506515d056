use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::run::testing::Started;

use std::path::PathBuf;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn config(&self) -> PathBuf {
        self.0.path().join(".docker/config.json")
    }

    fn run(&self, program: &str, line: &str) -> Started {
        Started::new(program, line)
            .env(&[("HOME", self.0.path().to_str().unwrap())])
            .run()
    }
}

#[test]
fn the_hosts_known_by_name_are_written() {
    let home = Home::new();
    let done = home.run("docker-credential-fake-login", "configure-docker");
    assert_eq!(done.code, 0, "{}", done.stderr);
    let path = home.config();
    assert_eq!(
        done.stdout,
        format!(
            "docker-credential-fake-login is set for fake.io in {}\n",
            path.display()
        )
    );
    assert!(done.stderr.contains("is not in PATH"), "{}", done.stderr);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"fake.io\": \"fake-login\""), "{text}");
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(files, 1, "no temporary file stays");
}

#[test]
fn hosts_that_are_listed_replace_them_when_they_are_served() {
    let home = Home::new();
    let line = "configure-docker --also-serve mirror.io --registries mirror.io";
    let done = home.run("fake-credential-provider", line);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let text = fs::read_to_string(home.config()).unwrap();
    assert!(text.contains("\"mirror.io\": \"fake-login\""), "{text}");
    assert!(!text.contains("\"fake.io\""));
}

#[test]
fn hosts_that_are_not_served_and_patterns_are_refused_before_anything_is_written() {
    let home = Home::new();
    for (list, code) in [("evil.io", 3), ("*.io", 2), ("fake.io/app", 2)] {
        let line = format!("configure-docker --registries fake.io,{list}");
        let done = home.run("fake-credential-provider", &line);
        assert_eq!(done.code, code, "{}", done.stderr);
        assert!(!home.config().exists());
    }
}

#[test]
fn a_file_that_cannot_be_read_is_left_alone() {
    let home = Home::new();
    let path = home.config();
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&path, "{broken").unwrap();
    let done = home.run("fake-credential-provider", "configure-docker");
    assert_eq!(done.code, 4);
    assert!(done.stderr.starts_with("cannot change "), "{}", done.stderr);
    assert_eq!(fs::read_to_string(&path).unwrap(), "{broken");
}

#[test]
fn a_linked_file_is_changed_where_it_lies() {
    let home = Home::new();
    let path = home.config();
    let real = home.0.path().join("dotfiles.json");
    fs::create_dir(path.parent().unwrap()).unwrap();
    fs::write(&real, r#"{"credHelpers":{"fake.io":"old"}}"#).unwrap();
    symlink(&real, &path).unwrap();
    let done = home.run("fake-credential-provider", "configure-docker");
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("fake.io had the helper old"));
    assert!(fs::symlink_metadata(&path).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("fake-login"));
}

#[test]
fn without_a_home_the_error_names_what_to_set() {
    let done = Started::new("fake-credential-provider", "configure-docker").run();
    assert_eq!(done.code, 4);
    assert!(done.stderr.contains("set DOCKER_CONFIG or HOME"));
}

#[test]
fn a_flag_that_docker_does_not_pass_on_is_named_with_its_variable() {
    let home = Home::new();
    let line = "-a ok configure-docker --registries fake.io";
    let done = home.run("fake-credential-provider", line);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let note = "docker passes no flags to docker-credential-fake-login: set FAKE_MODE in docker's \
                environment instead of -a\n";
    assert!(done.stderr.contains(note), "{}", done.stderr);
    let without = home.run("fake-credential-provider", "configure-docker");
    assert!(!without.stderr.contains("flags"), "{}", without.stderr);
}

#[test]
fn a_dry_run_shows_the_difference_and_writes_nothing() {
    let home = Home::new();
    let path = home.config();
    let shown = path.display();
    let dry = || home.run("docker-credential-fake-login", "configure-docker --dry-run");
    let added = "+   \"fake.io\": \"fake-login\"\n";
    let first = dry();
    assert_eq!(
        first.stdout,
        format!("{shown} would change:\n  \"credHelpers\"\n{added}")
    );
    assert!(!path.parent().unwrap().exists());
    fs::create_dir(path.parent().unwrap()).unwrap();
    let text = r#"{"auths":{"h.io":{"auth":"canary"}},"credHelpers":{"fake.io":"old"}}"#;
    fs::write(&path, text).unwrap();
    let second = dry();
    assert_eq!(
        second.stdout,
        format!("{shown} would change:\n  \"credHelpers\"\n-   \"fake.io\": \"old\"\n{added}")
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    home.run("docker-credential-fake-login", "configure-docker");
    assert_eq!(dry().stdout, format!("{shown} would not change\n"));
}

#[test]
fn the_helper_is_removed_again_and_what_others_wrote_stays() {
    let home = Home::new();
    let run = |line: &str| home.run("docker-credential-fake-login", line).stdout;
    let path = home.config();
    let shown = path.display();
    let absent = format!("docker-credential-fake-login is not set in {shown}\n");
    assert_eq!(run("configure-docker --remove"), absent);
    assert!(!path.exists());
    fs::create_dir(path.parent().unwrap()).unwrap();
    let before = "{\n\t\"credHelpers\": {\n\t\t\"x.io\": \"other\"\n\t}\n}\n";
    fs::write(&path, before).unwrap();
    run("configure-docker");
    let dry = run("configure-docker --remove --dry-run");
    assert!(dry.ends_with("-   \"fake.io\": \"fake-login\"\n"), "{dry}");
    assert_eq!(
        run("configure-docker --remove"),
        format!("docker-credential-fake-login is removed for fake.io from {shown}\n")
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    assert_eq!(run("configure-docker --remove"), absent);
}
