//! The Azure plugin as a program: every identity through every face into a pull, the command lines
//! of upstream's plugin, what never leaves the machine, many processes with one exchange, and
//! Azure's own clients for Python as a second opinion on the fakes.

mod azure_clients;
mod wire;

use std::os::unix::fs::symlink;
use std::path::Path;

use regcred_tests::acr::{
    ARM_AUDIENCE, AcrCloud, BINDINGS_AUDIENCE, CERTIFICATE_CLIENT, CLIENT_SECRET,
    FEDERATION_AUDIENCE, FakeAcr, FakeEntra, FakeImds, IDENTITY_CLIENT, IDENTITY_OBJECT,
    IDENTITY_RESOURCE, LOGIN_SERVER, NULL_GUID, SECRET_CLIENT, TENANT, TlsFront, WORKLOAD_CLIENT,
    service_account_token,
};
use regcred_tests::conformance;
use regcred_tests::need::workspace;
use regcred_tests::oci_registry::Access;
use regcred_tests::program::{Running, built, script};
use regcred_tests::server::Seen;
use regcred_tests::{FakeRegistry, Finished, Image, Logins, Node, Program, assert_kept};
use serde_json::{Value, json};

/// Azure with everything in it.
struct Azure {
    entra: FakeEntra,
    imds: FakeImds,
    acr: FakeAcr,
    directory: tempfile::TempDir,
}

impl Azure {
    fn start() -> Self {
        let entra = FakeEntra::start();
        Self {
            imds: FakeImds::start(entra.directory()),
            acr: FakeAcr::start(entra.directory()),
            entra,
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    /// The variables that lead a plugin to Entra ID and the registry, and these.
    fn env(&self, vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut env = self.entra.env();
        env.extend(self.acr.env());
        env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        env
    }

    /// The same on a virtual machine.
    fn machine(&self, vars: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut env = self.env(vars);
        env.extend(self.imds.env());
        env
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    }

    #[track_caller]
    fn assert_owner(&self, password: &Value, owner: &str) {
        let password = password.as_str().unwrap_or_default();
        assert_eq!(self.acr.owner(password).as_deref(), Some(owner));
    }
}

fn principal(client: &str) -> [(&'static str, String); 2] {
    [
        ("AZURE_TENANT_ID", TENANT.to_owned()),
        ("AZURE_CLIENT_ID", client.to_owned()),
    ]
}

fn testdata(name: &str) -> String {
    let path = workspace().join("crates/acr/testdata").join(name);
    path.to_str().expect("a plain path").to_owned()
}

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
fn a_pods_token_is_its_own_identity_or_an_error_and_never_the_nodes() {
    let azure = Azure::start();
    let node = azure.machine(&[
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", SECRET_CLIENT),
        ("AZURE_CLIENT_SECRET", CLIENT_SECRET),
    ]);
    let ask = |token: String, annotations: Value| {
        let pod = json!({"serviceAccountToken": token, "serviceAccountAnnotations": annotations});
        let request = request(&format!("{LOGIN_SERVER}/team/app"), pod);
        Program::ours(PLUGIN)
            .envs(node.clone())
            .stdin(request)
            .run()
    };
    let good = || service_account_token(FEDERATION_AUDIENCE, 3000);
    let annotations = |client: &str, tenant: &str| {
        json!({
            "kubernetes.azure.com/acr-client-id": client,
            "kubernetes.azure.com/acr-tenant-id": tenant,
        })
    };
    let answer = ask(good(), annotations(WORKLOAD_CLIENT, TENANT)).json();
    azure.assert_owner(&answer["auth"][LOGIN_SERVER]["password"], "workload");

    let before = azure.acr.exchanges();
    let forged = |token: String| format!("{}AAAA", &token[..token.len() - 4]);
    for (token, annotations, code, word) in [
        (
            good(),
            annotations(WORKLOAD_CLIENT, "other-tenant"),
            6,
            "AADSTS90002",
        ),
        (
            good(),
            annotations(SECRET_CLIENT, TENANT),
            6,
            "AADSTS7000215",
        ),
        (good(), annotations("nobody", TENANT), 6, "AADSTS700016"),
        (
            forged(good()),
            annotations(WORKLOAD_CLIENT, TENANT),
            6,
            "AADSTS50013",
        ),
        (
            service_account_token("api://other", 3000),
            annotations(WORKLOAD_CLIENT, TENANT),
            6,
            "names the token's audience",
        ),
        (
            service_account_token(FEDERATION_AUDIENCE, -10),
            annotations(WORKLOAD_CLIENT, TENANT),
            6,
            "AADSTS700024",
        ),
        (
            good(),
            json!({"example.com/x": "y"}),
            5,
            "kubernetes.azure.com/acr-client-id",
        ),
        (
            good(),
            annotations(" ", TENANT),
            5,
            "kubernetes.azure.com/acr-client-id",
        ),
        (good(), annotations("a/../b", TENANT), 4, "no identifier"),
    ] {
        let done = ask(token, annotations);
        let said = done.fails(code);
        assert!(said.contains(word), "{word}: {said}");
        assert!(!said.contains(CLIENT_SECRET), "{said}");
    }
    assert_eq!(
        azure.acr.exchanges(),
        before,
        "nothing reached the registry"
    );

    // Where no pod's token came, the switch refuses the node's identity.
    let request = request(&format!("{LOGIN_SERVER}/team/app"), json!({}));
    let strict = Program::ours(PLUGIN)
        .envs(node.clone())
        .arg("--require-pod-identity")
        .stdin(request)
        .run();
    strict.fails(5);
}

#[test]
fn identity_bindings_trade_the_pods_token_at_the_api_server() {
    let azure = Azure::start();
    let front = TlsFront::start("ib.cluster.test", azure.entra.server().address());
    let apiserver = front.address().to_string();
    let ca = front.ca_file();
    let ask = |audience: &str, args: &[&str], annotations: Value| {
        let pod = json!({
            "serviceAccountToken": service_account_token(audience, 3000),
            "serviceAccountAnnotations": annotations,
        });
        let flags = [
            "--ib-sni-name=ib.cluster.test",
            "--ib-apiserver-ip",
            &apiserver,
        ];
        Program::ours(PLUGIN)
            .args(flags)
            .args(args)
            .envs(azure.machine(&[]))
            .env("REGCRED_ACR_IB_CA_FILE", &ca)
            // Bindings are never behind a proxy.
            .env("HTTPS_PROXY", "http://127.0.0.1:1")
            .stdin(request(&format!("{LOGIN_SERVER}/team/app"), pod))
            .run()
    };
    let default = format!("--ib-default-client-id={WORKLOAD_CLIENT}");
    let annotated = json!({"kubernetes.azure.com/acr-client-id": WORKLOAD_CLIENT});
    for (args, annotations) in [
        (vec![default.as_str()], json!({})),
        (vec![], annotated.clone()),
    ] {
        let answer = ask(BINDINGS_AUDIENCE, &args, annotations).json();
        azure.assert_owner(&answer["auth"][LOGIN_SERVER]["password"], "bound");
    }
    ask(BINDINGS_AUDIENCE, &[], json!({})).fails(5);
    ask("api://other", &[], annotated).fails(6);
    let without_token = Program::ours(PLUGIN)
        .args([
            "--ib-sni-name=ib.cluster.test",
            "--ib-apiserver-ip",
            &apiserver,
        ])
        .envs(azure.machine(&[]))
        .stdin(request(&format!("{LOGIN_SERVER}/team/app"), json!({})))
        .run();
    without_token.fails(5);
    let half = Program::ours(PLUGIN)
        .args(["--ib-default-client-id", "x"])
        .stdin(request(&format!("{LOGIN_SERVER}/team/app"), json!({})))
        .run();
    half.fails(4);
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

#[test]
fn refusals_say_what_to_fix() {
    let azure = Azure::start();
    let run = |env: Vec<(String, String)>, args: &[&str]| -> Finished {
        let plugin = Program::ours(PLUGIN).args(["token", LOGIN_SERVER]);
        plugin.args(args).envs(env).run()
    };
    let wrong = azure.env(&[
        ("AZURE_TENANT_ID", TENANT),
        ("AZURE_CLIENT_ID", SECRET_CLIENT),
        ("AZURE_CLIENT_SECRET", "wrong-canary"),
    ]);
    let done = run(wrong, &[]);
    let said = done.fails(6);
    assert!(said.contains("configure its value, not its id"), "{said}");
    assert!(
        said.contains("AADSTS7000215") && !said.contains("canary"),
        "{said}"
    );

    let done = run(azure.machine(&[("AZURE_CLIENT_ID", "not-assigned")]), &[]);
    let said = done.fails(5);
    assert!(
        said.contains("not-assigned is not assigned to this machine"),
        "{said}"
    );

    let done = run(azure.machine(&[]), &["--audience", ARM_AUDIENCE]);
    let said = done.fails(6);
    assert!(
        said.contains("AcrPull") && said.contains("acr-correlation-1"),
        "{said}"
    );

    azure.acr.close();
    let done = run(azure.machine(&[]), &[]);
    assert!(done.fails(6).contains("firewall"), "{}", done.stderr);
}

#[test]
fn the_answer_is_kept_by_the_registrys_own_end() {
    let azure = Azure::start();
    for (life, kept) in [(3 * 3600, "1h30m0s"), (1800, "25m0s"), (200, "0s")] {
        azure.acr.set_life(life);
        let done = Program::ours(PLUGIN)
            .envs(azure.machine(&[]))
            .stdin(request(&format!("{LOGIN_SERVER}/app"), json!({})))
            .run();
        assert_kept(&done, kept);
    }
    azure.acr.set_life(-5);
    let done = Program::ours(PLUGIN)
        .envs(azure.machine(&[]))
        .args(["token", LOGIN_SERVER])
        .run();
    assert!(done.fails(8).contains("compare this machine's clock"));
}

#[test]
fn a_name_of_ones_own_gets_the_token_of_the_registry_behind_it() {
    let azure = Azure::start();
    let login = Program::ours(PLUGIN)
        .envs(azure.machine(&[]))
        .args(["token", "registry.example.com", "--output=json"])
        .args(["--login=identity-token"])
        .arg(format!("--also-serve=registry.example.com={LOGIN_SERVER}"))
        .run()
        .json();
    azure.assert_owner(&login["password"], "system");
    assert_eq!(login["username"], "<token>");
    let seen = azure.acr.server().seen();
    let services = seen.iter().flat_map(Seen::form);
    let services: Vec<_> = services.filter(|(name, _)| name == "service").collect();
    assert_eq!(services, [("service".to_owned(), LOGIN_SERVER.to_owned())]);
}

#[test]
fn the_command_is_this_plugin_by_its_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join(PLUGIN);
    symlink(built("regcred"), &link).expect("a link");
    conformance::run(&link.display().to_string(), &AcrCloud::start());
}

#[test]
fn two_hundred_processes_make_one_exchange() {
    let azure = Azure::start();
    let cache = azure.directory.path().join("cache");
    let start = |number: usize| start(&azure, &cache, number);
    let cold: Vec<Running> = (0..200).map(start).collect();
    for running in cold {
        assert!(running.finish().json()["auth"][LOGIN_SERVER].is_object());
    }
    assert_eq!(azure.acr.exchanges(), 1, "cold");
    let warm: Vec<Running> = (200..400).map(start).collect();
    for running in warm {
        assert!(running.finish().json()["auth"][LOGIN_SERVER].is_object());
    }
    assert_eq!(azure.acr.exchanges(), 1, "warm");
    assert_eq!(
        azure.imds.server().count("/metadata/identity"),
        1,
        "one Entra token"
    );
}

fn start(azure: &Azure, cache: &Path, number: usize) -> Running {
    Program::ours(PLUGIN)
        .envs(azure.machine(&[]))
        .env("REGCRED_CACHE", cache)
        .stdin(request(
            &format!("{LOGIN_SERVER}/team/app{number}"),
            json!({}),
        ))
        .start()
}

fn request(image: &str, more: Value) -> String {
    let mut request = json!({
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "kind": "CredentialProviderRequest",
        "image": image,
    });
    if let (Some(request), Value::Object(more)) = (request.as_object_mut(), more) {
        request.extend(more);
    }
    request.to_string()
}

const PLUGIN: &str = "acr-credential-provider";
