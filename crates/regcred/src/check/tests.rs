use std::fs;
use std::path::Path;

use regcred_core::{Env, ImageRef};
use regcred_engine::{Engine, EngineBuilder, Pod};
use regcred_run::{ProgramError, block_on_until_signal};

use super::finding::{Finding, Severity};
use super::{answers, examined};

/// A node's configuration with one plugin, a shell script of this body.
fn node(dir: &Path, entry: &str, body: &str) -> EngineBuilder {
    let config = dir.join("config.yaml");
    let text = format!(
        "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n{entry}"
    );
    fs::write(&config, text).expect("a file");
    regcred_tests::Node::at(dir).add_script("plugin", &[], body);
    let engine = Engine::builder(&Env::default()).provider_config(config);
    engine.bin_dir(dir.join("bin")).docker_configs([])
}

/// The finding whose text has this part; it is one line with a place and a fix.
fn only<'a>(findings: &'a [Finding], part: &str) -> &'a Finding {
    let mut found = findings.iter().filter(|one| one.what.contains(part));
    let Some(one) = found.next() else {
        panic!("{part:?} is not in {findings:#?}");
    };
    assert!(found.next().is_none(), "{part:?} is in two: {findings:#?}");
    assert!(
        !one.to_string().contains('\n') && !one.fix.is_empty(),
        "{one}"
    );
    one
}

#[test]
fn the_file_of_registries_and_the_tokens_that_it_needs_are_checked() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("generic.yaml");
    let entry = |attributes: &str| {
        format!(
            "- name: generic-credential-provider\n  matchImages: [zot.test, old.test]\n  \
             defaultCacheDuration: 0s\n  apiVersion: credentialprovider.kubelet.k8s.io/v1\n  args: [--config, \
             {}]\n{attributes}",
            file.display()
        )
    };
    let examine = |attributes: &str| {
        let report = node(dir.path(), &entry(attributes), "exit 1").inspect();
        examined(&report, &dir.path().join("config.yaml"))
    };
    let findings = examine("");
    let missing = only(&findings, "cannot read the configuration file");
    assert_eq!(missing.severity, Severity::Warning);
    let text = "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
                - {matchImages: [zot.test], audience: zot, passThrough: {username: jwt}}\n";
    fs::write(&file, text).expect("a file");
    let findings = examine("");
    let _ = only(
        &findings,
        "no entry sends the pods' tokens with the audience \"zot\"",
    );
    let unknown = only(&findings, "the plugin's file has no registry \"old.test\"");
    assert_eq!(unknown.place.line, Some(5));
    let findings = examine(
        "  tokenAttributes: {serviceAccountTokenAudience: zot, cacheType: Token, requireServiceAccount: true}\n",
    );
    assert!(
        !findings
            .iter()
            .any(|one| one.what.contains("no entry sends"))
    );
    let findings = examine(
        "  tokenAttributes: {serviceAccountTokenAudience: zot, cacheType: ServiceAccount, requireServiceAccount: true}\n",
    );
    let _ = only(&findings, "refuses the pod's token as a password");
    let findings = examine(
        "  tokenAttributes: {serviceAccountTokenAudience: other, cacheType: Token, requireServiceAccount: true}\n",
    );
    let _ = only(
        &findings,
        "no registry of the plugin's file has the audience \"other\"",
    );
}

#[test]
fn an_entry_without_version_and_duration_has_a_line_for_each_with_the_fix() {
    let dir = tempfile::tempdir().expect("a directory");
    let entry = "- name: plugin\n  matchImages:\n  - \"*.pkg.dev\"\n  tokenAttributes:\n    \
                 serviceAccountTokenAudience: aud\n    cacheType: ServiceAccount\n    \
                 requireServiceAccount: true\n";
    let report = node(dir.path(), entry, "exit 1").inspect();
    let findings = examined(&report, &dir.path().join("config.yaml"));
    let version = only(&findings, "providers.apiVersion: Required value");
    assert_eq!(
        version.fix,
        "set apiVersion: credentialprovider.kubelet.k8s.io/v1 in the entry"
    );
    assert_eq!(
        (version.severity, version.place.line),
        (Severity::Error, Some(4))
    );
    let duration = only(&findings, "providers.defaultCacheDuration: Required value");
    assert!(
        duration.fix.contains("defaultCacheDuration: 12h"),
        "{duration}"
    );
    let tokens = only(&findings, "providers.tokenAttributes: Forbidden");
    assert_eq!(tokens.place.line, Some(7));
}

#[test]
fn a_glob_in_the_path_the_right_to_the_audience_and_a_wrong_answer_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let entry = |pattern: &str| {
        format!(
            "- name: plugin\n  matchImages:\n  - {pattern}\n  defaultCacheDuration: 1h\n  apiVersion: \
             credentialprovider.kubelet.k8s.io/v1\n  tokenAttributes:\n    serviceAccountTokenAudience: \
             harbor\n    cacheType: ServiceAccount\n    requireServiceAccount: false\n"
        )
    };
    let answer = "cat <<E\n{\"apiVersion\":\"credentialprovider.kubelet.k8s.io/v1\",\
                  \"kind\":\"CredentialProviderResponse\",\"cacheKeyType\":\"ServiceAccount\",\"auth\":{}}\nE";
    let config = dir.path().join("config.yaml");
    let globbed = node(dir.path(), &entry("harbor.example.com/*"), answer);
    let findings = examined(&globbed.inspect(), &config);
    let glob = only(&findings, "`*` in a path is a plain character");
    assert_eq!(
        (glob.severity, glob.place.line),
        (Severity::Warning, Some(6))
    );
    assert!(glob.fix.starts_with("end the pattern before it"), "{glob}");
    let right = only(&findings, "the audience \"harbor\"");
    assert!(right.fix.contains("resources: [\"harbor\"]"), "{right}");
    assert!(
        right.fix.contains("request-serviceaccounts-token-audience"),
        "{right}"
    );

    let engine = node(dir.path(), &entry("harbor.example.com"), answer)
        .build()
        .expect("sound");
    let image = ImageRef::parse("harbor.example.com/library/app:v1").expect("an image");
    let pod = Pod::new();
    let findings = block_on_until_signal(async {
        Ok::<_, ProgramError>(answers::findings(&engine, &pod, &[image]).await)
    });
    let findings = findings.expect("not interrupted");
    let wrong = only(
        &findings,
        "did not return a valid cacheKeyType: ServiceAccount",
    );
    assert!(wrong.fix.contains("Image, Registry or Global"), "{wrong}");
}

#[test]
fn programs_that_the_kernel_does_not_start_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let entry = "- name: plugin\n  matchImages: [h.io]\n  defaultCacheDuration: 1h\n  apiVersion: \
                 credentialprovider.kubelet.k8s.io/v1\n";
    let builder = node(dir.path(), entry, "exit 1");
    let plugin = dir.path().join("bin/plugin");
    let own = fs::read("/proc/self/exe").expect("itself");
    let mut foreign = own[..1024].to_vec();
    foreign[18] = 243;
    let config = dir.path().join("config.yaml");
    for (bytes, part) in [
        (&b"#!/bin/sh\r\nexit 1\r\n"[..], "has a Windows line end"),
        (b"#!/no/such/shell\n", "interpreter \"/no/such/shell\""),
        (b"text", "neither a program nor a script"),
        (&foreign, "is for riscv64"),
    ] {
        fs::write(&plugin, bytes).expect("a file");
        let findings = examined(&builder.inspect(), &config);
        assert_eq!(only(&findings, part).severity, Severity::Warning);
    }
}

#[test]
fn secrets_that_a_file_of_registries_names_are_their_owners_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("generic.yaml");
    let text = "apiVersion: generic.regcred.dev/v1\nkind: RegistryConfiguration\nregistries:\n\
                - {matchImages: [a.test], static: {usernameFile: user, passwordFile: password}}\n\
                - {matchImages: [b.test], static: {username: u, passwordFile: password}}\n\
                - {matchImages: [c.test], static: {dockerConfig: config.json}}\n\
                - {matchImages: [d.test], audience: d, passThrough: {username: u}, fallback: {tokenFile: token}}\n\
                - matchImages: [e.test]\n  audience: e\n  exchange:\n    url: https://e.test/token\n    \
                username: u\n    actorTokenFile: actor\n    client: {id: c, secretFile: client}\n";
    fs::write(&file, text).expect("a file");
    let names = ["password", "config.json", "token", "actor", "client"];
    for name in names.iter().chain(&["user"]) {
        fs::write(dir.path().join(name), "x").expect("a file");
    }
    let entry = format!(
        "- name: generic-credential-provider\n  matchImages: [a.test]\n  defaultCacheDuration: 0s\n  \
         apiVersion: credentialprovider.kubelet.k8s.io/v1\n  args: [--config, {}]\n",
        file.display()
    );
    let warned = || {
        let report = node(dir.path(), &entry, "exit 1").inspect();
        let found = examined(&report, &dir.path().join("config.yaml")).into_iter();
        let found = found.filter(|one| one.what == "every user of the node may read this secret");
        found
            .map(|one| one.place.file.expect("a file"))
            .collect::<Vec<_>>()
    };
    let chmod = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        for name in names {
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(dir.path().join(name), mode).expect("a mode");
        }
    };
    chmod(0o644);
    let mut expected = names.map(|name| dir.path().join(name));
    expected.sort();
    assert_eq!(warned(), expected);
    chmod(0o640);
    assert_eq!(warned(), [] as [std::path::PathBuf; 0]);
}
