//! Every identity through every face into a pull, and what is asked for each.

use regcred_tests::acr::{
    ARM_AUDIENCE, CERTIFICATE_CLIENT, CLIENT_SECRET, FEDERATION_AUDIENCE, IDENTITY_CLIENT,
    IDENTITY_OBJECT, IDENTITY_RESOURCE, LOGIN_SERVER, NULL_GUID, SECRET_CLIENT, TENANT,
    WORKLOAD_CLIENT, service_account_token,
};
use regcred_tests::oci_registry::Access;
use regcred_tests::program::script;
use regcred_tests::{FakeRegistry, Image, Logins, Node, Program};
use serde_json::json;

use super::{Azure, PLUGIN, testdata};

#[test]
fn every_identity_pulls_through_every_face() {
    let azure = Azure::start();
    let token_file = azure.file("token", &service_account_token(FEDERATION_AUDIENCE, 3000));
    let secret_file = azure.file("secret", &format!("{CLIENT_SECRET}\n"));
    let token = service_account_token(FEDERATION_AUDIENCE, 3000);
    let of = |client: &str, vars: &[(&str, &str)]| {
        let mut env = azure.env(vars);
        env.extend(principal(client).map(|(n, v)| (n.to_owned(), v)));
        env
    };
    let certificate = |file: &str, more: &[(&str, &str)]| {
        let path = testdata(file);
        let mut vars = vec![("AZURE_CLIENT_CERTIFICATE_PATH", path.as_str())];
        vars.extend(more);
        of(CERTIFICATE_CLIENT, &vars)
    };
    let managed = |id: &str| azure.machine(&[("REGCRED_ACR_MANAGED_IDENTITY", id)]);
    let mut app_service = azure.env(&[("REGCRED_ACR_MANAGED_IDENTITY", IDENTITY_RESOURCE)]);
    app_service.extend(azure.imds.app_service_env());
    let az = fake_az(&azure);
    for (owner, env) in [
        (
            "secret",
            of(SECRET_CLIENT, &[("AZURE_CLIENT_SECRET", CLIENT_SECRET)]),
        ),
        (
            "secret",
            of(
                SECRET_CLIENT,
                &[("REGCRED_ACR_CLIENT_SECRET_FILE", &secret_file)],
            ),
        ),
        ("certificate", certificate("test-only-pkcs8.pem", &[])),
        (
            "certificate",
            certificate(
                "test-only-password.pfx",
                &[
                    ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "canary-pfx"),
                    ("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", "true"),
                ],
            ),
        ),
        (
            "workload",
            of(
                WORKLOAD_CLIENT,
                &[("AZURE_FEDERATED_TOKEN_FILE", &token_file)],
            ),
        ),
        (
            "workload",
            of(WORKLOAD_CLIENT, &[("AZURE_FEDERATED_TOKEN", &token)]),
        ),
        ("system", azure.machine(&[])),
        (
            "user",
            azure.machine(&[("AZURE_CLIENT_ID", IDENTITY_CLIENT)]),
        ),
        ("user", managed(&format!("object:{IDENTITY_OBJECT}"))),
        ("user", managed(IDENTITY_RESOURCE)),
        ("user", app_service),
        ("system", az),
    ] {
        let plugin = || Program::ours(PLUGIN).envs(env.clone());
        let docker = plugin()
            .args(["docker", "get"])
            .stdin(format!("https://{LOGIN_SERVER}"))
            .run()
            .json();
        assert_eq!(docker["Username"], NULL_GUID);
        azure.assert_owner(&docker["Secret"], owner);
        let token = plugin().args(["token", LOGIN_SERVER]).run().success();
        azure.assert_owner(&json!(token.trim()), owner);
        pulls(azure.acr.logins(), &env);
    }
}

#[test]
fn the_admin_user_works_in_every_face() {
    let azure = Azure::start();
    let username = azure.file("username", "contoso\n");
    let password = azure.file("password", "adm1n/password+\n");
    let env = azure.env(&[
        ("REGCRED_ACR_USERNAME_FILE", &username),
        ("REGCRED_ACR_PASSWORD_FILE", &password),
    ]);
    let plugin = || Program::ours(PLUGIN).envs(env.clone());
    let docker = plugin()
        .args(["docker", "get"])
        .stdin(LOGIN_SERVER)
        .run()
        .json();
    assert_eq!(docker["Username"], "contoso");
    assert_eq!(docker["Secret"], "adm1n/password+");
    let token = plugin().args(["token", LOGIN_SERVER]).run().success();
    assert_eq!(token.trim_end(), "adm1n/password+");
    pulls(&Logins::of("contoso", "adm1n/password+"), &env);
    assert_eq!(azure.acr.exchanges(), 0);
    // The password of one registry is not for another.
    let other = plugin().args(["token", "contoso-a1b2.azurecr.io"]).run();
    assert!(!other.fails(4).contains("adm1n"));
    let named = plugin()
        .args(["token", "fabrikam.azurecr.io", "--output=json"])
        .args([
            "--login-server",
            "fabrikam.azurecr.io",
            "--username",
            "pull-token",
        ])
        .run()
        .json();
    assert_eq!(named["username"], "pull-token");
}

#[test]
fn a_cloud_that_knows_only_the_resource_manager_is_asked_again() {
    let azure = Azure::start();
    azure.entra.directory().forget_registries();
    azure.acr.take_only(ARM_AUDIENCE);
    for env in [
        azure.machine(&[]),
        azure.env(&[
            ("AZURE_TENANT_ID", TENANT),
            ("AZURE_CLIENT_ID", SECRET_CLIENT),
            ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
        ]),
    ] {
        let plugin = || {
            Program::ours(PLUGIN)
                .args(["token", LOGIN_SERVER])
                .envs(env.clone())
        };
        let _ = plugin().run().success();
        let done = plugin()
            .arg("--audience=https://containerregistry.azure.net")
            .run();
        assert!(done.fails(6).contains("AADSTS500011"));
    }
}

/// Through the kubelet's face: the registry takes the null GUID with its own tokens only.
fn pulls(logins: &Logins, env: &[(String, String)]) {
    let registry = FakeRegistry::start(Access::Bearer(logins.clone()));
    registry.push("team/app", "v1", &Image::single(7, 1, 1_000));
    let mut node = Node::new();
    node.add_plugin(PLUGIN, &["*.azurecr.io"], env);
    node.map_host(LOGIN_SERVER, &registry.server().url());
    let pulled = node.pull(&format!("{LOGIN_SERVER}/team/app:v1")).run();
    assert!(pulled.success().contains(LOGIN_SERVER));
}

/// The Azure CLI as a script that hands out a token of Entra ID's.
fn fake_az(azure: &Azure) -> Vec<(String, String)> {
    let token = issued(azure);
    let bin = azure.directory.path().join("bin");
    std::fs::create_dir_all(&bin).expect("a directory");
    let az = bin.join("az");
    let answer = json!({
        "accessToken": token, "expires_on": 4_102_444_800_i64, "tokenType": "Bearer",
        "tenant": TENANT,
    });
    let text = format!(
        "case \"$*\" in\n\
         *'account get-access-token -o json --scope https://containerregistry.azure.net/.default'*)\n\
         echo '{answer}' ;;\n*) echo 'unknown command' >&2; exit 2 ;;\nesac"
    );
    script(&az, &text);
    let path = format!("{}:/usr/bin:/bin", bin.display());
    azure.env(&[("REGCRED_ACR_IDENTITY", "cli"), ("PATH", &path)])
}

/// A token for the registry's audience that some other client got.
fn issued(azure: &Azure) -> String {
    let _ = Program::ours(PLUGIN)
        .envs(azure.machine(&[]))
        .args(["token", LOGIN_SERVER])
        .run()
        .success();
    let tokens = azure.entra.directory().tokens();
    let of_system = |token: &&String| {
        let granted = azure.entra.directory().granted(token);
        granted.is_some_and(|g| g.owner == "system")
    };
    tokens.iter().find(of_system).expect("just issued").clone()
}

fn principal(client: &str) -> [(&'static str, String); 2] {
    [
        ("AZURE_TENANT_ID", TENANT.to_owned()),
        ("AZURE_CLIENT_ID", client.to_owned()),
    ]
}
