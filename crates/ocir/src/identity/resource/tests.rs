use super::*;

fn read(vars: &[(&str, &str)]) -> Result<Resource, ProviderError> {
    Resource::read(&Env::map(vars.iter().copied()), "")
}

#[test]
fn each_version_needs_its_variables_and_names_the_missing_one() {
    for (vars, missing) in [
        (&[(vars::RESOURCE_VERSION, "2.2")][..], vars::RESOURCE_RPST),
        (
            &[
                (vars::RESOURCE_VERSION, "2.2"),
                (vars::RESOURCE_RPST, "a.b.c"),
            ],
            vars::RESOURCE_KEY,
        ),
        (
            &[(vars::RESOURCE_VERSION, "1.1")],
            vars::RESOURCE_RPT_ENDPOINT,
        ),
        (&[(vars::RESOURCE_VERSION, "2.1")], vars::RESOURCE_ID),
        (
            &[(vars::RESOURCE_VERSION, "2.1.1"), (vars::RESOURCE_ID, "x")],
            vars::RESOURCE_TENANCY,
        ),
        (&[(vars::RESOURCE_VERSION, "9")], "must be 1.1, 2.1"),
    ] {
        let error = read(vars).expect_err(missing);
        assert!(error.to_string().contains(missing), "{error}");
    }
}

#[test]
fn key_and_passphrase_are_both_paths_or_neither() {
    let with = |key, passphrase| {
        read(&[
            (vars::RESOURCE_VERSION, "2.2"),
            (vars::RESOURCE_RPST, "a.b.c"),
            (vars::RESOURCE_KEY, key),
            (vars::RESOURCE_PASSPHRASE, passphrase),
        ])
    };
    assert!(with("/a/key", "/a/pass").is_ok() && with("pem", "pass").is_ok());
    assert!(with("/a/key", "pass").is_err() && with("pem", "/a/pass").is_err());
}

#[test]
fn paths_take_the_resource_at_their_end_or_place() {
    assert_eq!(path_v212(None, "x"), format!("{PATH_V212}/x"));
    assert_eq!(path_v212(Some("/p/{}"), "x"), "/p/x");
    assert_eq!(path_v212(Some("/p/"), "x"), "/p/x");
    assert_eq!(path_v212(Some("/p"), "x"), "/p/x");
}

#[test]
fn names_hold_no_secret() {
    let resource = read(&[
        (vars::RESOURCE_VERSION, "2.2"),
        (vars::RESOURCE_RPST, "canary.b.c"),
        (vars::RESOURCE_KEY, "canary"),
    ])
    .expect("valid");
    assert!(!resource.stable_name().contains("canary"));
    assert!(!format!("{resource:?}").contains("canary"));
}
