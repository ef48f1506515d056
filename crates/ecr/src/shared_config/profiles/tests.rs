use super::super::ini::parse;
use super::*;

/// Profile and key of every setting.
fn merged(config: &str, credentials: &str) -> Vec<String> {
    let mut profiles = of_config(parse(config).0);
    add_credentials(&mut profiles, parse(credentials).0);
    let settings = profiles.iter().flat_map(|(name, profile)| {
        let values = profile.values.iter();
        values.map(move |(key, value)| format!("{name}.{key}={}", value.text))
    });
    settings.collect()
}

#[test]
fn the_configuration_file_has_profiles_by_their_prefix_and_the_credentials_file_without() {
    let config = "[default]\nr = 1\n[dev]\nr = 2\n[profile dev]\nr = 3\n[Default]\nr = 4\n\
                  [sso-session s]\nr = 5\n[profile a b]\nr = 6\n[other x]\nr = 7\n";
    assert_eq!(
        merged(config, ""),
        [
            "Default.r=4",
            "a b.r=6",
            "default.r=1",
            "dev.r=3",
            "sso-session s.r=5"
        ]
    );
    let credentials = "[dev]\nr = 1\n[profile dev]\nr = 2\n[a b]\nr = 3\n";
    assert_eq!(merged("", credentials), ["a b.r=3", "dev.r=1"]);
}

#[test]
fn a_default_with_the_prefix_replaces_the_one_without() {
    for config in [
        "[profile default]\nr = 1\n[default]\ns = 2\n",
        "[default]\ns = 2\n[profile default]\nr = 1\n",
    ] {
        assert_eq!(merged(config, ""), ["default.r=1"]);
    }
}

#[test]
fn the_credentials_file_wins_but_for_endpoints_and_half_a_key() {
    let config = "[default]\nregion = a\nendpoint_url = b\naws_access_key_id = c\n\
                  aws_secret_access_key = d\naws_session_token = e\n";
    assert_eq!(
        merged(
            config,
            "[default]\nregion = A\nendpoint_url = B\naws_access_key_id = C\n"
        ),
        [
            "default.aws_access_key_id=c",
            "default.aws_secret_access_key=d",
            "default.aws_session_token=e",
            "default.endpoint_url=b",
            "default.region=A",
        ]
    );
    let half = |config, credentials| {
        let mut profiles = of_config(parse(config).0);
        add_credentials(&mut profiles, parse(credentials).0);
        profiles["default"].has_half_a_key
    };
    let (id, secret) = (
        "[default]\naws_access_key_id = x\n",
        "[default]\naws_secret_access_key = x\n",
    );
    assert!(half(id, "") && half("", secret) && half(id, secret));
    assert!(!half(id, "[default]\nregion = x\n") && !half(&format!("{id}{secret}"), ""));
}
