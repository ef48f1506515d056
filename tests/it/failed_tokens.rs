//! One way to report: whatever stops a call for a token, the one line of every face names the identity,
//! then the server (and the proxy), then what it answered, then what to do.

mod failure;

use regcred_tests::canary::VERBOSE;
use regcred_tests::clouds;
use regcred_tests::google::KEY_ACCOUNT;
use regcred_tests::icr::API_KEY;
use regcred_tests::{Canary, FakeGoogle, Program, REPEATS, Repeating, Repeats, plugin_request};

use failure::{FAILURES, Failure, Stage, variables};

/// A call for a token that one server answers.
struct Call {
    /// The variable that leads to the server.
    variable: &'static str,
    /// The path after the server's address in the variable.
    path: &'static str,
    /// The identity in the line.
    identity: &'static str,
    /// What the line calls the server, before its address.
    server: &'static str,
    /// The next step after a refusal.
    if_refused: &'static str,
    /// Whether it is a server of the machine's link, which is never asked through a proxy.
    is_link: bool,
    /// Whether it is made with a fresh RSA key, which takes seconds in a debug build.
    makes_key: bool,
}

impl Call {
    const fn of(variable: &'static str, identity: &'static str, server: &'static str) -> Self {
        Self {
            variable,
            path: "",
            identity,
            server,
            if_refused: "",
            is_link: false,
            makes_key: false,
        }
    }

    const fn if_refused(self, if_refused: &'static str) -> Self {
        Self { if_refused, ..self }
    }

    const fn at(self, path: &'static str) -> Self {
        Self { path, ..self }
    }

    const fn with_a_fresh_key(self) -> Self {
        Self {
            makes_key: true,
            ..self
        }
    }

    const fn on_the_link(self) -> Self {
        Self {
            is_link: true,
            ..self
        }
    }
}

#[test]
fn amazons_services() {
    let role = "arn:aws:iam::123456789012:role/puller";
    let instance = "the identity from instance metadata";
    let api = Call::of("AWS_ENDPOINT_URL_ECR", instance, "the API at ");
    check("ecr", &[], &api.if_refused("check the policies"));

    let directory = tempfile::tempdir().expect("a directory");
    let token = directory.path().join("token");
    std::fs::write(&token, "e30.e30.c2ln").expect("a file");
    let token = token.to_str().expect("a plain path");
    let sts = Call::of("AWS_ENDPOINT_URL_STS", role, "STS at ");
    let pod = [
        ("AWS_ROLE_ARN", role),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token),
    ];
    check(
        "ecr",
        &pod,
        &sts.if_refused("check the role's trust policy"),
    );

    let agent = Call::of(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "no AWS identity",
        "the container credentials at ",
    );
    let agent = agent.if_refused("check the role of the task").at("/keys");
    check("ecr", &[], &agent.on_the_link());

    let metadata = Call::of(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "no AWS identity for ",
        "instance metadata (",
    );
    check(
        "ecr",
        &[],
        &metadata.if_refused("give the instance").on_the_link(),
    );
}

#[test]
fn ibms_services() {
    let iam = Call::of("IBMCLOUD_IAM_URL", "the API key", "IAM at ");
    check("icr", &[], &iam.if_refused("make a new API key"));
    let vpc = Call::of(
        "IBMCLOUD_CR_VPC_URL",
        "trusted profile",
        "the metadata server ",
    );
    let vpc = vpc.if_refused("outside a VPC instance set").on_the_link();
    check("icr", &[("IBMCLOUD_API_KEY", "")], &vpc);
}

#[test]
fn microsofts_services() {
    let principal = "the service principal ";
    let entra = Call::of("AZURE_AUTHORITY_HOST", principal, "Entra ID at ");
    check("acr", &[], &entra.if_refused("compare its client id"));
    let registry = Call::of("REGCRED_ACR_ENDPOINT", principal, "the registry contoso");
    check("acr", &[], &registry.if_refused("give it the role AcrPull"));
    let machine = Call::of(
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        "the machine's managed identity",
        "the metadata service ",
    );
    let machine = machine.if_refused("outside a virtual machine of Azure");
    let none = [
        ("AZURE_TENANT_ID", ""),
        ("AZURE_CLIENT_ID", ""),
        ("AZURE_CLIENT_SECRET", ""),
    ];
    check("acr", &none, &machine.on_the_link());
}

#[test]
fn oracles_services() {
    let instance = "the instance principal";
    let metadata = Call::of("OCI_METADATA_BASE_URL", instance, "the metadata server ");
    let metadata = metadata.if_refused("OCIR_AUTH_METHOD").at("/opc/v2");
    check("ocir", &[], &metadata.on_the_link());
    let auth = Call::of(
        "OCI_SDK_AUTH_CLIENT_REGION_URL",
        instance,
        "the auth service ",
    );
    let auth = auth.if_refused("the instance must be of");
    check("ocir", &[], &auth.with_a_fresh_key());
    let registry = Call::of(
        "REGCRED_OCIR_TOKEN_URL",
        "user ocid1.user.",
        "the registry phx.ocir.io",
    );
    let registry = registry.if_refused("the registry is in us-phoenix-1");
    check("ocir", &[("OCI_CLI_AUTH", "api_key")], &registry);
}

#[test]
fn googles_services() {
    let google = FakeGoogle::start();
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, content: &serde_json::Value| {
        let path = directory.path().join(name);
        std::fs::write(&path, content.to_string()).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    };
    let key = file("key.json", &google.key_file());
    let endpoint = "Google's token endpoint at ";
    let oauth = Call::of("REGCRED_GCR_OAUTH_TOKEN_URL", KEY_ACCOUNT, endpoint).at("/token");
    let named = [("GOOGLE_APPLICATION_CREDENTIALS", &*key)];
    check("gcr", &named, &oauth.if_refused("create a new key"));

    let login = file("login.json", &google.user_file());
    let oauth = Call::of("REGCRED_GCR_OAUTH_TOKEN_URL", "the login in ", endpoint).at("/token");
    let named = [("GOOGLE_APPLICATION_CREDENTIALS", &*login)];
    check("gcr", &named, &oauth.if_refused("renew it with gcloud"));

    let acting = Call::of(
        "REGCRED_GCR_IAM_CREDENTIALS_URL",
        "the node's identity as puller@demo-project.iam.gserviceaccount.com",
        "the IAM Credentials API at ",
    );
    let acting = acting.if_refused("grant it roles/iam.serviceAccountTokenCreator");
    let named = [(
        "REGCRED_GCR_IMPERSONATE",
        "puller@demo-project.iam.gserviceaccount.com",
    )];
    check("gcr", &named, &acting);

    let metadata = Call::of(
        "GCE_METADATA_HOST",
        "the machine's service account",
        "the metadata server ",
    );
    check(
        "gcr",
        &[],
        &metadata.if_refused("allow the machine's").on_the_link(),
    );
}

/// Every failure of the call, through every face.
fn check(provider: &str, vars: &[(&str, &str)], call: &Call) {
    check_canary(provider, vars, call);
    let cloud = clouds::start(provider);
    let at_once = if call.makes_key { 1 } else { FAILURES.len() };
    for failures in FAILURES.chunks(at_once) {
        std::thread::scope(|scope| {
            for failure in failures {
                let is_of_proxy = matches!(failure, Failure::ProxyClosed | Failure::ProxyRefuses);
                if call.is_link && is_of_proxy {
                    continue;
                }
                let (mut env, image) = (cloud.env(), cloud.image());
                env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
                scope.spawn(move || check_failure(provider, image, env, call, failure));
            }
        });
    }
}

/// A server that repeats what it was sent: through no face, at no level of the log, a secret is shown.
fn check_canary(provider: &str, vars: &[(&str, &str)], call: &Call) {
    if call.is_link {
        return; // It is sent no secret.
    }
    let cloud = clouds::start(provider);
    let mut canary = Canary::default();
    let repeats = if call.makes_key {
        &REPEATS[..1]
    } else {
        &REPEATS[..]
    };
    for repeats in repeats {
        let server = Repeating::start(*repeats);
        let context = format!("{provider}, {} and {repeats:?}", call.variable);
        let mut env = cloud.env();
        env.extend(vars.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        env.extend(variables(
            call.variable,
            call.path,
            &server.server().authority(),
        ));
        let plugin = format!("{provider}-credential-provider");
        let start = || {
            Program::ours(&plugin)
                .envs(env.clone())
                .env("REGCRED_LOG", VERBOSE)
        };
        let mut done = vec![start().stdin(plugin_request(cloud.image())).run()];
        if *repeats == Repeats::Json(401) {
            done.push(start().args(["token", cloud.image()]).run());
            done.push(start().args(["docker", "get"]).stdin(cloud.image()).run());
        }
        let sent = server.repeated();
        assert!(!sent.is_empty(), "{context}: no secret was sent");
        let issued = cloud.secrets().into_iter().filter(|one| one.len() >= 6);
        canary.look_for(sent.into_iter().chain(issued), &context);
        for done in done {
            assert_ne!(done.code(), Some(0), "{context}");
            assert!(done.stderr.len() > 20, "{context}: {}", done.stderr);
            canary.search_output(&context, &done);
        }
    }
    canary.end(500 * repeats.len());
}

fn check_failure(
    provider: &str,
    image: &str,
    mut env: Vec<(String, String)>,
    call: &Call,
    failure: &Failure,
) {
    let stage = Stage::of(failure);
    env.extend(stage.env(call.variable, call.path));
    let context = format!("{provider}, {} and {failure:?}", call.variable);
    let check = |line: &str| {
        in_order(line, call, failure, &stage, &context);
        assert!(!line.contains(API_KEY), "{context}: a secret in {line}");
    };
    let plugin = format!("{provider}-credential-provider");
    let start = || Program::ours(&plugin).envs(env.clone());
    let kubelet = start().stdin(plugin_request(image)).run();
    let code = kubelet.code().unwrap_or(-1);
    assert!((5..=8).contains(&code), "{code}: {}", kubelet.stderr);
    check(kubelet.fails(code));
    if call.makes_key {
        return;
    }
    let token = start().args(["token", image]).run();
    let verdict = token.fails(code).lines().last().unwrap_or_default();
    let reason = verdict.strip_prefix(&format!("{image}: "));
    check(reason.unwrap_or_else(|| panic!("the image is not first in {verdict}")));
    let helper = start().args(["docker", "get"]).stdin(image).run();
    assert_eq!(helper.code(), Some(1), "{}", helper.stderr);
    check(helper.stdout().trim_end());
}

/// Identity, server, answer, next step.
#[track_caller]
fn in_order(line: &str, call: &Call, failure: &Failure, stage: &Stage, context: &str) {
    let mut rest = line;
    let mut pass = |what: &str, words: &[String]| {
        let found = words
            .iter()
            .filter_map(|one| Some((rest.find(one)?, one.len())));
        let Some((at, length)) = found.min() else {
            panic!("{context}: {what} {words:?} is not at its place in: {line}");
        };
        rest = &rest[at + length..];
    };
    pass("the identity", &[call.identity.to_owned()]);
    pass("the server", &[call.server.to_owned()]);
    pass("the address", &[stage.address()]);
    pass("the answer", &failure.answers());
    let Some((_, next_step)) = rest.split_once("; ") else {
        panic!("{context}: no next step after the answer in: {line}");
    };
    let expected = match failure {
        Failure::ProxyClosed => "correct the variable, or list the server in NO_PROXY",
        _ if failure.is_refusal() => call.if_refused,
        _ => "",
    };
    assert!(
        next_step.contains(expected),
        "{context}: {expected:?} is not the next step in: {line}"
    );
    assert!(
        !next_step.contains("answered "),
        "{context}: the answer comes last in: {line}"
    );
}
