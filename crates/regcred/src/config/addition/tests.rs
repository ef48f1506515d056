use super::*;

fn entry(name: &str) -> Entry {
    Entry::new(name.to_owned(), vec!["*.h.io".to_owned()], "1h")
}

fn added(text: &str, name: &str) -> Result<String, String> {
    let added = add(&text.into(), &[entry(name)], None)?;
    assert_eq!(added.names, [name]);
    Ok(added.text.expose_secret().to_owned())
}

const HEAD: &str = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\n";

#[test]
fn yaml_keeps_its_comments_its_order_and_its_layout() {
    for (indent, end, rest) in [
        ("", "", ""),
        ("  ", "", "\n# after the list\n"),
        ("    ", "\n\n", "kind: CredentialProviderConfig\n"),
    ] {
        let head = if rest.starts_with("kind") {
            "apiVersion: kubelet.config.k8s.io/v1\n"
        } else {
            HEAD
        };
        let old = format!(
            "# of the vendor\n{head}providers:\n{indent}- name: old # the first\n{indent}  env:\n\
             {indent}  - name: A\n{indent}    value: |\n{indent}      canary\n\n{indent}      two\n\
             {indent}  matchImages: [a.io]\n{indent}  defaultCacheDuration: 1h\n{indent}  apiVersion: \
             credentialprovider.kubelet.k8s.io/v1"
        );
        let text = format!("{old}\n{end}{rest}");
        let new = added(&text, "new").expect("added");
        let expected = format!(
            "{old}\n{indent}- name: new\n{indent}  matchImages:\n{indent}  - \"*.h.io\"\n{indent}  \
             defaultCacheDuration: 1h\n{indent}  apiVersion: credentialprovider.kubelet.k8s.io/v1\n{end}{rest}"
        );
        assert_eq!(new, expected);
        let twice = add(&(&*new).into(), &[entry("new"), entry("old2")], None).expect("added");
        assert_eq!(twice.names, ["old2"]);
        let same = add(&(&*new).into(), &[entry("new")], None).expect("the same");
        assert_eq!((same.names.len(), same.text.expose_secret()), (0, &*new));
    }
    let without_end = added(added(FILE, "b").expect("added").trim_end(), "c").expect("added");
    assert!(without_end.ends_with(
        "/v1\n- name: c\n  matchImages:\n  - \"*.h.io\"\n  defaultCacheDuration: 1h\n  \
                                  apiVersion: credentialprovider.kubelet.k8s.io/v1\n"
    ));
}

const FILE: &str = "apiVersion: kubelet.config.k8s.io/v1\nkind: CredentialProviderConfig\nproviders:\n- name: a\n  \
                    matchImages: [a.io]\n  defaultCacheDuration: 1h\n  apiVersion: \
                    credentialprovider.kubelet.k8s.io/v1\n";

#[test]
fn json_keeps_its_order_and_its_layout() {
    let compact = r#"{"kind":"CredentialProviderConfig","providers":[{"name":"a","matchImages":["a.io"],"defaultCacheDuration":"1h","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}],"apiVersion":"kubelet.config.k8s.io/v1"}"#;
    let item = r#"{"name":"new","matchImages":["*.h.io"],"defaultCacheDuration":"1h","apiVersion":"credentialprovider.kubelet.k8s.io/v1"}"#;
    let expected = compact.replace("}],", &format!("}},{item}],"));
    assert_eq!(added(compact, "new").expect("added"), expected);
    for unit in ["  ", "\t"] {
        let old = regcred_go::json::indent(compact, unit) + "\n";
        let new = added(&old, "new").expect("added");
        assert_eq!(new, regcred_go::json::indent(&expected, unit) + "\n");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let flow = FILE
        .replace("providers:\n- name: a\n", "providers: [{name: a,")
        .replace("  matchImages: [a.io]\n", "matchImages: [a.io],")
        .replace("  defaultCacheDuration: 1h\n", "defaultCacheDuration: 1h,")
        .replace("/v1\n", "/v1}]\n")
        .replace("k8s.io/v1}]\nkind", "k8s.io/v1\nkind");
    for (text, name, why) in [
        (
            flow,
            "new",
            "write `providers` as a list of one item on each line",
        ),
        (
            FILE.replace("- name", "-\n  name"),
            "new",
            "write `providers` as a list",
        ),
        (
            FILE.replace("  apiVersion", "  x: canary\n  apiVersion"),
            "new",
            "a kubelet does not read it: strict",
        ),
        (
            FILE.replace("1h", "-1h"),
            "new",
            "a kubelet does not start with it: providers.defaultCacheDuration",
        ),
        (
            format!("{FILE}---\n{FILE}"),
            "new",
            "several YAML documents",
        ),
        (FILE.to_owned(), "a", "another entry \"a\": remove that one"),
        (FILE.to_owned(), "x/y", "provider name cannot contain '/'"),
    ] {
        let error = added(&text, name).expect_err(why);
        assert!(
            error.contains(why) && !error.contains("canary"),
            "{error}\n{text}"
        );
    }
    let error = add(&FILE.into(), &[entry("new")], Some(ConfigFormat::Json)).expect_err("YAML");
    assert_eq!(error, "it is YAML: omit --format, or name another file");
}
