use std::collections::BTreeSet;

use super::*;

fn regions(vars: &[(&str, &str)]) -> Regions {
    Regions::read(&Env::map(vars.iter().copied())).expect("valid variables")
}

#[test]
fn the_table_is_whole_and_without_repeats() {
    let realms: BTreeSet<_> = TABLE.iter().map(|region| &region.realm).collect();
    let names: BTreeSet<_> = TABLE.iter().flat_map(|r| [&r.key, &r.id]).collect();
    assert_eq!((realms.len(), TABLE.len(), names.len()), (20, 85, 170));
    for region in TABLE.iter() {
        assert!(crate::hosts::is_region_key(&region.key), "{region:?}");
        assert!(crate::hosts::is_region_id(&region.id), "{region:?}");
        assert_eq!(region.clone().checked().as_ref(), Some(region));
        // A realm has one domain.
        let mut of_realm = TABLE.iter().filter(|other| other.realm == region.realm);
        assert!(of_realm.all(|other| other.domain == region.domain));
    }
}

#[test]
fn keys_and_identifiers_find_the_region_and_its_realm() {
    let regions = regions(&[]);
    for (name, id, realm, domain) in [
        ("phx", "us-phoenix-1", "oc1", "oraclecloud.com"),
        (" IAD\n", "us-ashburn-1", "oc1", "oraclecloud.com"),
        ("ap-tokyo-1", "ap-tokyo-1", "oc1", "oraclecloud.com"),
        ("lfi", "us-langley-1", "oc2", "oraclegovcloud.com"),
        ("ltn", "uk-gov-london-1", "oc4", "oraclegovcloud.uk"),
        ("str", "eu-frankfurt-2", "oc19", "oraclecloud.eu"),
        ("bno", "ap-chuncheon-2", "oc35", "oraclecloud35.com"),
    ] {
        let found = regions.find(name).expect(name);
        assert_eq!(
            (&*found.id, &*found.realm, &*found.domain),
            (id, realm, domain)
        );
    }
    assert_eq!(regions.find("mars-north-1"), None);
    assert_eq!(regions.assume("mars-north-1").domain, "oraclecloud.com");
}

#[test]
fn files_and_the_variable_add_regions_but_replace_none() {
    let home = tempfile::tempdir().expect("directory");
    let oci = home.path().join(".oci");
    std::fs::create_dir(&oci).expect("directory");
    let region = |id: &str, key: &str, domain: &str| {
        format!(
            r#"{{"regionIdentifier":"{id}","regionKey":"{key}","realmKey":"OC99","realmDomainComponent":"{domain}"}}"#
        )
    };
    let list = format!(
        "[{},{}]",
        region("xx-new-1", "XNW", "new.cloud"),
        region("us-phoenix-1", "phx", "evil.cloud")
    );
    std::fs::write(oci.join("regions-config.json"), list).expect("file");
    let tool = format!(
        r#"{{"regions":[{}]}}"#,
        region("xx-tool-1", "xtl", "tool.cloud")
    );
    std::fs::write(oci.join("developer-tool-configuration.json"), tool).expect("file");
    let home = home.path().to_str().expect("path");
    let variable = region("xx-var-1", "xvr", "var.cloud");

    let all = regions(&[("HOME", home), (vars::REGION_METADATA, &variable)]);
    assert_eq!(all.find("xnw").expect("file").domain, "new.cloud");
    assert_eq!(all.find("xx-tool-1").expect("tool").realm, "oc99");
    assert_eq!(all.find("XVR").expect("variable").id, "xx-var-1");
    assert_eq!(all.find("phx").expect("table").domain, "oraclecloud.com");
    assert!(all.has_domain("var.cloud") && !all.has_domain("other.cloud"));

    let only = regions(&[("HOME", home), (vars::ONLY_TOOL_REGIONS, "true")]);
    assert!(only.find("phx").is_none() && only.find("xnw").is_none());
    assert!(only.find("xtl").is_some());
}

#[test]
fn broken_metadata_is_an_error_in_the_variable_and_left_out_of_a_file() {
    let error = Regions::read(&Env::map([(vars::REGION_METADATA, "{canary")])).expect_err("broken");
    assert!(!error.to_string().contains("canary"), "{error}");
    let bad =
        r#"{"regionIdentifier":"a/b","regionKey":"x","realmKey":"y","realmDomainComponent":"c.d"}"#;
    assert!(Regions::read(&Env::map([(vars::REGION_METADATA, bad)])).is_err());
    assert!(Regions::read(&Env::map([(vars::DEFAULT_REALM, "a b")])).is_err());

    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), "not json").expect("file");
    let path = file.path().to_str().expect("path");
    assert!(regions(&[(vars::TOOL_FILE, path)]).find("xnw").is_none());
}

#[test]
fn the_default_realm_names_the_domain_of_unknown_regions() {
    let regions = regions(&[(vars::DEFAULT_REALM, "Sovereign.Example")]);
    assert_eq!(regions.assume("xx-new-1").domain, "sovereign.example");
    assert_eq!(regions.added_domains(), ["sovereign.example"]);
    assert_eq!(
        regions.find("phx").expect("table").domain,
        "oraclecloud.com"
    );
}
