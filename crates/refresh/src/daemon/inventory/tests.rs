//! What service accounts change, however many a namespace has.

use regcred_core::Env;
use serde_json::json;

use super::*;
use crate::config::Config;

fn plan(registry: &str) -> Plan {
    let config = Config::parse(&format!(
        "apiVersion: refresh.regcred.dev/v1\nkind: RefreshConfiguration\nregistries:\n\
         - {{name: g, provider: gcr, hosts: [gcr.io]{registry}}}\ntargets:\n\
         - {{name: t, secret: {{name: s}}, serviceAccounts: {{all: true}}}}"
    ));
    let specs = regcred_providers::all();
    Plan::new(&config.expect("sound"), &specs, &Env::default()).expect("a plan")
}

fn account(name: &str, more: serde_json::Value) -> Object {
    let mut object = more;
    object["metadata"]["namespace"] = "a".into();
    object["metadata"]["name"] = name.into();
    serde_json::from_value(object).expect("an account")
}

fn namespace(inventory: &mut Inventory) {
    let object = json!({"metadata": {"name": "a"}});
    inventory.namespace(serde_json::from_value(object).expect("a namespace"));
}

#[test]
fn a_namespace_of_many_accounts_is_served_in_turns() {
    let plan = plan("");
    let mut inventory = Inventory::new(&plan);
    namespace(&mut inventory);
    inventory.accounts_listed(None, true);
    let ours = vec![Key::Secret(0, "a".into())];
    for n in 0..20_000 {
        let change = inventory.account(account(&format!("n{n}"), json!({})), &plan);
        assert_eq!(change.lacking, ours);
    }
    let known = Namespace::named("a".into());
    let turn = inventory.accounts_for(0, &known, &plan).expect("watched");
    assert_eq!(turn.len(), IN_ONE_TURN);
    // Those that have it now leave their place to others.
    for one in &turn {
        let linked = json!({"imagePullSecrets": [{"name": "s"}]});
        let change = inventory.account(account(&one.metadata.name, linked), &plan);
        assert_eq!(change, AccountChange::default());
    }
    let next = inventory.accounts_for(0, &known, &plan).expect("watched");
    assert_eq!(next.len(), IN_ONE_TURN);
    assert!(next.iter().all(|one| !one.lists("s")));
}

#[test]
fn another_annotation_of_the_account_that_proves_an_identity_counts() {
    let plan = plan(", namespaceIdentity: {annotation: role, audience: x}");
    let mut inventory = Inventory::new(&plan);
    namespace(&mut inventory);
    let with = |name: &str, role: &str| {
        account(name, json!({"metadata": {"annotations": {"role": role}}}))
    };
    for (name, role, expected) in [
        ("default", "one", true),
        ("default", "one", false),
        ("default", "two", true),
        ("other", "one", false),
    ] {
        let change = inventory.account(with(name, role), &plan);
        assert_eq!(change.identity, expected, "{name} {role}");
    }
}
