//! The packages of small files in the place of programs, read back by other programs where they are
//! installed.

#![expect(clippy::disallowed_methods, reason = "runs dpkg-deb and rpm")]

mod documents;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::read::GzDecoder;
use regcred_core::report;
use regcred_dist::{Release, pack};
use regcred_registry::{Digest, Layout};
use serde_json::Value;
use tempfile::TempDir;

/// Two plugins and the other programs, built for a target. What each holds is its name.
fn release(directory: &TempDir, target: &str) -> Release {
    let root = directory.path();
    let write = |path: &str, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(path, text).expect("a file");
    };
    for cloud in ["icr", "ecr"] {
        write(&format!("source/plugins/{cloud}/Cargo.toml"), "");
        let name = format!("{cloud}-credential-provider");
        write(&format!("built/{name}"), &name);
    }
    for name in ["regcred", "regcred-refresh", "left-over"] {
        write(&format!("built/{name}"), name);
    }
    for name in [
        "README.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "LICENSE",
        "docs/clouds/icr.md",
    ] {
        write(&format!("source/{name}"), &name.repeat(300));
    }
    write("roots.pem", "roots");
    for name in [
        "man/regcred.1",
        "man/regcred-pull.1",
        "regcred.bash",
        "regcred.fish",
        "_regcred",
    ] {
        write(&format!("pages/{name}"), name);
    }
    Release {
        version: "1.2.3-rc.1".to_owned(),
        target: target.to_owned(),
        date: DATE,
        source: root.join("source"),
        programs: root.join("built"),
        pages: root.join("pages"),
        ca_bundle: root.join("roots.pem"),
        out: root.join("out"),
    }
}

fn packed(directory: &TempDir) -> Vec<PathBuf> {
    pack(&release(directory, "x86_64-unknown-linux-gnu")).expect("packed")
}

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// Path, mode and text of the files in an archive; all are root's and of one time.
fn files(archive: &[u8]) -> BTreeMap<String, (u32, String)> {
    let mut archive = tar::Archive::new(archive);
    let mut files = BTreeMap::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let header = entry.header();
        let owner = (header.uid().expect("uid"), header.gid().expect("gid"));
        assert_eq!(
            (owner, header.mtime().expect("time")),
            ((0, 0), DATE.into())
        );
        let mode = header.mode().expect("mode");
        let path = entry.path().expect("path").to_string_lossy().into_owned();
        let is_file = entry.header().entry_type().is_file();
        let mut text = Vec::new();
        entry.read_to_end(&mut text).expect("content");
        if is_file {
            let text = String::from_utf8_lossy(&text).into_owned();
            files.insert(path, (mode, text));
        } else {
            assert_eq!(mode, 0o755, "{path}");
        }
    }
    files
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(bytes)
        .read_to_end(&mut content)
        .expect("gzip");
    content
}

/// The members of an `ar` archive.
fn members(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut rest = archive.strip_prefix(b"!<arch>\n").expect("an ar archive");
    let mut members = BTreeMap::new();
    while !rest.is_empty() {
        let (line, content) = rest.split_at(60);
        let line = std::str::from_utf8(line).expect("text");
        assert!(line.ends_with("`\n"), "{line}");
        let size: usize = line[48..58].trim().parse().expect("a size");
        let name = line[..16].trim().to_owned();
        members.insert(name, content[..size].to_vec());
        rest = &content[size + size % 2..];
    }
    members
}

/// What a program prints about a package; `None` where it is not installed.
fn printed(program: &str, words: &[&str], package: &Path) -> Option<String> {
    let output = match Command::new(program).args(words).arg(package).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        output => output.expect(program),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {words:?}: {text}{errors}"
    );
    Some(text)
}

#[test]
fn the_tarball_has_every_program_in_one_directory() {
    let directory = directory();
    let all = packed(&directory);
    let name = "regcred-1.2.3-rc.1-x86_64-unknown-linux-gnu";
    assert!(all[0].ends_with(format!("{name}.tar.gz")), "{all:?}");
    let files = files(&unzipped(&fs::read(&all[0]).expect("tarball")));
    let found: Vec<_> = files
        .iter()
        .map(|(path, (mode, _))| (path.as_str(), *mode))
        .collect();
    let expected = [
        ("CHANGELOG.md", 0o644),
        ("LICENSE", 0o644),
        ("README.md", 0o644),
        ("SECURITY.md", 0o644),
        ("docs/clouds/icr.md", 0o644),
        ("ecr-credential-provider", 0o755),
        ("icr-credential-provider", 0o755),
        ("regcred", 0o755),
        ("regcred-refresh", 0o755),
    ]
    .map(|(path, mode)| (format!("{name}/{path}"), mode));
    let expected: Vec<_> = expected
        .iter()
        .map(|(path, mode)| (path.as_str(), *mode))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(files[&format!("{name}/regcred")].1, "regcred");
}

#[test]
fn the_debian_package_has_the_plugins_where_the_pages_lead_the_kubelet() {
    let directory = directory();
    let all = packed(&directory);
    assert!(all[1].ends_with("regcred_1.2.3~rc.1_amd64.deb"), "{all:?}");
    let mut members = members(&fs::read(&all[1]).expect("package"));
    assert_eq!(members["debian-binary"], b"2.0\n");
    let data = files(&unzipped(&members.remove("data.tar.gz").expect("data")));
    for plugin in ["ecr-credential-provider", "icr-credential-provider"] {
        let file = &data[&format!("./usr/libexec/kubernetes/kubelet/plugins/{plugin}")];
        assert_eq!(*file, (0o755, plugin.to_owned()));
    }
    assert_eq!(data["./usr/bin/regcred"].0, 0o755);
    assert!(
        !data
            .keys()
            .any(|path| path.contains("refresh") || path.contains("left"))
    );
    for path in [
        "doc/regcred/changelog.gz",
        "doc/regcred/copyright",
        "man/man1/regcred-pull.1.gz",
        "bash-completion/completions/regcred",
        "zsh/vendor-completions/_regcred",
    ] {
        assert_eq!(data[&format!("./usr/share/{path}")].0, 0o644, "{path}");
    }
    let control = files(&unzipped(
        &members.remove("control.tar.gz").expect("control"),
    ));
    let text = &control["./control"].1;
    let lines = "Package: regcred\nVersion: 1.2.3~rc.1\n";
    assert!(text.starts_with(lines) && text.ends_with('\n'), "{text}");
    assert!(text.contains("\nArchitecture: amd64\n"), "{text}");
    let sums = &control["./md5sums"].1;
    assert_eq!(sums.lines().count(), data.len());
    let Some(info) = printed("dpkg-deb", &["--info"], &all[1]) else {
        return;
    };
    assert!(info.contains("new Debian package, version 2.0"), "{info}");
    let list = printed("dpkg-deb", &["--contents"], &all[1]).unwrap_or_default();
    assert!(list.contains("-rwxr-xr-x root/root"), "{list}");
}

#[test]
fn the_rpm_package_needs_nothing_and_owns_its_directories() {
    let directory = directory();
    let all = packed(&directory);
    assert!(
        all[2].ends_with("regcred-1.2.3~rc.1-1.x86_64.rpm"),
        "{all:?}"
    );
    let package = rpm::Package::open(&all[2]).expect("an RPM package");
    let metadata = &package.metadata;
    let paths = metadata.get_file_paths().expect("paths");
    for path in [
        "/usr/bin/regcred",
        "/usr/libexec/kubernetes/kubelet/plugins",
        "/usr/libexec/kubernetes/kubelet/plugins/ecr-credential-provider",
        "/usr/share/doc/regcred/README.md",
        "/usr/share/doc/regcred/docs/clouds",
        "/usr/share/licenses/regcred/LICENSE",
        "/usr/share/man/man1/regcred.1.gz",
        "/usr/share/zsh/site-functions/_regcred",
    ] {
        assert!(paths.contains(&PathBuf::from(path)), "{paths:?}");
    }
    assert!(!paths.contains(&PathBuf::from("/usr/libexec")));
    let needs = metadata.get_requires().expect("requirements");
    assert!(
        needs.iter().all(|need| need.name.starts_with("rpmlib(")),
        "{needs:?}"
    );
    let Some(list) = printed("rpm", &["--query", "--dump", "--package"], &all[2]) else {
        return;
    };
    let plugin = list
        .lines()
        .find(|line| line.contains("/ecr-credential-provider "));
    assert!(
        plugin.is_some_and(|line| line.contains(" 0100755 root root ")),
        "{list}"
    );
    printed("rpm", &["--checksig", "--nosignature"], &all[2]);
}

#[test]
fn the_images_are_an_oci_layout_with_roots_and_an_ordinary_user() {
    let directory = directory();
    let all = packed(&directory);
    assert!(
        all[3].ends_with("regcred-images-1.2.3-rc.1-amd64.tar"),
        "{all:?}"
    );
    let root = directory.path().join("unpacked");
    let archive = fs::read(&all[3]).expect("images");
    tar::Archive::new(&archive[..])
        .unpack(&root)
        .expect("unpacked");
    let layout = Layout::open(&root).expect("readable").expect("a layout");
    let read = |digest: &Digest| layout.read_blob(digest, 1 << 20).expect("readable");
    let json = |digest: &Digest| -> Value {
        serde_json::from_slice(&read(digest).expect("a blob")).expect("JSON")
    };
    let digest =
        |value: &Value| -> Digest { value.as_str().expect("a digest").parse().expect("a digest") };
    for (name, user, program, other) in [
        (
            "regcred",
            "0:0",
            "ecr-credential-provider",
            "regcred-refresh",
        ),
        (
            "regcred-refresh",
            "65532:65532",
            "regcred-refresh",
            "ecr-credential-provider",
        ),
    ] {
        let image = layout
            .resolve(&format!("{name}:1.2.3-rc.1"))
            .expect("readable");
        let manifest = json(&image.expect("an image").digest);
        let config = json(&digest(&manifest["config"]["digest"]));
        assert_eq!(config["config"]["User"], user);
        assert_eq!(
            config["config"]["Entrypoint"][0],
            format!("/usr/bin/{name}")
        );
        assert_eq!(
            (&config["os"], &config["architecture"]),
            (&"linux".into(), &"amd64".into())
        );
        assert_eq!(config["created"], "2001-09-09T01:46:40Z");
        let layer = read(&digest(&manifest["layers"][0]["digest"])).expect("a layer");
        let layer = unzipped(&layer);
        assert_eq!(digest(&config["rootfs"]["diff_ids"][0]), Digest::of(&layer));
        let files = files(&layer);
        assert_eq!(files["etc/ssl/certs/ca-certificates.crt"].1, "roots");
        let has = |program: &str| files.keys().any(|path| path.ends_with(program));
        assert!(has(program) && has(&format!("usr/bin/{name}")) && !has(other));
    }
}

#[test]
fn the_same_programs_make_the_same_bytes() {
    let (one, other) = (directory(), directory());
    let once = packed(&one);
    // What an earlier run left does not get in.
    let before = packed(&other);
    for (one, other) in once
        .iter()
        .zip(before)
        .chain(once.iter().zip(packed(&other)))
    {
        assert_eq!(one.file_name(), other.file_name());
        let is_same = fs::read(one).expect("a file") == fs::read(&other).expect("a file");
        assert!(is_same, "{}", other.display());
    }
}

#[test]
fn a_target_of_musl_has_only_its_tarball() {
    let directory = directory();
    let all = pack(&release(&directory, "aarch64-unknown-linux-musl")).expect("packed");
    let names: Vec<_> = all.iter().filter_map(|path| path.file_name()).collect();
    assert_eq!(
        names,
        ["regcred-1.2.3-rc.1-aarch64-unknown-linux-musl.tar.gz"]
    );
}

#[test]
fn what_is_missing_is_named() {
    let directory = directory();
    let sound = release(&directory, "x86_64-unknown-linux-gnu");
    let failed = |release: &Release| report(&pack(release).expect_err("not packed"));
    for target in [
        "riscv64gc-unknown-linux-gnu",
        "x86_64-apple-darwin",
        "x86_64",
    ] {
        let text = failed(&release(&directory, target));
        let expected = format!("{target} is not a Linux target with a known architecture");
        assert_eq!(text, expected);
    }
    fs::remove_file(directory.path().join("built/icr-credential-provider")).expect("removed");
    let text = failed(&sound);
    assert!(
        text.starts_with("cannot read ") && text.contains("icr-credential-provider: "),
        "{text}"
    );
    fs::remove_dir_all(directory.path().join("source/plugins")).expect("removed");
    fs::create_dir(directory.path().join("source/plugins")).expect("created");
    assert!(failed(&sound).ends_with("plugins has no plugins"));
}

const DATE: u32 = 1_000_000_000;
