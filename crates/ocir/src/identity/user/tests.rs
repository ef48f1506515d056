use super::*;

const FINGERPRINT: &str = "20:3b:97:13:55:1c:5b:0d:d3:37:d8:50:4e:c5:3a:34";

fn home(config: &str) -> (tempfile::TempDir, String) {
    let home = tempfile::tempdir().expect("directory");
    std::fs::create_dir(home.path().join(".oci")).expect("directory");
    std::fs::write(home.path().join(".oci/config"), config).expect("file");
    std::fs::write(home.path().join("session.token"), "h.eyJzdWIiOiJtZSJ9.s\n").expect("file");
    let path = home.path().to_str().expect("path").to_owned();
    (home, path)
}

fn config() -> String {
    format!(
        "[DEFAULT]\nuser=ocid1.user.oc1..me\ntenancy=ocid1.tenancy.oc1..t\nfingerprint={FINGERPRINT}\n\
         key_file=~/.oci/key.pem\n\
         [session]\nsecurity_token_file=~/session.token\nuser=\n\
         [node]\nauthentication_type=instance_principal\n\
         [broken]\nuser=canary\n"
    )
}

fn shown(
    home: &str,
    wanted: WantedProfile,
    vars: &[(&str, &str)],
) -> Result<String, ProviderError> {
    let all = vars.iter().copied().chain([("HOME", home)]);
    Ok(match read(&Env::map(all), wanted)? {
        Found::User(user) => user.stable_name(),
        Found::Instance(delegation) => format!("instance {}", delegation.is_some()),
    })
}

#[test]
fn a_profile_is_a_user_a_session_or_an_instance() {
    let (_keep, home) = home(&config());
    let user = format!("user ocid1.tenancy.oc1..t/ocid1.user.oc1..me/{FINGERPRINT}");
    assert_eq!(shown(&home, WantedProfile::Any, &[]).expect("user"), user);
    let session = shown(&home, WantedProfile::Any, &[(vars::CLI_PROFILE, "session")]);
    let session = session.expect("session");
    assert_eq!(session, format!("session {home}/session.token me"));
    let node = shown(&home, WantedProfile::Any, &[(vars::CLI_PROFILE, "node")]);
    assert_eq!(node.expect("instance"), "instance false");
}

#[test]
fn a_variable_wins_over_the_profile_and_the_profile_over_terraform() {
    let (_keep, home) = home(&config());
    let named = shown(
        &home,
        WantedProfile::Any,
        &[
            (vars::CLI_USER, "ocid1.user.oc1..other"),
            (vars::TF_TENANCY, "ocid1.x.y..z"),
        ],
    );
    assert!(
        named
            .expect("user")
            .contains("tenancy.oc1..t/ocid1.user.oc1..other/")
    );
    let terraform = shown(
        "/nonexistent",
        WantedProfile::Any,
        &[
            (vars::TF_USER, "ocid1.user.oc1..tf"),
            (vars::TF_TENANCY, "ocid1.tenancy.oc1..tf"),
            (vars::TF_KEY_FILE, "/k"),
        ],
    );
    assert!(
        terraform
            .expect("user")
            .contains("..tf/ocid1.user.oc1..tf/")
    );
}

#[test]
fn what_is_missing_or_wrong_is_named_and_no_value_shown() {
    let (_keep, home) = home(&config());
    for (wanted, vars, words) in [
        (WantedProfile::Session, &[][..], vars::CLI_TOKEN_FILE),
        (WantedProfile::OnBehalf, &[], vars::CLI_DELEGATION_FILE),
        (
            WantedProfile::Any,
            &[(vars::CLI_PROFILE, "broken")],
            "the user is not an OCID",
        ),
        (
            WantedProfile::Any,
            &[(vars::CLI_PROFILE, "other")],
            "no profile",
        ),
        (
            WantedProfile::Any,
            &[(vars::CLI_FINGERPRINT, "canary")],
            "fingerprint",
        ),
        (
            WantedProfile::Any,
            &[(vars::CONFIG_FILE, "/nonexistent/c")],
            "/nonexistent/c",
        ),
    ] {
        let error = shown(&home, wanted, vars).expect_err(words);
        let text = error.to_string();
        assert!(text.contains(words) && !text.contains("canary"), "{text}");
    }
    let error = shown("/nonexistent", WantedProfile::Any, &[]).expect_err("nothing");
    assert!(error.to_string().contains(vars::CLI_USER), "{error}");
}

#[test]
fn a_delegation_token_is_read_for_an_instance() {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), "a.b.c\n").expect("file");
    let path = file.path().to_str().expect("path");
    let found = shown(
        "/nonexistent",
        WantedProfile::OnBehalf,
        &[(vars::CLI_DELEGATION_FILE, path)],
    );
    assert_eq!(found.expect("instance"), "instance true");
    std::fs::write(file.path(), "\n").expect("file");
    let found = shown(
        "/nonexistent",
        WantedProfile::OnBehalf,
        &[(vars::CLI_DELEGATION_FILE, path)],
    );
    assert!(found.is_err());
}
