//! The release workflow of the forge does nothing that a developer's machine cannot do.

#![expect(clippy::disallowed_methods, reason = "asks make what it would run")]

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use regcred_tests::need::workspace;
use serde_json::Value;

#[test]
fn each_step_of_the_release_workflow_is_a_target_of_the_makefile() {
    let workflow = workflow();
    let mut targets = BTreeSet::new();
    for (name, job) in workflow["jobs"].as_object().expect("jobs") {
        let steps = job["steps"].as_array().expect("steps");
        assert!(job["timeout-minutes"].is_u64(), "{name} may run for ever");
        for step in steps {
            let (run, uses) = (step["run"].as_str(), step["uses"].as_str());
            match (run, uses) {
                (Some(run), None) => {
                    let words = run.strip_prefix("make ").unwrap_or_default();
                    let words = words.split(' ').filter(|word| is_target(word));
                    assert!(words.clone().eq(run.split(' ').skip(1)), "{name}: {run}");
                    targets.extend(words.map(str::to_owned));
                }
                (None, Some(uses)) => {
                    // A tag can be moved to another commit.
                    let commit = uses.split_once('@').map_or("", |(_, commit)| commit);
                    let is_commit =
                        commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit());
                    assert!(is_commit, "{name}: {uses}");
                    let named = format!("uses: {uses} # v");
                    assert!(text().contains(&named), "{name}: {uses} has no version");
                }
                _ => panic!("{name}: a step runs or uses something: {step}"),
            }
        }
    }
    assert!(
        targets.contains("dist") && targets.contains("dist-verify"),
        "{targets:?}"
    );
}

#[test]
fn make_builds_each_target_of_the_release_workflow() {
    let workflow = workflow();
    let matrix = &workflow["jobs"]["dist"]["strategy"]["matrix"]["include"];
    let deny = fs::read_to_string(workspace().join("deny.toml")).expect("deny.toml");
    let mut built = BTreeSet::new();
    for row in matrix.as_array().expect("a matrix") {
        let target = row["target"].as_str().expect("a target");
        let is_arm = row["runner"]
            .as_str()
            .is_some_and(|runner| runner.ends_with("-arm"));
        assert_eq!(
            is_arm,
            target.starts_with("aarch64-"),
            "{target} is not cross-compiled"
        );
        let recipe = recipe("dist", target);
        for part in [
            format!("--target {target} "),
            format!("-p regcred-dist -- {target} target/{target}/release "),
            "+crt-static".to_owned(),
            // The plugins, whose C is compiled for musl too.
            format!("--release --locked --target {} ", musl(target)),
            format!("CC_{}=musl-gcc ", musl(target).replace('-', "_")),
        ] {
            assert!(recipe.contains(&part), "{part}: {recipe}");
        }
        // They lie with the other programs, and `cp` refuses to copy a file to itself.
        let copied = format!("target/{}/release/ecr-credential-provider ", musl(target));
        assert_eq!(recipe.contains(&copied), target != musl(target), "{recipe}");
        assert!(
            deny.contains(&format!("\"{target}\"")),
            "deny.toml lacks {target}"
        );
        built.insert(target);
    }
    assert_eq!(built.len(), 4);
}

/// A panic in one provider must not end the refresher, and costs a plugin nothing.
#[test]
fn the_refresher_of_a_release_unwinds_and_the_other_programs_abort() {
    let manifest = fs::read_to_string(workspace().join("Cargo.toml")).expect("Cargo.toml");
    let setting = |profile: &str, key: &str| {
        let (_, section) = manifest.split_once(&format!("\n[profile.{profile}]\n"))?;
        let section = section.split("\n[").next()?;
        let line = section
            .lines()
            .find(|line| line.starts_with(&format!("{key} = ")))?;
        Some(line.split('"').nth(1)?.to_owned())
    };
    assert_eq!(setting("release", "panic").as_deref(), Some("abort"));
    assert_eq!(setting("daemon", "panic").as_deref(), Some("unwind"));
    let recipe = recipe("dist", "x86_64-unknown-linux-gnu").replace("\\\n", " ");
    let build = |package: &str| {
        let is_build = |line: &&str| line.contains(" build ") && line.contains(package);
        recipe.lines().find(is_build).unwrap_or_default().to_owned()
    };
    let no_tables = "force-unwind-tables=no";
    let refresher = build("-p regcred-refresh ");
    assert!(
        refresher.contains("--profile daemon ") && !refresher.contains(no_tables),
        "{refresher}"
    );
    for package in ["-p regcred ", "-p regcred-plugin-icr "] {
        let built = build(package);
        assert!(
            built.contains("--release ") && built.contains(no_tables),
            "{built}"
        );
    }
    assert!(recipe.contains("/daemon/regcred-refresh "), "{recipe}");
}

#[test]
fn a_container_file_makes_the_image_that_make_dist_makes() {
    // As crates/dist lays the images out, so that the manifests fit both.
    for (file, program, user) in [
        ("image", "regcred-refresh", "65532:65532"),
        ("prepull", "regcred", "0:0"),
    ] {
        let path = format!("docs/kubernetes/{file}/Containerfile");
        let text = fs::read_to_string(workspace().join(path)).expect(file);
        for line in [
            format!("USER {user}"),
            format!("ENTRYPOINT [\"/usr/bin/{program}\"]"),
            format!("COPY --from=build /{program} /usr/bin/{program}"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
    let plugins = "/usr/libexec/kubernetes/kubelet/plugins";
    let read = |path: &str| fs::read_to_string(workspace().join(path)).expect("a file");
    let container = read("docs/kubernetes/prepull/Containerfile");
    let line = format!("COPY --from=build /plugins {plugins}");
    assert!(container.lines().any(|found| found == line), "{container}");
    for plugin in fs::read_dir(workspace().join("plugins")).expect("plugins") {
        let name = plugin
            .expect("a plugin")
            .file_name()
            .into_string()
            .expect("text");
        assert!(
            container.contains(&format!(" {name}")),
            "{name}: {container}"
        );
    }
    let pods = read("docs/kubernetes/prepull/daemonset.yaml");
    assert!(pods.contains(&format!("-bin-dir={plugins}\n")), "{pods}");
}

#[test]
fn the_checksums_of_a_release_find_a_changed_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let dist = directory.path().join("dist");
    fs::create_dir(&dist).expect("created");
    fs::write(dist.join("one.deb"), "one").expect("written");
    fs::write(dist.join("two.rpm"), "two").expect("written");
    fs::write(dist.join("SHA256SUMS"), "of an earlier run").expect("written");
    let setting = format!("DIST={}", dist.display());
    let run = |target: &str| make(&[target, &setting]).0;
    assert!(run("dist-sums") && run("dist-verify"));
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).expect("sums");
    assert_eq!(sums.lines().count(), 2, "{sums}");
    fs::write(dist.join("two.rpm"), "three").expect("written");
    assert!(!run("dist-verify"));
}

/// The target of the same machine with musl.
fn musl(target: &str) -> String {
    target.replace("-gnu", "-musl")
}

fn workflow() -> Value {
    serde_saphyr::from_str(&text()).expect("YAML")
}

fn text() -> String {
    let file = workspace().join(".github/workflows/release.yml");
    fs::read_to_string(file).expect("the workflow")
}

/// Whether the Makefile has a rule of this name.
fn is_target(name: &str) -> bool {
    let makefile = fs::read_to_string(workspace().join("Makefile")).expect("Makefile");
    let rule = format!("{name}:");
    let mut lines = makefile.lines();
    !name.is_empty()
        && lines.any(|line| {
            line.strip_prefix(&rule)
                .is_some_and(|r| !r.starts_with('='))
        })
}

/// What make would run.
fn recipe(target: &str, machine: &str) -> String {
    let setting = format!("DIST_TARGET={machine}");
    let (is_success, text) = make(&["--dry-run", target, &setting]);
    assert!(is_success, "{text}");
    text
}

fn make(words: &[&str]) -> (bool, String) {
    let mut command = Command::new("make");
    // A make around the tests would add its own flags.
    command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL");
    let output = command
        .args(words)
        .current_dir(workspace())
        .output()
        .expect("make runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), text)
}
