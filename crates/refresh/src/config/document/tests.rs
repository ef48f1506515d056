use serde_json::Value;

use super::*;
use crate::config::Period;

/// Every field, so that the schema can be held against it.
const FULL: &str = "
apiVersion: refresh.regcred.dev/v1
kind: RefreshConfiguration
registries:
- name: aws
  provider: ecr
  hosts: [public.ecr.aws]
  account: '123456789012'
  region: eu-west-1
  env: {AWS_PROFILE: pull}
  envFiles: {AWS_SECRET_ACCESS_KEY: /run/secrets/key}
  path: /x
  login: {username: u, passwordFile: /p, passwordVariable: P}
  maxAge: 6h
  namespaceIdentity: {annotation: a, alsoPass: [b], serviceAccount: puller, audience: sts, required: false}
targets:
- name: t
  registries: [aws]
  secret:
    name: regcred
    type: kubernetes.io/dockercfg
    labels: {a: b}
    annotations: {c: d}
    ownership: Merge
  namespaces:
    include: ['*']
    exclude: [x]
    selector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In, values: [b]}]}
  serviceAccounts: {names: [default], all: true, selector: {}}
  dockerConfig: {path: /c.json, owner: 'root:root', mode: '0600'}
intervals: {reapply: 10m, retry: 1s, retryCap: 1m}
limits: {parallel: 4, requestsPerSecond: 50}
server: {address: '127.0.0.1:9090'}
leaderElection: {enabled: false, name: l, namespace: n, leaseDuration: 20s}
";

#[test]
fn every_field_is_read_and_written_back_as_it_was() {
    let config = Config::parse(FULL).expect("sound");
    let text = serde_json::to_string(&config).expect("JSON");
    let again = Config::parse(&text).expect("JSON is YAML");
    assert_eq!(serde_json::to_string(&again).expect("JSON"), text);
    assert_eq!(config.intervals.reapply, Period::seconds(600));
}

#[test]
fn what_is_unknown_repeated_or_of_another_kind_is_refused() {
    for (text, word) in [
        (FULL.replace("region:", "regoin:"), "regoin"),
        (FULL.replace("maxAge: 6h", "maxAge: soon"), "soon"),
        (FULL.replace("reapply: 10m", "reapply: -10m"), "negative"),
        (FULL.replace("operator: In", "operator: Like"), "Like"),
        (
            FULL.replace("kind: RefreshC", "kind: C"),
            "RefreshConfiguration",
        ),
        (FULL.replace("dev/v1", "dev/v2"), "refresh.regcred.dev/v1"),
        (format!("{FULL}\nregistries: []\n"), "registries"),
    ] {
        let error = Config::parse(&text).expect_err(word).to_string();
        assert!(error.contains(word), "{word}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn the_schema_for_editors_names_the_same_fields() {
    let config = serde_json::to_value(Config::parse(FULL).expect("sound")).expect("JSON");
    // The empty selector of service accounts shows its fields in the schema only.
    let hidden = [".targets[].serviceAccounts.selector."];
    regcred_tests::schema::assert_same_fields(SCHEMA, &config, &hidden);
}

#[test]
fn the_shipped_configurations_are_sound() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kubernetes");
    let specs = regcred_providers::all();
    let env = regcred_core::Env::map([("REGCRED_CACHE", "off")]);
    let mut files = vec![
        root.join("cluster/config.yaml"),
        root.join("host/refresh.yaml"),
    ];
    for cloud in std::fs::read_dir(root.join("clouds")).expect("overlays") {
        files.push(cloud.expect("an entry").path().join("config.yaml"));
    }
    assert_eq!(
        files.len(),
        2 + 6,
        "one for each cloud, and one for tenants"
    );
    for file in files {
        let shown = file.display();
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{shown}: {e}"));
        let config = Config::parse(&text).unwrap_or_else(|e| panic!("{shown}: {e}"));
        let plan = crate::plan::Plan::new(&config, &specs, &env);
        plan.unwrap_or_else(|e| panic!("{shown}: {e}"));
    }
}

#[test]
fn the_schema_for_editors_names_every_provider() {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    let listed = &schema["$defs"]["registry"]["properties"]["provider"]["enum"];
    let mut names: Vec<_> = regcred_providers::all()
        .iter()
        .map(|spec| spec.name)
        .collect();
    names.extend([crate::config::FILE, crate::config::STATIC]);
    assert_eq!(*listed, serde_json::json!(names));
}
