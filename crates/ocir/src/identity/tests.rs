use regcred_core::ErrorKind;

use super::*;

fn request() -> CredentialRequest {
    CredentialRequest::new("phx.ocir.io/ns/app").expect("request")
}

fn choose(request: &CredentialRequest, vars: &[(&str, &str)]) -> Result<Identity, ProviderError> {
    let env = Env::map(vars.iter().copied());
    Identity::choose(&env, &Settings::read(&env)?, request)
}

fn chosen(vars: &[(&str, &str)]) -> String {
    let identity = choose(&request(), vars).expect("an identity");
    let text = format!("{identity:?}");
    text.split(['(', ' ']).next().unwrap_or_default().to_owned()
}

const USER: [(&str, &str); 3] = [
    (vars::CLI_USER, "ocid1.user.oc1..me"),
    (vars::CLI_TENANCY, "ocid1.tenancy.oc1..t"),
    (vars::CLI_KEY_CONTENT, "PEM"),
];
const RESOURCE: [(&str, &str); 3] = [
    (vars::RESOURCE_VERSION, "2.2"),
    (vars::RESOURCE_RPST, "a.b.c"),
    (vars::RESOURCE_KEY, "PEM"),
];
const LOGIN: [(&str, &str); 2] = [(vars::USERNAME, "ns/me"), (vars::AUTH_TOKEN, "t")];
const CLUSTER: (&str, &str) = (vars::KUBERNETES_HOST, "10.0.0.1");

#[test]
fn the_first_that_is_named_is_chosen() {
    let all = [&USER[..], &RESOURCE, &LOGIN].concat();
    assert_eq!(chosen(&[]), "Instance");
    assert_eq!(chosen(&USER), "User");
    assert_eq!(chosen(&[&USER[..], &RESOURCE].concat()), "Resource");
    assert_eq!(chosen(&all), "AuthToken");
    for (method, name) in [
        ("INSTANCE_PRINCIPAL", "Instance"),
        ("user_principal", "User"),
        ("resource_principal", "Resource"),
        ("auth_token", "AuthToken"),
        ("oke_workload_identity", "Workload"),
    ] {
        let vars = [&all[..], &[(vars::AUTH_METHOD, method), CLUSTER]].concat();
        assert_eq!(chosen(&vars), name, "{method}");
    }
}

#[test]
fn a_stray_configuration_file_is_never_read_for_the_node() {
    let home = tempfile::tempdir().expect("directory");
    std::fs::create_dir(home.path().join(".oci")).expect("directory");
    let config = "[DEFAULT]\nuser=ocid1.user.oc1..me\ntenancy=ocid1.tenancy.oc1..t\nkey_file=/k\n";
    std::fs::write(home.path().join(".oci/config"), config).expect("file");
    let home = ("HOME", home.path().to_str().expect("path"));
    assert_eq!(chosen(&[home]), "Instance");
    assert_eq!(chosen(&[home, (vars::CLI_AUTH, "api_key")]), "User");
    assert_eq!(chosen(&[home, (vars::CLI_PROFILE, "DEFAULT")]), "User");
}

#[test]
fn the_kubelets_token_is_the_identity_and_never_the_nodes() {
    let mut request = request();
    request.service_account_token = Some("canary.b.c".into());
    let all = [&USER[..], &RESOURCE, &LOGIN].concat();
    let error = choose(&request, &all).expect_err("no cluster is named");
    assert!(error.to_string().contains(vars::KUBERNETES_HOST), "{error}");
    let workload = choose(&request, &[&all[..], &[CLUSTER]].concat()).expect("workload");
    assert!(matches!(workload, Identity::Workload(_)));
    let shown = format!(
        "{workload:?} {:?} {}",
        workload.stable_name(),
        workload.label()
    );
    assert!(!shown.contains("canary"), "{shown}");
    // The operator's method holds for pods, too.
    let node = choose(&request, &[(vars::AUTH_METHOD, "instance_principal")]).expect("node");
    assert!(matches!(node, Identity::Instance(None)));
}

#[test]
fn a_request_without_a_token_can_be_refused() {
    let error = choose(&request(), &[(vars::REQUIRE_POD_IDENTITY, "true")]).expect_err("strict");
    assert_eq!(error.kind(), ErrorKind::IdentityUnavailable);
}

#[test]
fn half_a_login_is_an_error() {
    for vars in [
        &[(vars::USERNAME, "ns/me")][..],
        &[(vars::AUTH_TOKEN, "canary")],
        &[(vars::USERNAME, "me@corp"), (vars::AUTH_TOKEN, "canary")],
        &[(vars::AUTH_METHOD, "auth_token")],
    ] {
        let error = choose(&request(), vars).expect_err("half");
        assert_eq!(error.kind(), ErrorKind::NotConfigured);
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn names_tell_identities_apart_and_no_secrets() {
    let name = |vars: &[(&str, &str)]| choose(&request(), vars).expect("one").stable_name();
    assert_eq!(name(&LOGIN), None);
    let names = [name(&[]), name(&USER), name(&RESOURCE)].map(|n| n.expect("shared"));
    assert!(names[0] != names[1] && names[1] != names[2]);
    assert!(
        names
            .iter()
            .all(|n| !n.contains("PEM") && !n.contains("a.b.c"))
    );
}
