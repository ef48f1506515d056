//! The command line of upstream's plugin, and this one under the name of it.

use std::os::unix::fs::symlink;

use regcred_tests::acr::{
    AcrCloud, CLIENT_SECRET, IDENTITY_CLIENT, LOGIN_SERVER, SECRET_CLIENT, TENANT,
};
use regcred_tests::program::built;
use regcred_tests::{Program, conformance};
use serde_json::{Value, json};

use super::{Azure, PLUGIN, request};

#[test]
fn upstreams_command_line_is_understood() {
    let azure = Azure::start();
    let json = |text: Value| azure.file("azure.json", &text.to_string());
    let run = |args: &[&str], vars: &[(String, String)], image: &str| {
        Program::ours(PLUGIN)
            .args(args)
            .envs(vars.to_vec())
            .stdin(request(image, json!({})))
            .run()
    };
    let image = format!("{LOGIN_SERVER}/team/app:v1");
    let machine = azure.machine(&[]);

    // As AKS writes it; the machine's identity, although a secret is named.
    let file = json(json!({
        "cloud": "AzurePublicCloud", "tenantId": TENANT, "aadClientId": "msi",
        "aadClientSecret": "msi", "useManagedIdentityExtension": true,
        "userAssignedIdentityID": IDENTITY_CLIENT, "userAgent": "our-cluster/1",
        "resourceManagerEndpoint": "https://management.azure.com/",
    }));
    let answer = run(&["--v=2", &file], &machine, &image).json();
    azure.assert_owner(&answer["auth"][LOGIN_SERVER]["password"], "user");
    assert_eq!(answer["cacheKeyType"], "Registry");
    let seen = azure.acr.server().seen();
    assert_eq!(
        seen.last().and_then(|s| s.header("user-agent")),
        Some("our-cluster/1")
    );

    // A mirror: the node's identity, and both names in the answer.
    let mirror = format!("mcr.microsoft.com:{LOGIN_SERVER}");
    let args = ["--registry-mirror", &mirror, &file];
    let answer = run(&args, &machine, "mcr.microsoft.com/pause:3.9").json();
    for key in ["mcr.microsoft.com", LOGIN_SERVER] {
        azure.assert_owner(&answer["auth"][key]["password"], "user");
    }
    let elsewhere = run(&args, &machine, "mcr.microsoft.com.evil.test/pause").json();
    assert_eq!(elsewhere["auth"], json!({}));

    // A service principal goes to Entra ID, and to the registry only when that is asked for.
    let file = json(json!({
        "tenantId": TENANT, "aadClientId": SECRET_CLIENT, "aadClientSecret": CLIENT_SECRET,
    }));
    let answer = run(&[&file], &azure.env(&[]), &image).json();
    azure.assert_owner(&answer["auth"][LOGIN_SERVER]["password"], "secret");
    let answer = run(&["--login=secret", &file], &azure.env(&[]), &image).json();
    let login = json!({"username": SECRET_CLIENT, "password": CLIENT_SECRET});
    assert_eq!(answer["auth"], json!({ LOGIN_SERVER: login }));

    // Neither a wrong file nor a file without identity leads to another identity.
    let file = json(json!({"useManagedIdentityExtension": false}));
    assert!(
        run(&[&file], &machine, &image)
            .fails(4)
            .contains("names no identity")
    );
    run(&["/nonexistent/azure.json"], &machine, &image).fails(4);
}

#[test]
fn the_command_is_this_plugin_by_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join(PLUGIN);
    symlink(built("regcred"), &link).expect("a link");
    conformance::run(&link.display().to_string(), &AcrCloud::start());
}
