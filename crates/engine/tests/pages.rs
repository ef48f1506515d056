//! The pages stay true: the examples they show are the ones that are compiled, and the admission
//! policies cover every place where a pod names an image.

use std::fs;
use std::path::Path;

use regcred_engine::Improvements;
use serde_json::Value;

#[test]
fn pages_show_the_examples_as_they_are() {
    for (page, example) in [
        ("embedding.md", "order.rs"),
        ("verified-images.md", "ensure.rs"),
    ] {
        let code = read(&format!("crates/engine/examples/{example}"));
        let fenced = format!("```rust\n{}\n```", code.trim_end());
        assert!(
            read(&format!("docs/{page}")).contains(&fenced),
            "{page} shows another {example}"
        );
    }
}

#[test]
fn every_improvement_has_its_row() {
    let page = read("docs/embedding.md");
    for name in Improvements::names() {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
    let rows = page.lines().filter(|line| {
        let name = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split('`').next());
        name.is_some_and(|name| name.contains('-'))
    });
    assert_eq!(rows.count(), Improvements::names().count());
}

#[test]
fn policies_cover_every_place_of_an_image() {
    for (file, kind, verb) in [
        ("mutate", "MutatingAdmissionPolicy", "mutations"),
        ("validate", "ValidatingAdmissionPolicy", "validations"),
    ] {
        let documents = documents(file);
        let policies: Vec<&Value> = documents.iter().filter(|d| d["kind"] == kind).collect();
        let binding = format!("{kind}Binding");
        let bindings: Vec<&Value> = documents.iter().filter(|d| d["kind"] == binding).collect();
        assert_eq!(
            (policies.len(), bindings.len(), documents.len()),
            (2, 2, 4),
            "{file}"
        );
        for (policy, (resource, operations, fields)) in policies.iter().zip([
            (
                "pods",
                &["CREATE", "UPDATE"][..],
                &["containers", "initContainers", "volumes"][..],
            ),
            (
                "pods/ephemeralcontainers",
                &["UPDATE"],
                &["ephemeralContainers"],
            ),
        ]) {
            assert_eq!(policy["apiVersion"], "admissionregistration.k8s.io/v1");
            let spec = &policy["spec"];
            assert_eq!(spec["failurePolicy"], "Fail", "{file} {resource}");
            let rule = &spec["matchConstraints"]["resourceRules"][0];
            assert_eq!(rule["resources"], Value::from(vec![resource]));
            assert_eq!(rule["operations"], Value::from(operations.to_vec()));
            let rules = spec[verb].as_array().expect("rules");
            assert_eq!(rules.len(), fields.len(), "{file} {resource}");
            for (rule, field) in rules.iter().zip(fields) {
                let expression = match verb {
                    "mutations" => &rule["applyConfiguration"]["expression"],
                    _ => &rule["expression"],
                };
                let expression = expression.as_str().expect("an expression");
                assert!(
                    expression.contains(&format!("object.spec.{field}")),
                    "{expression}"
                );
                let policy = match *field {
                    "volumes" => "pullPolicy",
                    _ => "imagePullPolicy",
                };
                assert!(expression.contains(policy), "{expression}");
                let open = expression.matches(['(', '{', '[']).count();
                assert_eq!(
                    open,
                    expression.matches([')', '}', ']']).count(),
                    "{expression}"
                );
            }
            let name = &policy["metadata"]["name"];
            let binding = bindings.iter().find(|b| b["spec"]["policyName"] == *name);
            let selector = &binding.expect("bound")["spec"]["matchResources"]["namespaceSelector"];
            let exempt = &selector["matchExpressions"][0];
            assert_eq!(exempt["operator"], "NotIn");
            let names = exempt["values"].as_array().expect("names");
            assert!(names.contains(&Value::from("kube-system")), "{name}");
        }
    }
}

fn documents(name: &str) -> Vec<Value> {
    let text = read(&format!("docs/kubernetes/always-pull/{name}.yaml"));
    serde_saphyr::from_multiple(&text).expect("YAML")
}

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::read_to_string(root.join(path)).expect(path)
}
