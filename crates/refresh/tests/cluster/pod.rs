//! The pod of a workload, as the applied objects make it: its arguments, files and variables.

use std::path::{Path, PathBuf};

use regcred_tests::{Program, icr};
use serde_json::{Value, json};

use crate::manifests::namespace_of;

pub(crate) type Vars = Vec<(String, String)>;

/// A pod as the applied objects make it.
pub(crate) struct Pod {
    pub(crate) home: String,
    pub(crate) template: Value,
    pub(crate) account: Value,
    pub(crate) arguments: Vec<String>,
    vars: Vars,
    files: tempfile::TempDir,
}

impl Pod {
    pub(crate) fn of(objects: &[Value]) -> Self {
        let mut workloads = objects.iter().filter(|object| template(object).is_some());
        let workload = workloads.next().expect("a workload");
        assert!(workloads.next().is_none(), "one workload");
        let home = namespace_of(workload).expect("a namespace").to_owned();
        let template = template(workload).cloned().unwrap_or_default();
        let named = |kind: &str, name: &Value| {
            let mut same = objects.iter().filter(|object| {
                object["kind"] == kind && namespace_of(object) == Some(home.as_str())
            });
            let found = same.find(|object| object["metadata"]["name"] == *name);
            found.unwrap_or_else(|| panic!("no {kind} {name} in {home}"))
        };
        let account = template["spec"]["serviceAccountName"].as_str();
        let account = account.expect("a service account");
        let files = tempfile::tempdir().expect("a directory");
        let container = &template["spec"]["containers"][0];
        let mounts: Vec<_> = list(&container["volumeMounts"])
            .map(|mount| {
                let name = mount["name"].as_str().expect("a name");
                let path = mount["mountPath"].as_str().expect("a path");
                (path.to_owned(), files.path().join(name))
            })
            .collect();
        let moved = |text: &str| {
            mounts.iter().fold(text.to_owned(), |text, (path, here)| {
                text.replace(path, &here.display().to_string())
            })
        };
        for volume in list(&template["spec"]["volumes"]) {
            let here = files.path().join(volume["name"].as_str().expect("a name"));
            std::fs::create_dir(&here).expect("a directory");
            if let Some(name) = volume.pointer("/configMap/name") {
                let data = named("ConfigMap", name)["data"].clone();
                for (file, text) in data.as_object().expect("files") {
                    let text = moved(text.as_str().expect("a text"));
                    std::fs::write(here.join(file), text).expect("written");
                }
            }
            for source in list(&volume["projected"]["sources"]) {
                let token = &source["serviceAccountToken"];
                let audience = token["audience"].as_str().expect("an audience");
                let file = here.join(token["path"].as_str().expect("a path"));
                let text = icr::token_of(&format!("{home}:{account}"), audience, 3000);
                std::fs::write(file, text).expect("written");
            }
        }
        let mut vars = Vars::new();
        for var in list(&container["env"]) {
            assert_eq!(
                var["valueFrom"],
                json!({"fieldRef": {"fieldPath": "metadata.namespace"}})
            );
            vars.push((
                var["name"].as_str().expect("a name").to_owned(),
                home.clone(),
            ));
        }
        let expanded = |text: String| {
            let fill = |text: String, (name, value): &(String, String)| {
                text.replace(&format!("$({name})"), value)
            };
            vars.iter().fold(text, fill)
        };
        let arguments = list(&container["args"]).map(|arg| arg.as_str().expect("a text"));
        Self {
            account: named("ServiceAccount", &template["spec"]["serviceAccountName"]).clone(),
            arguments: arguments.map(|arg| expanded(moved(arg))).collect(),
            home,
            template,
            vars,
            files,
        }
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.files.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// The program with the pod's arguments, or with another command than the first of them.
    pub(crate) fn program(&self, command: Option<&str>, kubeconfig: &Path, vars: Vars) -> Program {
        let first = command.unwrap_or(&self.arguments[0]);
        Program::new(env!("CARGO_BIN_EXE_regcred-refresh"))
            .arg(first)
            .args(&self.arguments[1..])
            .env("KUBECONFIG", kubeconfig)
            .envs(self.vars.clone())
            .envs(vars)
    }
}

/// The pods' template of a workload.
pub(crate) fn template(object: &Value) -> Option<&Value> {
    let places = ["/spec/template", "/spec/jobTemplate/spec/template"];
    places.iter().find_map(|place| object.pointer(place))
}

pub(crate) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
