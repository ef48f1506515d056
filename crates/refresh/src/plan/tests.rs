use regcred_core::Env;

use super::*;
use crate::config::{Config, ConfigError};

fn plan(text: &str) -> Result<Plan, ConfigError> {
    let text = format!("apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\n{text}");
    let config = Config::parse(&text)?;
    let env = Env::map([("REGCRED_CACHE", "off")]);
    Plan::new(&config, &regcred_providers::all(), &env)
}

fn targets(text: &str) -> Result<Plan, ConfigError> {
    plan(&format!(
        "registries:\n- {{name: g, provider: gcr, hosts: [gcr.io]}}\n\
         - {{name: e, provider: ecr, account: '123456789012', region: eu-west-1}}\ntargets:\n{text}"
    ))
}

fn namespace(name: &str, annotations: &[(&str, &str)]) -> Namespace {
    let mut namespace = Namespace::named(name.into());
    let pairs = annotations
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    namespace.annotations = pairs.collect();
    namespace
}

#[test]
fn mistakes_are_named_with_their_place() {
    let registry = |fields: &str| {
        plan(&format!("registries: [{{name: r, {fields}}}]\ntargets: []")).map(|_| ())
    };
    for (result, words) in [
        (registry("provider: azure"), "\"azure\" is not a provider"),
        (registry("provider: gcr"), "name at least one host"),
        (
            registry("provider: gcr, hosts: [evil.io]"),
            "does not serve evil.io",
        ),
        (
            registry("provider: gcr, hosts: [gcr.io, gcr.io]"),
            "occurs twice",
        ),
        (
            registry("provider: gcr, hosts: [gcr.io], account: x"),
            "only with ecr",
        ),
        (registry("provider: ecr, account: '1'"), "go together"),
        (
            registry("provider: gcr, hosts: [gcr.io], env: {AWS_PROFILE: x}"),
            "not a variable of gcr",
        ),
        (
            registry("provider: icr, hosts: [icr.io], env: {IBMCLOUD_API_KEY: canary}"),
            "is a secret: mount it as a file",
        ),
        (
            registry("provider: gcr, hosts: [gcr.io/a//b]"),
            "host \"gcr.io/a//b\": its path cannot be the path of an image",
        ),
        (
            registry("provider: gcr, hosts: ['gcr.io/team-*']"),
            "its path cannot be the path of an image",
        ),
        (
            registry("provider: gcr, hosts: [gcr.io/a, 'https://gcr.io/a/']"),
            "host \"gcr.io/a\" is empty or occurs twice",
        ),
        (registry("provider: file"), "absolute path"),
        (registry("provider: static, hosts: [h]"), "needs a login"),
        (
            registry("provider: static, login: {username: u, passwordVariable: P}"),
            "name at least one host",
        ),
        (
            registry("provider: static, hosts: [h], login: {username: u}"),
            "either passwordFile or passwordVariable",
        ),
        (
            registry("provider: static, hosts: [h], login: {username: u, passwordFile: p}"),
            "must be absolute",
        ),
        (
            registry("provider: static, hosts: [h], login: {username: 'a:b', passwordFile: /p}"),
            "login.username",
        ),
        (
            registry("provider: static, hosts: [u@h], login: {username: u, passwordFile: /p}"),
            "user information",
        ),
        (
            registry(
                "provider: static, hosts: [h], env: {A: b}, login: {username: u, passwordFile: /p}",
            ),
            "static reads no variables",
        ),
        (
            registry("provider: gcr, hosts: [gcr.io], login: {username: u, passwordFile: /p}"),
            "login is only for provider static",
        ),
        (
            targets("- {name: t}").map(|_| ()),
            "either secret or dockerConfig",
        ),
        (
            targets("- {name: t, secret: {name: Bad_Name}}").map(|_| ()),
            "not a valid object name",
        ),
        (
            targets("- {name: t, secret: {name: a, type: Opaque}}").map(|_| ()),
            "reads no logins",
        ),
        (
            targets("- {name: t, registries: [x], secret: {name: a}}").map(|_| ()),
            "the registry \"x\" is not configured",
        ),
        (
            targets("- {name: t, secret: {name: a}}\n- {name: u, secret: {name: a}}").map(|_| ()),
            "would both write",
        ),
        (
            targets("- {name: t, dockerConfig: {path: /x, mode: '888'}}").map(|_| ()),
            "not octal",
        ),
        (
            targets("- {name: t, secret: {name: a, labels: {app.kubernetes.io/managed-by: me}}}")
                .map(|_| ()),
            "set by the refresher",
        ),
    ] {
        let error = result.expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
        assert!(!error.contains("canary"), "{error}");
    }
}

#[test]
fn a_registry_in_the_name_makes_a_secret_for_each() {
    let plan = targets("- {name: t, secret: {name: '{registry}-{namespace}'}}").expect("sound");
    let names: Vec<_> = plan
        .secrets
        .iter()
        .map(|secret| secret.name_in("shop"))
        .collect();
    assert_eq!(names, ["g-shop", "e-shop"]);
    let hosts = &plan.sources[1].registry.hosts;
    assert_eq!(hosts, &["123456789012.dkr.ecr.eu-west-1.amazonaws.com"]);
}

#[test]
fn literal_names_need_no_list() {
    let named =
        targets("- {name: t, secret: {name: a}, namespaces: {include: [x, y], exclude: [y]}}");
    let names = named.expect("sound").named_namespaces();
    let names = names.expect("names alone decide");
    assert_eq!(names.into_iter().collect::<Vec<_>>(), ["x".into()]);
    for needing in [
        "- {name: t, secret: {name: a}}",
        "- {name: t, secret: {name: a}, namespaces: {include: [x], selector: {}}}",
    ] {
        assert_eq!(
            targets(needing).expect("sound").named_namespaces(),
            None,
            "{needing}"
        );
    }
}

#[test]
fn some_namespaces_are_never_served() {
    let plan = targets("- {name: t, secret: {name: a}}").expect("sound");
    let secret = &plan.secrets[0];
    assert!(secret.covers(&namespace("x", &[])).is_ok());
    assert!(secret.covers(&namespace("kube-node-lease", &[])).is_err());
    for (key, value) in [
        ("refresh.regcred.dev/ignore", "true"),
        ("alexellis.io/registry-creds.ignore", "1"),
        ("k8s.titansoft.com/imagepullsecret-patcher-exclude", "true"),
    ] {
        assert!(
            secret.covers(&namespace("x", &[(key, value)])).is_err(),
            "{key}"
        );
        assert!(
            secret.covers(&namespace("x", &[(key, "false")])).is_ok(),
            "{key}"
        );
    }
    let mut dying = namespace("x", &[]);
    dying.terminating = true;
    assert!(secret.covers(&dying).is_err());
}

#[test]
fn the_inputs_change_with_what_decides_the_content() {
    let of = |text: &str| targets(text).expect("sound").secrets[0].inputs.clone();
    let one = of("- {name: t, secret: {name: a}}");
    assert_eq!(one, of("- {name: other, secret: {name: b}}"));
    assert_ne!(one, of("- {name: t, registries: [g], secret: {name: a}}"));
    assert_ne!(
        one,
        of("- {name: t, secret: {name: a, type: kubernetes.io/dockercfg}}")
    );
    let of = |registry: &str| {
        let text = format!("registries: [{registry}]\ntargets: [{{name: t, secret: {{name: a}}}}]");
        plan(&text).expect("sound").secrets[0].inputs.clone()
    };
    let plain = of("{name: e, provider: ecr, hosts: [public.ecr.aws]}");
    for (fields, changes) in [
        ("maxAge: 1h", false),
        ("env: {AWS_PROFILE: x}", true),
        ("envFiles: {AWS_SECRET_ACCESS_KEY: /x}", true),
        ("namespaceIdentity: {annotation: a, audience: b}", true),
    ] {
        let with = of(&format!(
            "{{name: e, provider: ecr, hosts: [public.ecr.aws], {fields}}}"
        ));
        assert_eq!(with != plain, changes, "{fields}");
    }
    // Written into annotations: what a release before wrote must mean the same.
    assert_eq!(plain, "e895de706bd1846e0a562eace7f5bbc8");
}
