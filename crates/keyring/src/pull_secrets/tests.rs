use std::fs;

use regcred_core::report;

use super::*;

fn load(files: &[PathBuf]) -> Result<PullSecrets, PullSecretError> {
    let mut found = PullSecrets::new(KeyringRules::default());
    for file in files {
        found.add_file(file)?;
    }
    Ok(found)
}

fn secret(name: &str, kind: &str, config: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: team, uid: u-{name}}}\n\
         type: kubernetes.io/{kind}\nstringData:\n  .{kind}: '{config}'\n"
    )
}

#[test]
fn secrets_come_in_the_pods_order_under_one_key() {
    let dir = tempfile::tempdir().expect("directory");
    let path = |name: &str| dir.path().join(name);
    let many = [
        secret(
            "b",
            "dockerconfigjson",
            r#"{"auths":{"h.io":{"username":"b"}}}"#,
        ),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: tls}\ntype: kubernetes.io/tls\n".into(),
        secret("a", "dockercfg", r#"{"https://h.io":{"username":"a"}}"#),
    ];
    fs::write(path("many.yaml"), many.join("---\n")).expect("file");
    fs::write(
        path("bare.json"),
        r#"{"credsStore":"x","auths":{"h.io":{"username":"bare"},"h.io/team":{"username":"t"}}}"#,
    )
    .expect("file");
    let found = load(&[path("many.yaml"), path("bare.json")]).expect("well-formed");
    let candidates = found.keyring.lookup("h.io/team/app");
    let names: Vec<_> = candidates
        .iter()
        .map(|c| &*c.credentials.username)
        .collect();
    assert_eq!(names, ["t", "b", "a", "bare"]);
    assert_eq!(
        *candidates[1].source,
        CredentialSource::PullSecret {
            path: path("many.yaml"),
            namespace: "team".into(),
            name: "b".into(),
            uid: "u-b".into(),
        }
    );
    let reports: Vec<_> = found
        .secrets
        .iter()
        .map(|report| (report.skipped.is_some(), report.notes.len()))
        .collect();
    assert_eq!(reports, [(false, 0), (true, 0), (false, 0), (false, 1)]);
    let why = found.secrets[1].skipped.as_deref().expect("skipped");
    assert!(
        why.starts_with("type \"kubernetes.io/tls\" is not"),
        "{why}"
    );
    assert_eq!(
        found.secrets[3].notes,
        ["credsStore is ignored by the kubelet"]
    );
}

#[test]
fn a_secret_whose_content_has_the_form_of_the_other_type_is_noted() {
    for (kind, config, other) in [
        (
            "dockercfg",
            r#"{"auths":{"h.io":{"username":"u"}}}"#,
            "kubernetes.io/dockerconfigjson",
        ),
        (
            "dockerconfigjson",
            r#"{"h.io":{"username":"u"}}"#,
            "kubernetes.io/dockercfg",
        ),
    ] {
        let mut found = PullSecrets::default();
        let text = secret("s", kind, config);
        let added = found.add(Path::new("stdin"), text.as_bytes());
        added.expect("well-formed");
        assert!(found.keyring.lookup("h.io/app").is_empty());
        let [note] = &found.secrets[0].notes[..] else {
            panic!("one note for {kind}");
        };
        assert!(note.contains(other), "{note}");
    }
}

#[test]
fn one_malformed_secret_fails_all() {
    let dir = tempfile::tempdir().expect("directory");
    let (good, bad) = (dir.path().join("good.json"), dir.path().join("bad.yaml"));
    fs::write(&good, r#"{"auths":{"h.io":{}}}"#).expect("file");
    let broken = secret(
        "s",
        "dockerconfigjson",
        r#"{"auths":{"h.io":{"auth":"%canary"}}}"#,
    );
    fs::write(&bad, broken).expect("file");
    let error = load(&[good, bad.clone()]).expect_err("malformed");
    assert_eq!(
        report(&error),
        format!(
            "cannot parse the pull secret file {}: secret \"s\": entry \"h.io\": illegal base64 data at input byte 0",
            bad.display()
        )
    );
    let mut found = PullSecrets::new(KeyringRules {
        skip_bad_entries: true,
        ..KeyringRules::default()
    });
    let skipping = found.add_file(&bad);
    skipping.expect("only the entry is left out");
    assert!(found.keyring.is_empty());
    assert_eq!(
        found.secrets[0].notes,
        ["entry \"h.io\" is left out: illegal base64 data at input byte 0"]
    );
}

#[test]
fn a_missing_file_is_an_error() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("missing.yaml");
    let error = load(std::slice::from_ref(&path)).expect_err("missing");
    assert!(matches!(error, PullSecretError::Unreadable { .. }));
    assert!(report(&error).starts_with(&format!(
        "cannot read the pull secret file {}: ",
        path.display()
    )));
}

#[test]
fn a_failed_addition_adds_nothing() {
    let mut found = PullSecrets::default();
    let text = [
        secret("a", "dockerconfigjson", r#"{"auths":{"h.io":{}}}"#),
        secret("b", "dockerconfigjson", "{"),
    ]
    .join("---\n");
    let path = Path::new("stdin");
    assert!(found.add(path, text.as_bytes()).is_err());
    assert!(found.keyring.is_empty() && found.secrets.is_empty());
}

#[test]
fn files_are_bounded() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("huge.json");
    let file = fs::File::create(&path).expect("file");
    file.set_len(65 << 20).expect("a hole");
    let error = load(&[path]).expect_err("too large");
    assert!(report(&error).ends_with("it is larger than 64 MiB"));
}
