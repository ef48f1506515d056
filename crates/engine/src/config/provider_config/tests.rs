use std::fs;

use tempfile::TempDir;

use super::*;

fn dir(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("directory");
    for (name, text) in files {
        fs::write(dir.path().join(name), text).expect("file");
    }
    dir
}

fn config(providers: &str) -> String {
    format!(
        "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n{providers}"
    )
}

fn provider(name: &str) -> String {
    format!(
        "- name: {name}\n  matchImages: [h.io]\n  defaultCacheDuration: 1h\n  \
         apiVersion: credentialprovider.kubelet.k8s.io/v1\n"
    )
}

fn names(config: &ProviderConfig) -> Vec<&str> {
    config.providers.iter().map(|p| p.name.as_str()).collect()
}

fn failure(path: &Path) -> String {
    ProviderConfig::load(path).expect_err("broken").to_string()
}

#[test]
fn a_file_may_have_any_name_and_a_directory_is_merged_in_byte_order() {
    let dir = dir(&[
        ("b.yaml", &config(&provider("b"))),
        ("a.yml", &config(&provider("a"))),
        (
            "B.json",
            r#"{"apiVersion":"kubelet.config.k8s.io/v1beta1","kind":"CredentialProviderConfig","providers":[{"name":"json"}]}"#,
        ),
        ("a.YAML", "not read"),
        ("a.yaml.bak", "not read"),
    ]);
    fs::create_dir(dir.path().join("sub.yaml")).expect("not read");
    let merged = ProviderConfig::load(dir.path()).expect("sound");
    assert_eq!(names(&merged), ["json", "a", "b"]);
    assert_eq!(merged.files.len(), 3);

    fs::write(dir.path().join("any"), config(&provider("x"))).expect("file");
    let single = ProviderConfig::load(&dir.path().join("any")).expect("sound");
    assert_eq!(names(&single), ["x"]);
}

#[test]
fn the_hash_covers_length_and_bytes_of_each_file() {
    let text = config(&provider("a"));
    let dir = dir(&[("a.yaml", &text)]);
    let mut hash = Sha256::new();
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(&text);
    let hex: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    let loaded = ProviderConfig::load(dir.path()).expect("sound");
    assert_eq!(loaded.hash, format!("sha256:{hex}"));
}

#[test]
fn what_cannot_be_read_is_told_in_the_kubelets_words() {
    assert_eq!(
        failure(Path::new("")),
        "credential provider config path is empty"
    );
    let dir = dir(&[("a.txt", "")]);
    let path = dir.path().display();
    let missing = dir.path().join("missing");
    assert_eq!(
        failure(&missing),
        format!(
            "unable to access path \"{path}/missing\": stat {path}/missing: no such file or directory"
        )
    );
    assert_eq!(
        failure(dir.path()),
        format!("no configuration files found in directory \"{path}\"")
    );
    std::os::unix::fs::symlink(&missing, dir.path().join("l.yaml")).expect("link");
    assert_eq!(
        failure(dir.path()),
        format!(
            "unable to read file \"{path}/l.yaml\": open {path}/l.yaml: no such file or directory"
        )
    );
    fs::remove_file(dir.path().join("l.yaml")).expect("link");
    fs::create_dir(dir.path().join("sub")).expect("directory");
    std::os::unix::fs::symlink(dir.path().join("sub"), dir.path().join("l.yaml")).expect("link");
    assert_eq!(
        failure(dir.path()),
        format!("unable to read file \"{path}/l.yaml\": read {path}/l.yaml: is a directory")
    );
}

#[test]
fn what_cannot_be_decoded_names_its_file() {
    let dir = dir(&[("a.yaml", &config("- name: a\n  colour: red\n"))]);
    let path = dir.path().display();
    assert_eq!(
        failure(dir.path()),
        format!(
            "error decoding config \"{path}/a.yaml\": strict decoding error: unknown field \"providers[0].colour\""
        )
    );
}

#[test]
fn names_are_unique_within_and_across_files() {
    let twice = config(&format!("{}{}", provider("a"), provider("a")));
    let one = dir(&[("a.yaml", &twice)]);
    let text = "duplicate provider name \"a\" found in configuration file(s)";
    assert_eq!(failure(one.path()), text);
    let alone = config(&provider("a"));
    let two = dir(&[("a.yaml", &alone), ("b.yaml", &alone)]);
    assert_eq!(failure(two.path()), text);
}

/// The text of the validation error of a configuration.
fn invalid(yaml: &str) -> String {
    let dir = dir(&[("a.yaml", yaml)]);
    let loaded = ProviderConfig::load(dir.path()).expect("decodes");
    let text = ConfigError::Invalid(loaded.problems()).to_string();
    let prefix = "failed to validate credential provider config: ";
    text.strip_prefix(prefix).expect(&text).to_owned()
}

/// A sound entry with some lines replaced.
fn with(lines: &[(&str, &str)]) -> String {
    let mut fields = vec![
        ("name", "a"),
        ("matchImages", "[h.io]"),
        ("defaultCacheDuration", "1h"),
        ("apiVersion", "credentialprovider.kubelet.k8s.io/v1"),
    ];
    for (name, value) in lines {
        fields.retain(|(n, _)| n != name);
        fields.push((name, value));
    }
    let lines: Vec<String> = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    config(&format!("- {}\n", lines.join("\n  ")))
}

#[test]
fn every_rule_has_the_kubelets_text() {
    for (yaml, text) in [
        (
            config(""),
            "providers: Required value: at least 1 item in plugins is required",
        ),
        (
            with(&[("name", "a/b")]),
            "providers.name: Invalid value: \"a/b\": provider name cannot contain '/'",
        ),
        (
            with(&[("name", "a b")]),
            "providers.name: Invalid value: \"a b\": provider name cannot contain spaces",
        ),
        (
            with(&[("name", "'.'")]),
            "providers.name: Invalid value: \".\": provider name cannot be '.'",
        ),
        (
            with(&[("name", "'..'")]),
            "providers.name: Invalid value: \"..\": provider name cannot be '..'",
        ),
        (
            with(&[("apiVersion", "")]),
            "providers.apiVersion: Required value",
        ),
        (
            with(&[("apiVersion", "v1")]),
            "providers.apiVersion: Unsupported value: \"v1\": supported values: \
             \"credentialprovider.kubelet.k8s.io/v1\", \
             \"credentialprovider.kubelet.k8s.io/v1alpha1\", \
             \"credentialprovider.kubelet.k8s.io/v1beta1\"",
        ),
        (
            with(&[("matchImages", "")]),
            "providers.matchImages: Required value: at least 1 item in matchImages is required",
        ),
        (
            with(&[("matchImages", "['h.io:*']")]),
            "providers.matchImages: Invalid value: \"h.io:*\": match image is invalid: \
             parse \"https://h.io:*\": invalid port \":*\" after host",
        ),
        (
            with(&[("defaultCacheDuration", "")]),
            "providers.defaultCacheDuration: Required value",
        ),
        (
            with(&[("defaultCacheDuration", "-1m")]),
            "providers.defaultCacheDuration: Invalid value: \"-1m0s\": must be greater than or \
             equal to 0",
        ),
        (
            with(&[("apiVersion", ""), ("matchImages", "")]),
            "[providers.apiVersion: Required value, providers.matchImages: Required value: at \
             least 1 item in matchImages is required]",
        ),
        (
            config("- name: a\n- name: b\n"),
            "[providers.apiVersion: Required value, providers.matchImages: Required value: at \
             least 1 item in matchImages is required, providers.defaultCacheDuration: Required \
             value]",
        ),
    ] {
        assert_eq!(invalid(&yaml), text, "{yaml}");
    }
}

#[test]
fn every_rule_of_token_mode_has_the_kubelets_text() {
    let attributes = |inner: &str| with(&[("tokenAttributes", inner)]);
    let path = "providers.tokenAttributes";
    let rest = "serviceAccountTokenAudience: x, requireServiceAccount: true";
    for (yaml, text) in [
        (
            attributes("{cacheType: Token, requireServiceAccount: true}"),
            format!("{path}.serviceAccountTokenAudience: Required value"),
        ),
        (
            attributes("{cacheType: Token, serviceAccountTokenAudience: x}"),
            format!("{path}.requireServiceAccount: Required value"),
        ),
        (
            with(&[
                ("apiVersion", "credentialprovider.kubelet.k8s.io/v1beta1"),
                ("tokenAttributes", &format!("{{cacheType: Token, {rest}}}")),
            ]),
            format!(
                "{path}: Forbidden: tokenAttributes is only supported for \
                 credentialprovider.kubelet.k8s.io/v1 API version"
            ),
        ),
        (
            attributes(
                "{cacheType: Token, serviceAccountTokenAudience: x, requireServiceAccount: false, \
                 requiredServiceAccountAnnotationKeys: [a]}",
            ),
            format!(
                "{path}.requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount \
                 cannot be false when requiredServiceAccountAnnotationKeys is set"
            ),
        ),
        (
            attributes(&format!(
                "{{cacheType: Token, {rest}, optionalServiceAccountAnnotationKeys: ['A.b/']}}"
            )),
            format!(
                "[{path}.optionalServiceAccountAnnotationKeys: Invalid value: \"A.b/\": name part \
                 must be non-empty, {path}.optionalServiceAccountAnnotationKeys: Invalid value: \
                 \"A.b/\": name part must consist of alphanumeric characters, '-', '_' or '.', and \
                 must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  \
                 or '123-abc', regex used for validation is \
                 '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')]"
            ),
        ),
        (
            attributes(&format!(
                "{{cacheType: Token, {rest}, requiredServiceAccountAnnotationKeys: [A/b, A/b]}}"
            )),
            format!("{path}.requiredServiceAccountAnnotationKeys: Duplicate value: \"A/b\""),
        ),
        (
            attributes(&format!(
                "{{cacheType: Token, {rest}, requiredServiceAccountAnnotationKeys: [b, a, c], \
                 optionalServiceAccountAnnotationKeys: [c, b]}}"
            )),
            format!(
                "{path}: Invalid value: [\"b\",\"c\"]: annotation keys cannot be both required and \
                 optional"
            ),
        ),
        (
            attributes(&format!("{{{rest}}}")),
            format!(
                "{path}.cacheType: Required value: cacheType is required to be set when \
                 tokenAttributes is specified. Supported values are: ServiceAccount, Token"
            ),
        ),
        (
            attributes(&format!("{{cacheType: token, {rest}}}")),
            format!(
                "{path}.cacheType: Unsupported value: \"token\": supported values: \
                 \"ServiceAccount\", \"Token\""
            ),
        ),
    ] {
        assert_eq!(invalid(&yaml), text, "{yaml}");
    }
}

#[test]
fn a_name_repeated_in_entries_from_elsewhere_is_found_too() {
    let entry = ProviderEntry {
        name: "a".to_owned(),
        match_images: vec!["h.io".to_owned()],
        default_cache_duration: Some(regcred_api::GoDuration(0)),
        api_version: "credentialprovider.kubelet.k8s.io/v1".to_owned(),
        ..ProviderEntry::default()
    };
    let config = ProviderConfig {
        origins: Vec::new(),
        providers: vec![entry.clone(), entry],
        hash: String::new(),
        files: Vec::new(),
        read_in_part: Vec::new(),
    };
    assert_eq!(
        config.problems()[0].sentence,
        "providers.name: Duplicate value: \"a\""
    );
}

#[test]
fn sound_entries_have_no_problem() {
    let yaml = with(&[(
        "tokenAttributes",
        "{cacheType: ServiceAccount, serviceAccountTokenAudience: x, requireServiceAccount: true, \
         requiredServiceAccountAnnotationKeys: [eks.amazonaws.com/role-arn]}",
    )]);
    let dir = dir(&[("a.yaml", &yaml)]);
    let loaded = ProviderConfig::load(dir.path()).expect("decodes");
    assert_eq!(loaded.problems(), Vec::new());
}
