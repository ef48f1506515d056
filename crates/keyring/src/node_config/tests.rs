use std::fs;

use super::*;

const GOOD: &str = r#"{"auths":{"h.io":{"auth":"dTpw"}}}"#;

fn load(files: impl IntoIterator<Item = PathBuf>) -> NodeConfig {
    NodeConfig::load(files, KeyringRules::default())
}

fn users(config: &NodeConfig, image: &str) -> Vec<String> {
    let found = config.keyring.lookup(image);
    found.into_iter().map(|c| c.credentials.username).collect()
}

fn outcomes(config: &NodeConfig) -> Vec<String> {
    config.files.iter().map(|f| f.outcome.to_string()).collect()
}

#[test]
fn eight_places_in_the_kubelets_order() {
    let paths = SearchPaths {
        root_dir: "/var/lib/kubelet".into(),
        cwd: "/cwd".into(),
        home: Some("/root".into()),
    };
    assert_eq!(
        paths.files().map(|path| path.display().to_string()),
        [
            "/var/lib/kubelet/config.json",
            "/cwd/config.json",
            "/root/.docker/config.json",
            "/.docker/config.json",
            "/var/lib/kubelet/.dockercfg",
            "/cwd/.dockercfg",
            "/root/.dockercfg",
            "/.dockercfg",
        ]
    );
}

#[test]
fn relative_values_start_from_the_working_directory() {
    let paths = SearchPaths {
        root_dir: "kubelet".into(),
        cwd: "/cwd".into(),
        home: None,
    };
    let files = paths.files();
    assert_eq!(files[0], Path::new("/cwd/kubelet/config.json"));
    assert_eq!(files[2], Path::new("/cwd/.docker/config.json"));
    assert_eq!(files[6], Path::new("/cwd/.dockercfg"));
}

#[test]
fn the_first_file_that_parses_is_used_alone() {
    let dir = tempfile::tempdir().expect("directory");
    let path = |name: &str| dir.path().join(name);
    fs::create_dir(path("directory.json")).expect("directory");
    fs::write(path("broken.json"), "{").expect("file");
    fs::write(path("bad-entry.json"), r#"{"auths":{"x":{"auth":"%"}}}"#).expect("file");
    fs::write(path("good.json"), GOOD).expect("file");
    fs::write(path("later.json"), r#"{"auths":{"h.io/x":{}}}"#).expect("file");
    let config = load([
        path("missing.json"),
        path("directory.json"),
        path("broken.json"),
        path("bad-entry.json"),
        path("good.json"),
        path("later.json"),
    ]);
    assert_eq!(users(&config, "h.io/x"), ["u"]);
    assert_eq!(config.used(), Some(&*path("good.json")));
    assert_eq!(
        outcomes(&config),
        [
            "missing",
            "unreadable: is a directory",
            "unparsable: unexpected end of JSON input",
            "unparsable: entry \"x\": illegal base64 data at input byte 0",
            "used",
            "not looked at"
        ]
    );
    let source = &config.keyring.lookup("h.io/x")[0].source;
    assert_eq!(
        source.to_string(),
        format!("docker config {}", path("good.json").display())
    );
}

#[test]
fn an_empty_file_of_the_right_form_wins_and_gives_nothing() {
    let dir = tempfile::tempdir().expect("directory");
    let path = |name: &str| dir.path().join(name);
    for (number, text) in ["{}", r#"{"credHelpers":{}}"#, "null"].iter().enumerate() {
        fs::write(path("config.json"), text).expect("file");
        fs::write(path("second.json"), GOOD).expect("file");
        let config = load([path("config.json"), path("second.json")]);
        assert!(config.keyring.is_empty(), "{number}");
        assert_eq!(outcomes(&config), ["used", "not looked at"]);
    }
}

#[test]
fn the_name_decides_the_form() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join(".dockercfg");
    fs::write(&path, r#"{"https://h.io/v1/":{"auth":"dTpw"}}"#).expect("file");
    let config = load([path]);
    assert_eq!(users(&config, "h.io/x"), ["u"]);
}

#[test]
fn the_search_goes_through_its_own_directories() {
    let dir = tempfile::tempdir().expect("directory");
    let paths = SearchPaths {
        root_dir: dir.path().join("root"),
        cwd: dir.path().join("cwd"),
        home: Some(dir.path().join("home")),
    };
    let files = paths.files();
    for index in [6, 5, 4, 2, 1, 0] {
        let file = &files[index];
        fs::create_dir_all(file.parent().expect("parent")).expect("directory");
        let entry = format!(r#""h.io":{{"username":"file-{index}"}}"#);
        let text = match index {
            0..4 => format!(r#"{{"auths":{{{entry}}}}}"#),
            _ => format!("{{{entry}}}"),
        };
        fs::write(file, text).expect("file");
        let config = load(files.clone());
        assert_eq!(config.used(), Some(&**file));
        assert_eq!(users(&config, "h.io/x"), [format!("file-{index}")]);
    }
}

#[test]
fn notes_tell_what_is_ignored() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("config.json");
    fs::write(
        &path,
        r#"{"credsStore":"desktop","credHelpers":{"h.io":"x"},
            "auths":{"g.io":{"auth":"%"},"h.io":{"identitytoken":"canary"}}}"#,
    )
    .expect("file");
    let rules = KeyringRules {
        skip_bad_entries: true,
        ..KeyringRules::default()
    };
    let config = NodeConfig::load([path], rules);
    assert_eq!(
        config.files[0].notes,
        [
            "credsStore is ignored by the kubelet",
            "credHelpers is ignored by the kubelet",
            "entry \"g.io\" is left out: illegal base64 data at input byte 0"
        ]
    );
    // The entry is still tried, with nothing in it.
    assert_eq!(users(&config, "h.io/x"), [""]);
    let found = config.keyring.inspect("h.io/x");
    assert_eq!(
        found[0].entries[0].notes,
        [
            "identitytoken is ignored by the kubelet",
            "user name and password are empty"
        ]
    );
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn the_rule_for_the_default_registry_is_passed_on() {
    let dir = tempfile::tempdir().expect("directory");
    let path = dir.path().join("config.json");
    fs::write(&path, r#"{"auths":{"https://index.docker.io/v1/":{}}}"#).expect("file");
    for (docker_hub_only, count) in [(false, 1), (true, 0)] {
        let rules = KeyringRules {
            docker_hub_only,
            ..KeyringRules::default()
        };
        let config = NodeConfig::load([path.clone()], rules);
        assert_eq!(config.keyring.lookup("localhost/x").len(), count);
    }
}
