//! The pod's own identity (KEP-4412): by a pool outside GKE and by GKE's identity namespace, as a
//! service account of Google's or as itself, through a pull; and never the node's in its place.

use regcred_tests::google::{
    GKE_AUDIENCE, GKE_ISSUER, GKE_POD, NODE_ACCOUNT, POD, POOL, PROJECT, TARGET_ACCOUNT,
};
use regcred_tests::{FakeGceMetadata, FakeGoogle, Finished};
use serde_json::{Value, json};

use super::{
    Dir, HOST, IMAGE, PLUGIN, Vars, node_with, password, plugin, registry, request, vars,
    who_pulled,
};

#[test]
fn pods_pull_with_their_own_identity() {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    machine.set_attribute("cluster-location", "europe-west1");
    machine.set_attribute("cluster-name", "c1");
    let pool = format!("https:{POOL}");
    let elsewhere = google.cluster().token(&pool, 600);
    let gke = google.gke_cluster().token(GKE_AUDIENCE, 600);
    let by_flags = [
        format!("--identity-provider={GKE_ISSUER}"),
        format!("--project-id={PROJECT}"),
    ];
    let by_flags: Vec<&str> = by_flags.iter().map(String::as_str).collect();
    let by_pool = format!("--sts-audience={POOL}");
    let by_pool_as_audience = format!("--sts-audience={pool}");
    let (opt_in, acts_as) = (
        format!("{OPT_IN}=true"),
        format!("{ACTS_AS}={TARGET_ACCOUNT}"),
    );
    for (owner, args, audience, token, annotations) in [
        // Outside GKE.
        (POD, &[&*by_pool][..], &*pool, &elsewhere, &[&*opt_in][..]),
        (POD, &[&by_pool_as_audience], &pool, &elsewhere, &[&opt_in]),
        (
            POD,
            &[&by_pool, "--pod-identity=always"],
            &pool,
            &elsewhere,
            &[],
        ),
        (TARGET_ACCOUNT, &[&by_pool], &pool, &elsewhere, &[&acts_as]),
        // In GKE, by upstream's flags and by what the metadata server knows.
        (GKE_POD, &by_flags, GKE_AUDIENCE, &gke, &[&opt_in]),
        (GKE_POD, &[], GKE_AUDIENCE, &gke, &[&opt_in]),
        (
            TARGET_ACCOUNT,
            &[],
            GKE_AUDIENCE,
            &gke,
            &[&opt_in, &acts_as],
        ),
        // Pods that did not ask for it pull as the node.
        (NODE_ACCOUNT, &by_flags, GKE_AUDIENCE, &gke, &[]),
        (
            NODE_ACCOUNT,
            &["--pod-identity=never"],
            GKE_AUDIENCE,
            &gke,
            &[&opt_in],
        ),
    ] {
        println!("{owner} by {args:?} {annotations:?}");
        let mut env = google.env();
        env.extend(machine.env());
        let registry = registry(&google);
        let mut node = node_with(&registry);
        node.add_plugin(PLUGIN, &["*.pkg.dev"], &[]);
        let config = kubelet_config(args, audience, &env);
        std::fs::write(node.config(), config.to_string()).expect("a configuration");
        let dir = Dir::new();
        let file = dir.file("token", token);
        let mut pull = node.pull(IMAGE).args(["--service-account-token", &file]);
        for annotation in annotations {
            pull = pull.args(["--service-account-annotation", annotation]);
        }
        assert!(pull.run().success().contains(HOST));
        assert_eq!(who_pulled(&google, &registry), [owner]);
    }
}

#[test]
fn a_pods_identity_that_fails_is_an_error_with_its_reason() {
    let google = FakeGoogle::start();
    let machine = FakeGceMetadata::start_beside(&google);
    let mut env = google.env();
    env.extend(machine.env());
    env.extend(vars(&[("REGCRED_GCR_STS_AUDIENCE", POOL)]));
    let cluster = google.cluster();
    let pool = format!("https:{POOL}");
    let foreign_account = "other@demo-project.iam.gserviceaccount.com";
    for (token, annotations, code, parts) in [
        (
            cluster.token("another-user", 600),
            json!({OPT_IN: "true"}),
            6,
            [
                "400",
                "invalid_grant",
                "does not match the expected audience",
            ],
        ),
        (
            cluster.token(&pool, -5),
            json!({OPT_IN: "true"}),
            6,
            ["400", "invalid_grant", "is stale to sign-in"],
        ),
        (
            google.gke_cluster().token(&pool, 600),
            json!({OPT_IN: "true"}),
            6,
            ["400", "invalid_grant", "The issuer in ID Token"],
        ),
        (
            cluster.token(&pool, 600),
            json!({ACTS_AS: foreign_account}),
            6,
            [
                "403",
                "Permission 'iam.serviceAccounts.getAccessToken' denied",
                "the pod's identity as other@demo-project.iam.gserviceaccount.com received no token",
            ],
        ),
        (
            String::new(),
            json!({OPT_IN: "true"}),
            5,
            [
                "kubelet sent no service account token",
                "tokenAttributes",
                "serviceAccountTokenAudience",
            ],
        ),
        (
            cluster.token(&pool, 600),
            json!({ACTS_AS: "not an email"}),
            4,
            [ACTS_AS, "not the email of a service account", "email"],
        ),
    ] {
        let done = ask(&env, &token, &annotations);
        let said = done.fails(code);
        for part in parts {
            assert!(said.contains(part), "{part:?} is not in: {said}");
        }
        let secret = token.split('.').nth(1).unwrap_or("no token");
        assert!(!said.contains(secret), "a token in: {said}");
    }
    assert_eq!(machine.token_requests(), 0, "never the node's instead");
}

#[test]
fn a_pods_answer_ends_with_its_token_and_is_its_own() {
    let google = FakeGoogle::start();
    let dir = Dir::new();
    let mut env = google.env();
    env.extend(vars(&[
        ("REGCRED_GCR_STS_AUDIENCE", POOL),
        ("REGCRED_GCR_POD_IDENTITY", "always"),
        ("REGCRED_CACHE", &dir.path("cache").display().to_string()),
    ]));
    let token = |ends_in| google.cluster().token(&format!("https:{POOL}"), ends_in);
    let (one, other) = (token(600), token(700));
    let first = ask(&env, &one, &json!({})).json();
    assert_eq!(first["cacheKeyType"], "Registry");
    let kept = super::text(&first["cacheDuration"]);
    assert!(kept.starts_with("53m") || kept.starts_with("54m"), "{kept}");
    assert_eq!(google.owner(password(&first)).as_deref(), Some(POD));
    let again = ask(&env, &one, &json!({})).json();
    assert_eq!(password(&first), password(&again), "from the shared cache");
    let of_another = ask(&env, &other, &json!({})).json();
    assert_ne!(password(&first), password(&of_another));
    assert_eq!(google.server().count("/v1/token"), 2);
    // Without a token there is no identity to answer for.
    let none = plugin(&env).stdin(request(IMAGE).to_string()).run();
    none.fails(5);
}

fn ask(env: &Vars, token: &str, annotations: &Value) -> Finished {
    let mut request = request(IMAGE);
    request["serviceAccountAnnotations"] = annotations.clone();
    if !token.is_empty() {
        request["serviceAccountToken"] = json!(token);
    }
    plugin(env).stdin(request.to_string()).run()
}

fn kubelet_config(args: &[&str], audience: &str, env: &Vars) -> Value {
    let env: Vec<Value> = env
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let args: Vec<&str> = ["get-credentials"].iter().chain(args).copied().collect();
    let provider = json!({
        "name": PLUGIN,
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "matchImages": ["gcr.io", "*.gcr.io", "*.pkg.dev", "docker.*.rep.pkg.dev"],
        "defaultCacheDuration": "1m",
        "args": args,
        "env": env,
        "tokenAttributes": {
            "serviceAccountTokenAudience": audience,
            "cacheType": "ServiceAccount",
            "requireServiceAccount": true,
            "optionalServiceAccountAnnotationKeys": [OPT_IN, ACTS_AS],
        },
    });
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [provider],
    })
}

const OPT_IN: &str = "iam.gke.io/enable-wi-image-pull";
const ACTS_AS: &str = "iam.gke.io/gcp-service-account";
